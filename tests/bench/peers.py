#!/usr/bin/env python3
"""The same work done by walras and by what a user would pick instead, in one run, with the ratios.

    tests/bench/peers.py [NAME...]      names: bar_backtest bootstrap_sharpe l2_backtest spa mcs pbo permutation quickstart; default: all

The peers come from the Python package index into an environment of their own, .deps/peers (about 1 GB, once).
Needs a built program (./walras bench). Machines are noisy: figures are medians, and the ratio is what travels.
"""
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".deps" / "peers"
PACKAGES = ["numpy", "pandas", "scipy", "arch==8.0.0", "backtrader==1.9.78.123", "backtesting==0.6.6", "vectorbt==1.0.0",
            "plotly<6", "quantstats==0.0.86", "hftbacktest==2.4.4", "purgedcv==0.1.11"]


def environment():
    """Re-runs this script inside the peers' own environment, made on first use."""
    python = HOME / "bin" / "python"
    if Path(sys.prefix) == HOME:
        return
    if not python.exists():
        print("installing the peers into .deps/peers", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
    os.execv(python, [str(python), __file__, *sys.argv[1:]])


def walras(name):
    out = subprocess.run([str(ROOT / "walras"), "bench", name, "--json"], check=True, capture_output=True, text=True).stdout
    return json.loads(out)["value"]


def median(work, runs=3):
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def row(bench, peer, ours, theirs, unit, faster):
    print(f"{bench:18s} {peer:24s} walras {ours:14,.4g} {unit:8s} peer {theirs:14,.4g} {unit:8s} {faster:8.1f} x", flush=True)


def minute_bars(n):
    import numpy as np
    import pandas as pd
    rng = np.random.default_rng(1)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 2e-4, n)))
    start = np.r_[close[0], close[:-1]]
    high = np.maximum(start, close) * (1 + np.abs(rng.normal(0, 1e-4, n)))
    low = np.minimum(start, close) * (1 - np.abs(rng.normal(0, 1e-4, n)))
    index = pd.date_range("2015-01-01", periods=n, freq="min")
    return pd.DataFrame({"Open": start, "High": high, "Low": low, "Close": close, "Volume": rng.integers(1, 1000, n).astype(float)}, index)


def bar_backtest():
    """A crossover of 10 and 30 bars on minute bars; ours plays them event by event with orders, fees and an equity curve."""
    ours = walras("bar_backtest")
    import pandas as pd

    def with_vectorbt():
        import vectorbt as vbt
        bars = minute_bars(1_000_000)

        def work():
            fast, slow = vbt.MA.run(bars.Close, 10), vbt.MA.run(bars.Close, 30)
            vbt.Portfolio.from_signals(bars.Close, fast.ma_crossed_above(slow), fast.ma_crossed_below(slow), fees=1e-4,
                                       freq="1min").total_return()
        return 1_000_000 / median(work)

    def with_backtesting():
        from backtesting import Backtest, Strategy
        from backtesting.lib import crossover
        mean = lambda values, n: pd.Series(values).rolling(n).mean()

        class Crossover(Strategy):
            def init(self):
                self.fast, self.slow = self.I(mean, self.data.Close, 10), self.I(mean, self.data.Close, 30)

            def next(self):
                if crossover(self.fast, self.slow):
                    self.buy()
                elif crossover(self.slow, self.fast):
                    self.position.close()
        test = Backtest(minute_bars(100_000), Crossover, cash=1e6, commission=1e-4)
        return 100_000 / median(test.run, 1)

    def with_backtrader():
        import backtrader as bt

        class Crossover(bt.Strategy):
            def __init__(self):
                self.cross = bt.ind.CrossOver(bt.ind.SMA(period=10), bt.ind.SMA(period=30))

            def next(self):
                if not self.position and self.cross > 0:
                    self.buy()
                elif self.position and self.cross < 0:
                    self.close()

        def work():
            engine = bt.Cerebro()
            engine.adddata(bt.feeds.PandasData(dataname=minute_bars(20_000).rename(columns=str.lower)))
            engine.addstrategy(Crossover)
            engine.run()
        return 20_000 / median(work, 1)

    for peer, run in [("vectorbt (vectorised)", with_vectorbt), ("backtesting.py", with_backtesting), ("backtrader", with_backtrader)]:
        theirs = run()
        row("bar_backtest", peer, ours, theirs, "bars/s", ours / theirs)


def bootstrap_sharpe():
    """10,000 stationary bootstrap repetitions of the Sharpe ratio of 20 series of 2,520 days; arch does a tenth of them."""
    ours = walras("bootstrap_sharpe")
    import numpy as np
    from arch.bootstrap import StationaryBootstrap
    returns = np.random.default_rng(1).standard_t(5, size=(2520, 20)) * 0.01 + 0.0003
    sharpe = lambda x: np.sqrt(252) * x.mean(0) / x.std(0, ddof=1)

    def work():
        StationaryBootstrap(21, returns, seed=np.random.default_rng(2)).conf_int(sharpe, reps=1000, method="percentile")
    theirs = median(work) * 10
    row("bootstrap_sharpe", "arch (1,000 x 10)", ours, theirs, "s", theirs / ours)


def models(count):
    import numpy as np
    return np.random.default_rng(4).normal(0, 0.01, (1000, count)) + 1e-5 * (np.arange(count) % 50)


def spa():
    """500 models of 1,000 days, 10,000 repetitions; arch does a tenth of them, one set of p-values."""
    ours = walras("spa")
    import numpy as np
    from arch.bootstrap import SPA
    losses = models(500)
    theirs = median(lambda: SPA(np.zeros(1000), losses, reps=1000, block_size=21, seed=3).compute(), 1) * 10
    row("spa", "arch (1,000 x 10)", ours, theirs, "s", theirs / ours)


def mcs():
    """50 models of 1,000 days, 10,000 repetitions; arch does a tenth of them."""
    ours = walras("mcs")
    from arch.bootstrap import MCS
    losses = models(50)
    theirs = median(lambda: MCS(losses, size=0.1, reps=1000, block_size=21, seed=3).compute(), 1) * 10
    row("mcs", "arch (1,000 x 10)", ours, theirs, "s", theirs / ours)


def pbo():
    """16 blocks, 12,870 splits of 100 trials of 2,528 days: purgedcv, and numpy over sums of blocks, the best that Python can do."""
    ours = walras("pbo")
    import itertools
    import numpy as np
    import purgedcv
    returns = np.random.default_rng(6).normal(0, 0.01, (2528, 100))

    def with_numpy():
        blocks = returns.reshape(16, 158, 100)
        first, second = blocks.sum(1), (blocks ** 2).sum(1)
        inside = np.zeros((12870, 16))
        for row, chosen in enumerate(itertools.combinations(range(16), 8)):
            inside[row, chosen] = 1

        def sharpe(which):
            n = 8 * 158
            mean, square = which @ first / n, which @ second / n
            return mean / np.sqrt((square - mean ** 2) * n / (n - 1))
        best = sharpe(inside).argmax(1)
        outside = sharpe(1 - inside)
        rank = (outside < outside[np.arange(12870), best][:, None]).sum(1) + 1
        return np.mean(rank / 101 <= 0.5)
    slow = median(lambda: purgedcv.probability_of_backtest_overfitting(returns.T, n_splits=16), 1)
    row("pbo", "purgedcv", ours, slow, "s", slow / ours)
    quick = median(with_numpy)
    row("pbo", "numpy (sums of blocks)", ours, quick, "s", quick / ours)


def permutation():
    """10,000 sign flips of 2,520 days, vectorised in batches of 500."""
    ours = walras("permutation")
    import numpy as np
    from scipy import stats
    x = np.random.default_rng(1).standard_t(5, 2520) * 0.01 + 0.0003
    mean = lambda sample, axis: sample.mean(axis=axis)
    theirs = median(lambda: stats.permutation_test((x,), mean, permutation_type="samples", vectorized=True, n_resamples=9999, batch=500))
    row("permutation", "scipy", ours, theirs, "s", theirs / ours)


def quickstart():
    """Our whole quickstart (three strategies refitted over 14 folds, evidence, report) against QuantStats' report of one series alone."""
    ours = walras("quickstart")
    import numpy as np
    import pandas as pd
    import quantstats as qs
    index = pd.bdate_range("1995-01-02", periods=7000)
    returns = pd.Series(np.random.default_rng(3).normal(0.0004, 0.01, 7000), index)
    theirs = median(lambda: qs.reports.html(returns, output="/dev/null", title="one series"), 1)
    row("quickstart", "quantstats (report only)", ours, theirs, "s", theirs / ours)


def l2_backtest():
    """Two quotes renewed every 100 ms on 4 M changes of price levels, with latency and queue positions; both of one recipe."""
    ours = walras("l2_backtest")
    import numpy as np
    from hftbacktest import BUY, GTX, LIMIT, SELL, BacktestAsset, HashMapMarketDepthBacktest, ROIVectorMarketDepthBacktest
    from hftbacktest.types import BUY_EVENT, DEPTH_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, TRADE_EVENT, event_dtype
    from numba import njit
    n = 4_000_000
    rng = np.random.default_rng(1)
    events = np.zeros(n, event_dtype)
    time_ns = np.cumsum(rng.integers(10_000, 2_000_000, n)).astype(np.int64) + 1_000_000_000
    mid = np.round(10_000 + np.cumsum(rng.choice([-1, 0, 1], n, p=[0.02, 0.96, 0.02]))).astype(float)
    sell, level, trade = rng.integers(0, 2, n), rng.integers(1, 21, n), rng.random(n) < 0.1
    sign = np.where(sell == 0, -1, 1)
    events["exch_ts"], events["local_ts"] = time_ns, time_ns + 1_000_000
    events["px"] = np.where(trade, mid + sign, mid + sign * level) * 0.01
    events["qty"] = rng.integers(0, 20, n) + trade
    side = np.where(trade, np.where(sell == 0, SELL_EVENT, BUY_EVENT), np.where(sell == 0, BUY_EVENT, SELL_EVENT))
    events["ev"] = (np.where(trade, TRADE_EVENT, DEPTH_EVENT) | EXCH_EVENT | LOCAL_EVENT | side).astype(np.uint64)

    @njit
    def quote(backtest):
        order = 1
        while backtest.elapse(100_000_000) == 0:
            backtest.clear_inactive_orders(0)
            depth = backtest.depth(0)
            if depth.best_bid_tick >= depth.best_ask_tick or depth.best_bid_tick < 0:
                continue
            values = backtest.orders(0).values()
            while values.has_next():
                live = values.get()
                if live.cancellable:
                    backtest.cancel(0, live.order_id, False)
            backtest.submit_buy_order(0, order, depth.best_bid, 1.0, GTX, LIMIT, False)
            backtest.submit_sell_order(0, order + 1, depth.best_ask, 1.0, GTX, LIMIT, False)
            order += 2

    # Orders of one lot do not fill in part; its exchange with partial fills stops at an order's second end.
    def run(engine):
        asset = (BacktestAsset().data(events).linear_asset(1.0).constant_order_latency(1_000_000, 1_000_000).power_prob_queue_model2(2.0)
                 .no_partial_fill_exchange().trading_value_fee_model(-0.0001, 0.0004).tick_size(0.01).lot_size(1.0).roi_lb(0.0)
                 .roi_ub(300.0).last_trades_capacity(0))
        backtest = engine([asset])
        quote(backtest)
        backtest.close()
    for name, engine in [("hash map", HashMapMarketDepthBacktest), ("ROI vector", ROIVectorMarketDepthBacktest)]:
        theirs = n / median(lambda: run(engine))
        row("l2_backtest", f"hftbacktest 2.4.4 {name}", ours, theirs, "events/s", ours / theirs)


ALL = {"l2_backtest": l2_backtest, "bar_backtest": bar_backtest, "bootstrap_sharpe": bootstrap_sharpe, "spa": spa, "mcs": mcs, "pbo": pbo,
       "permutation": permutation, "quickstart": quickstart}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(ALL)
    for name in chosen:
        if name not in ALL:
            sys.exit(f"peers.py: expected one of {', '.join(ALL)}, was {name}")
    environment()
    import logging
    import warnings
    warnings.filterwarnings("ignore")
    logging.getLogger("matplotlib").setLevel(logging.ERROR)   # a missing font is no news
    for name in chosen:
        ALL[name]()
