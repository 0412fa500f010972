#!/usr/bin/env python3
"""A trader outside: how a program in another language trades in a simulation of Walras. Standard library only.

The upper half speaks the protocol of docs/gateway.md in lines of JSON and can be copied as it is; the lower half is a
rule, the moving average that Walras also has inside, so that both can be compared to the last bit. Started by a scenario
("command": ["python3", "gateway_client.py"]), or by hand with the address that the run prints: gateway_client.py ADDRESS
"""
import json
import os
import socket
import sys
from collections import deque

VERSION = 1


class CutOff(Exception):
    """The simulation goes on without us, and says why."""


def connect(address):
    if address.startswith("unix:"):
        line = socket.socket(socket.AF_UNIX)
        line.connect(address[5:])
        return line
    host, _, port = address.rpartition(":")
    line = socket.create_connection((host.strip("[]"), int(port)))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


class Market:
    """One simulation, as far as its messages have told. Requests are sent together, when the turn ends."""

    def __init__(self, hello):
        self.instruments = hello["instruments"]
        self.settings = hello["settings"]
        self.now, self.end = hello["now"], hello["end"]
        self.warm_up = True
        self.cash = self.equity = hello["capital"]
        self.positions = [0] * len(self.instruments)
        self.orders = {}  # live ones: ref -> [instrument, side, open quantity]
        self.requests = []
        self.last_ref = 0

    def submit(self, instrument, side, quantity, **more):
        """Sends an order; returns its ref. More: order_type, price, time_in_force, parent_ref ... as in the protocol."""
        self.last_ref += 1
        self.orders[self.last_ref] = [instrument, side, quantity]
        self.requests.append({"type": "submit", "ref": self.last_ref, "instrument": instrument, "side": side, "quantity": quantity, **more})
        return self.last_ref

    def cancel(self, ref):
        self.requests.append({"type": "cancel", "ref": ref})

    def replace(self, ref, price, quantity):
        self.requests.append({"type": "replace", "ref": ref, "price": price, "quantity": quantity})

    def set_timer(self, at, tag=0):
        self.requests.append({"type": "set_timer", "at": at, "tag": tag})

    def open_quantity(self, instrument, side):
        return sum(order[2] for order in self.orders.values() if order[:2] == [instrument, side])

    def hear(self, message):
        """Keeps the books."""
        kind = message["type"]
        if kind == "turn":
            self.now, self.warm_up = message["time"], message["warm_up"]
            self.cash, self.equity = message["cash"], message["equity"]
            for held in message["positions"]:
                self.positions[held["instrument"]] = held["quantity"]
        elif kind == "fill" and message["ref"] in self.orders:
            self.orders[message["ref"]][2] = message["remaining"]
            if message["remaining"] == 0:
                del self.orders[message["ref"]]
        elif kind == "answer" and message["ref"] in self.orders:
            order = self.orders[message["ref"]]
            if message["kind"] == "replaced":
                order[2] = message["quantity"]
            elif message["kind"] == "accepted":
                order.append("accepted")
            elif message["kind"] == "cancelled" or (message["kind"] == "rejected" and len(order) == 3):
                del self.orders[message["ref"]]  # a refused cancel or replace leaves an accepted order as it was


def serve(trader_class, address=None):
    """Plays simulations until the gateway closes. Each begins with a new trader, trader_class(market), which has `events`
    and `turns` to subscribe to, and is told a message of type x by on_x(message) where it has such a method."""
    with connect(address or os.environ["WALRAS_GATEWAY"]) as line:
        market = trader = None
        for text in line.makefile("rb"):
            message = json.loads(text)
            kind = message["type"]
            if kind == "cut_off":
                raise CutOff(message["reason"])
            if kind == "hello":
                if message["protocol"] != VERSION:
                    raise CutOff(f"this program speaks version {VERSION} of the protocol, the gateway {message['protocol']}")
                market = Market(message)
                trader = trader_class(market)
                market.requests.insert(0, {"type": "subscribe", "protocol": VERSION, "client": "gateway_client.py",
                                           "events": trader.events, "turns": trader.turns})
            else:
                market.hear(message)
                answer = getattr(trader, "on_" + kind, None)
                if answer:
                    answer(message)
            if "turn" in message:
                if kind == "goodbye":
                    market.requests.clear()
                market.requests.append({"type": "done", "turn": message["turn"]})
                line.sendall("".join(json.dumps(request) + "\n" for request in market.requests).encode())
                market.requests.clear()


class Mean:
    """Of the last closes."""

    def __init__(self, length):
        self.values, self.length, self.sum = deque(), length, 0

    def push(self, value):
        self.values.append(value)
        self.sum += value
        if len(self.values) > self.length:
            self.sum -= self.values.popleft()

    def full(self):
        return len(self.values) == self.length

    def value(self):
        return self.sum / self.length


class MovingAverage:
    """Long while the fast mean of closes is above the slow one; an equal share of 99 % of the equity an instrument."""

    events, turns = ["bar"], ["slice"]

    def __init__(self, market):
        self.market = market
        fast, slow = market.settings.get("fast", 50), market.settings.get("slow", 200)
        self.means = [(Mean(fast), Mean(slow)) for _ in market.instruments]
        self.closes = [0] * len(market.instruments)
        self.long = [False] * len(market.instruments)
        self.changed = set()

    def on_bar(self, bar):
        i, close = bar["instrument"], bar["close"]
        fast, slow = self.means[i]
        fast.push(close)
        slow.push(close)
        self.closes[i] = close
        long = slow.full() and fast.value() > slow.value()
        if long != self.long[i]:
            self.long[i] = long
            self.changed.add(i)

    def on_turn(self, turn):
        market = self.market
        if not self.changed or market.warm_up:
            return
        room = 0.99 * max(0.0, market.equity)
        targets, gross, added = [], 0.0, 0.0
        for i, instrument in enumerate(market.instruments):
            have = want = market.positions[i] + market.open_quantity(i, "buy") - market.open_quantity(i, "sell")
            lot_value = abs(self.closes[i]) * instrument["tick_value"]
            if i in self.changed and lot_value > 0:
                lots = (self.long[i] / len(market.instruments)) * room / lot_value
                # Towards zero, but what misses a whole number by its last bits means that number.
                want = round(lots) if abs(lots - round(lots)) < 1e-9 * max(1.0, abs(lots)) else int(lots)
                self.changed.discard(i)
                targets.append((i, have, want))
                added += max(0, abs(want) - abs(have)) * lot_value
            gross += abs(want) * lot_value
        # Holdings that were left alone may have grown: what is added shares the room that they leave.
        share = max(0.0, 1 - (gross - room) / added) if added > 0 and gross > room else 1
        if share < 1:
            targets = [(i, have, have + int(share * (want - have)) if want > have else want) for i, have, want in targets]
        for i, have, want in targets:
            if want < have:
                market.submit(i, "sell", have - want)
        for i, have, want in targets:
            if want > have:
                market.submit(i, "buy", want - have)


if __name__ == "__main__":
    try:
        serve(MovingAverage, *sys.argv[1:2])
    except CutOff as reason:
        sys.exit(f"{sys.argv[0]}: {reason}")
