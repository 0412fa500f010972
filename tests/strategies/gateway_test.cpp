#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/link/peers.hpp"
#include "engine/link/protocol.hpp"
#include "tests/support/strategy.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

using namespace walras;
using namespace walras::tests;
using namespace walras::engine::protocol;
using strategies::Strategy;

namespace {

/// A folder with a socket in it, and what a scenario says of it.
struct Place {
  ScratchFolder folder{"gateway-test"};
  [[nodiscard]] std::string address() const { return "unix:" + (folder.path() / "s").string(); }
  [[nodiscard]] std::string entry(const std::string& more = "") const {
    return fmt::format(R"({{"kind": "gateway", "listen": "{}", "turn_timeout_s": 20, "connect_timeout_s": 20{}}})", address(), more);
  }
};

std::unique_ptr<Connection> reach(const std::string& address) {
  for (const Deadline deadline = Deadline::in(20);;) {
    try {
      return Connection::to(address);
    } catch (const Error&) {
      if (deadline.passed()) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
}

/// A well-behaved peer in a thread of its own: `act` hears each message, and adds requests to those that go out at the
/// end of the turn. Plays sessions until the gateway closes.
class Peer {
 public:
  using Act = std::function<void(const ToPeer&, std::vector<FromPeer>&)>;
  Peer(std::string address, Wire wire, Act act) : thread_([=, this] { run(address, wire, act); }) {}
  ~Peer() { thread_.join(); }
  std::atomic<int> sessions{0};
  std::string last_words;

 private:
  void run(const std::string& address, Wire wire, const Act& act) {
    try {
      const auto line = reach(address);
      Framer framer(wire, std::size_t{1} << 24);
      std::string inbox;
      std::vector<FromPeer> requests;
      while (true) {
        line->exchange(inbox, Deadline::in(20));
        framer.add(inbox);
        inbox.clear();
        while (const auto bytes = framer.next()) {
          const ToPeer message = decode_to_peer(*bytes, wire);
          act(message, requests);
          std::int64_t turn = 0;
          if (const auto* hello = std::get_if<Hello>(&message)) turn = hello->turn;
          if (const auto* given = std::get_if<Turn>(&message)) turn = given->turn;
          if (const auto* goodbye = std::get_if<Goodbye>(&message)) {
            turn = goodbye->turn;
            ++sessions;
          }
          if (const auto* words = std::get_if<CutOff>(&message)) last_words = words->reason;
          if (turn == 0) continue;
          requests.push_back(Done{turn});
          for (const FromPeer& request : requests) encode(request, wire, line->outbox());
          requests.clear();
          line->exchange(inbox, Deadline::in(20), true);
        }
      }
    } catch (const Error&) {
      // The gateway has closed.
    }
  }
  std::thread thread_;
};

Subscribe subscription(std::vector<Why> turns = {Why::Slice}) {
  Subscribe subscribe;
  subscribe.protocol = kVersion;
  subscribe.turns = std::move(turns);
  return subscribe;
}

std::shared_ptr<const MarketPlan> wavy_market(std::size_t bars, std::uint64_t seed = 5) {
  std::map<std::string, std::vector<TinyBar>> instruments;
  Rng random(seed, "wavy");
  for (const char* name : {"AAA", "BBB"}) {
    std::int64_t price = 10'000;
    for (std::size_t i = 0; i < bars; ++i) {
      const std::int64_t open = price;
      price = std::max<std::int64_t>(5000, price + static_cast<std::int64_t>(random.below(101)) - 50);
      instruments[name].push_back({open, std::max(open, price) + static_cast<std::int64_t>(random.below(20)), std::min(open, price) - static_cast<std::int64_t>(random.below(20)), price,
                                   static_cast<std::int64_t>(1000 + random.below(5000))});
    }
  }
  return bar_market(bar_tape(instruments), R"({"fees": {"kind": "basis_points", "bps": 2}, "latency": {"kind": "constant", "entry_ns": 1000, "response_ns": 2000}})");
}

RunRecord play_one(const std::shared_ptr<const MarketPlan>& plan, Participant& participant, bool close_at_end = true) {
  Span span = plan->whole();
  span.close_at_end = close_at_end;
  Simulation simulation(plan, span, 1);
  const std::uint32_t number = simulation.add(participant, "strategy", tiny_account());
  simulation.run();
  return simulation.record(number);
}

std::string hash(const RunRecord& record, const MarketPlan& plan) { return record_hash({record}, plan.instruments()); }

/// Decides at random, from nothing but what both a peer and a strategy inside know: every type of order and every setting.
class Decider {
 public:
  std::vector<FromPeer> decide(Nanos now, std::span<const std::int64_t> closes, std::uint64_t most) {
    std::vector<FromPeer> requests;
    for (std::uint64_t left = random_.below(most + 1); left > 0; --left) {
      switch (random_.below(8)) {
        case 0:
          if (const auto ref = earlier()) requests.push_back(Cancel{*ref});
          break;
        case 1:
          if (const auto ref = earlier()) requests.push_back(Replace{*ref, near(closes[0]), 1 + any(50)});
          break;
        case 2:
          requests.push_back(SetTimer{now.value + any(100) * kNanosPerSecond, any(5)});
          break;
        default:
          requests.push_back(order(now, closes));
      }
    }
    return requests;
  }
  /// The market knows it: it may be named from now on, whatever becomes of it.
  void accepted(std::int64_t ref) { usable_.push_back(ref); }

 private:
  std::int64_t any(std::int64_t below) { return static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(below))); }
  std::int64_t near(std::int64_t price) { return price + any(121) - 60; }
  std::optional<std::int64_t> earlier() {
    if (usable_.empty()) return std::nullopt;
    return usable_[random_.below(usable_.size())];
  }
  Submit order(Nanos now, std::span<const std::int64_t> closes) {
    Submit order;
    order.ref = sent_++ * 7 + 3;
    order.instrument = static_cast<std::uint32_t>(random_.below(closes.size()));
    order.side = any(2) == 0 ? Side::Buy : Side::Sell;
    order.quantity = 1 + any(100);
    order.order_type = static_cast<OrderType>(any(10));
    order.time_in_force = any(3) > 0 ? TimeInForce::GoodTillCancel : static_cast<TimeInForce>(any(7));
    const std::int64_t mark = closes[order.instrument];
    // Mostly what makes sense, now and then what does not: refusals must come back as well.
    order.price = any(20) == 0 ? any(3) - 1 : near(mark);
    if (order.order_type == OrderType::Market && any(10) > 0) order.price = 0;
    order.trigger_price = any(4) == 0 ? 0 : near(mark);
    order.trail = any(50);
    order.trail_unit = static_cast<TrailUnit>(any(2));
    order.trigger = static_cast<TriggerPrice>(any(3));
    order.peg = static_cast<Peg>(any(3));
    order.offset = any(10);
    order.expire = now.value + any(600) * kNanosPerSecond;
    order.post_only = any(15) == 0;
    order.hidden = any(15) == 0;
    order.all_or_none = any(15) == 0;
    order.reduce_only = any(15) == 0;
    if (any(10) == 0) order.display = 1 + any(20);
    if (any(10) == 0) order.minimum = 1 + any(20);
    if (any(4) == 0) {
      order.link = static_cast<Link>(1 + any(2));
      order.group = static_cast<std::uint32_t>(1 + any(6));
    }
    if (any(6) == 0) order.parent_ref = earlier().value_or(0);
    return order;
  }
  Rng random_{11, "decider"};
  std::vector<std::int64_t> usable_;
  std::int64_t sent_ = 0;
};

/// The decider as a strategy inside.
class Inside final : public Participant {
 public:
  void on_start(Orders& orders) override { closes_.assign(orders.instruments().size(), 10'000); }
  void on_event(const Event& event, Orders& orders) override {
    if (event.kind == EventKind::Bar) closes_[event.instrument] = event.price.value;
    if (event.kind < EventKind::Accepted) return;
    if (event.kind == EventKind::Accepted) decider_.accepted(refs_.at(event.order));
    act(decider_.decide(orders.now(), closes_, 1), orders);
  }
  void on_slice(Nanos, Orders& orders) override { act(decider_.decide(orders.now(), closes_, 4), orders); }
  void on_fill(const Fill&, Orders& orders) override { act(decider_.decide(orders.now(), closes_, 1), orders); }
  void on_timer(Nanos, std::uint64_t tag, Orders& orders) override { act(decider_.decide(orders.now(), closes_, tag), orders); }

 private:
  void act(const std::vector<FromPeer>& requests, Orders& orders) {
    for (const FromPeer& request : requests) {
      if (const auto* submit = std::get_if<Submit>(&request)) {
        OrderRequest order;
        order.instrument = submit->instrument;
        order.side = submit->side;
        order.type = submit->order_type;
        order.time_in_force = submit->time_in_force;
        order.post_only = submit->post_only;
        order.hidden = submit->hidden;
        order.all_or_none = submit->all_or_none;
        order.reduce_only = submit->reduce_only;
        order.trigger = submit->trigger;
        order.trail_unit = submit->trail_unit;
        order.peg = submit->peg;
        order.link = submit->link;
        order.group = submit->group;
        order.price = {submit->price};
        order.quantity = {submit->quantity};
        order.display = {submit->display};
        order.minimum = {submit->minimum};
        order.trigger_price = {submit->trigger_price};
        order.trail = submit->trail;
        order.offset = {submit->offset};
        order.expire = {submit->expire};
        if (submit->parent_ref != 0) order.parent = ids_.at(submit->parent_ref);
        const OrderId id = orders.submit(order);
        ids_[submit->ref] = id;
        refs_[id] = submit->ref;
      } else if (const auto* cancel = std::get_if<Cancel>(&request)) {
        orders.cancel(ids_.at(cancel->ref));
      } else if (const auto* replace = std::get_if<Replace>(&request)) {
        orders.replace(ids_.at(replace->ref), {replace->price}, {replace->quantity});
      } else if (const auto* timer = std::get_if<SetTimer>(&request)) {
        orders.set_timer({timer->at}, static_cast<std::uint64_t>(timer->tag));
      }
    }
  }
  Decider decider_;
  std::vector<std::int64_t> closes_;
  std::map<std::int64_t, OrderId> ids_;
  std::map<OrderId, std::int64_t> refs_;
};

/// The same as a peer.
Peer::Act outside() {
  auto decider = std::make_shared<Decider>();
  auto closes = std::make_shared<std::vector<std::int64_t>>();
  auto tag = std::make_shared<std::uint64_t>(0);
  return [=](const ToPeer& message, std::vector<FromPeer>& requests) {
    if (const auto* hello = std::get_if<Hello>(&message)) {
      closes->assign(hello->instruments.size(), 10'000);
      requests.push_back(subscription({Why::Slice, Why::Fill, Why::Answer}));
    }
    if (const auto* bar = std::get_if<BarNews>(&message)) (*closes)[bar->instrument] = bar->close;
    if (const auto* timer = std::get_if<TimerNews>(&message)) *tag = static_cast<std::uint64_t>(timer->tag);
    if (const auto* answer = std::get_if<AnswerNews>(&message); answer != nullptr && answer->kind == EventKind::Accepted) decider->accepted(answer->ref);
    if (const auto* turn = std::get_if<Turn>(&message)) {
      const std::uint64_t most = turn->why == Why::Slice ? 4 : turn->why == Why::Timer ? *tag : 1;
      const auto more = decider->decide({turn->time}, *closes, most);
      requests.insert(requests.end(), more.begin(), more.end());
    }
  };
}

/// Plays a gateway against a peer that sends `bytes` as its first words, or at its first turn, and then does as `then`.
struct Hostile {
  std::string name, bytes, expected;
  bool after_start = false;
  Wire wire = Wire::Json;
  enum class Then { Listen, Close, Drip } then = Then::Listen;
};

void misbehave(const std::string& address, const Hostile& how) {
  try {
    auto line = reach(address);
    std::string inbox;
    const auto send = [&](std::string_view bytes) {
      line->outbox() += bytes;
      line->exchange(inbox, Deadline::in(5), true);
    };
    line->exchange(inbox, Deadline::in(20));
    if (how.after_start) {
      std::string start;
      encode(FromPeer(subscription()), how.wire, start);
      encode(FromPeer(Done{1}), how.wire, start);
      send(start);
      inbox.clear();
      line->exchange(inbox, Deadline::in(20));
    }
    if (how.then == Hostile::Then::Drip) {
      for (int i = 0; i < 400; ++i) {
        send(how.bytes);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      return;
    }
    send(how.bytes);
    if (how.then == Hostile::Then::Close) return;
    while (line->exchange(inbox, Deadline::in(20))) {
    }
  } catch (const Error&) {
    // Cut off.
  }
}

}  // namespace

TEST_CASE("a peer trades to the same bits as the same strategy inside, with every order setting, in both encodings") {
  const auto plan = wavy_market(400);
  Inside inside;
  const RunRecord expected = play_one(plan, inside);
  CHECK(expected.orders.size() > 800);
  CHECK(expected.fills.size() > 200);
  std::set<OrderType> filled;
  for (const auto& order : expected.orders) {
    if (order.filled.value > 0) filled.insert(order.type);
  }
  CHECK(filled.size() >= 8);
  for (const std::string wire : {"json", "binary"}) {
    CAPTURE(wire);
    const Place place;
    Peer peer(place.address(), wire == "json" ? Wire::Json : Wire::Binary, outside());
    const strategies::Registries registries = strategies::registries();
    const auto strategy = make_strategy(place.entry(R"(, "protocol": ")" + wire + '"'), *plan, registries);
    const RunRecord record = play_one(plan, *strategy);
    CHECK(strategy->cut_off() == "");
    CHECK(record.orders.size() == expected.orders.size());
    CHECK(hash(record, *plan) == hash(expected, *plan));
  }
}

TEST_CASE("one connection serves simulations one after the other and strategies in several threads") {
  const auto plan = wavy_market(60);
  const Place place;
  std::mutex mutex;
  std::vector<std::int64_t> sessions;
  Peer peer(place.address(), Wire::Json, [&](const ToPeer& message, std::vector<FromPeer>& requests) {
    if (const auto* hello = std::get_if<Hello>(&message)) {
      const std::lock_guard lock(mutex);
      sessions.push_back(hello->session);
      CHECK(hello->settings.at("fast") == Json(3));
      CHECK(hello->capital == 1e6);
      CHECK(hello->instruments.at(1).name == "BBB");
      requests.push_back(subscription());
    }
    if (const auto* turn = std::get_if<Turn>(&message); turn != nullptr && turn->turn == 5) {
      Submit order;
      order.ref = 1;
      order.quantity = 10;
      requests.push_back(order);
    }
  });
  const strategies::Registries registries = strategies::registries();
  {
    std::vector<std::unique_ptr<Strategy>> traders;
    for (int i = 0; i < 3; ++i) traders.push_back(make_strategy(place.entry(R"(, "settings": {"fast": 3})"), *plan, registries));
    std::vector<std::string> hashes(6);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < traders.size(); ++i) {
      threads.emplace_back([&, i] {
        for (std::size_t k = 0; k < 2; ++k) hashes[2 * i + k] = hash(play_one(plan, *traders[i]), *plan);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const auto& trader : traders) CHECK(trader->cut_off() == "");
    CHECK(std::set<std::string>(hashes.begin(), hashes.end()).size() == 1);
  }
  const std::lock_guard lock(mutex);
  std::ranges::sort(sessions);
  CHECK(sessions == std::vector<std::int64_t>{0, 0, 0, 1, 1, 1});
  CHECK(peer.sessions == 6);
}

TEST_CASE("a peer hears only what it subscribed to, and its orders by its own numbers") {
  const auto plan = wavy_market(40);
  const Place place;
  std::map<std::string, int> heard;
  std::vector<AnswerNews> answers;
  std::vector<FillNews> fills;
  Peer peer(place.address(), Wire::Binary, [&](const ToPeer& message, std::vector<FromPeer>& requests) {
    std::visit([&](const auto& one) { ++heard[std::string(one.kType)]; }, message);
    if (std::holds_alternative<Hello>(message)) {
      Subscribe subscribe = subscription({});
      subscribe.instruments = {1};
      requests.push_back(subscribe);
      requests.push_back(SetTimer{10 * kPeriod, 42});
    }
    if (const auto* timer = std::get_if<TimerNews>(&message)) CHECK(timer->tag == 42);
    if (const auto* bar = std::get_if<BarNews>(&message)) CHECK(bar->instrument == 1);
    if (const auto* turn = std::get_if<Turn>(&message)) {
      CHECK(turn->why == Why::Timer);
      CHECK(turn->time == 10 * kPeriod);
      Submit good, bad, orphan;
      good.ref = 1000;
      good.quantity = 5;
      bad.ref = 77;
      bad.quantity = -5;
      orphan.ref = 78;
      orphan.quantity = 5;
      orphan.parent_ref = 77;
      requests.insert(requests.end(), {bad, good, orphan, Cancel{77}});
    }
    if (const auto* answer = std::get_if<AnswerNews>(&message)) answers.push_back(*answer);
    if (const auto* fill = std::get_if<FillNews>(&message)) fills.push_back(*fill);
  });
  const strategies::Registries registries = strategies::registries();
  const auto strategy = make_strategy(place.entry(R"(, "protocol": "binary")"), *plan, registries);
  const RunRecord record = play_one(plan, *strategy, false);
  REQUIRE(strategy->cut_off() == "");
  CHECK(heard["bar"] == 39);   // the last becomes known after the end
  CHECK(heard["turn"] == 1);
  CHECK(heard["goodbye"] == 1);
  REQUIRE(fills.size() == 1);
  CHECK(fills[0].ref == 1000);
  CHECK(fills[0].quantity == 5);
  std::map<std::int64_t, std::vector<Reject>> refusals;
  for (const AnswerNews& answer : answers) {
    if (answer.kind == EventKind::Rejected) refusals[answer.ref].push_back(answer.reason);
  }
  CHECK(refusals[77] == std::vector{Reject::UnknownOrder, Reject::BadQuantity});
  CHECK(refusals[78] == std::vector{Reject::BadLink});
  CHECK(refusals.count(1000) == 0);
  CHECK(record.fills.size() == 1);
}

TEST_CASE("orders in warm-up are refused with their reason, and the turns are those of the strategy inside") {
  const auto plan = wavy_market(40);
  const Place place;
  std::vector<Reject> reasons;
  int warm = 0, turns = 0;
  Peer peer(place.address(), Wire::Json, [&](const ToPeer& message, std::vector<FromPeer>& requests) {
    if (std::holds_alternative<Hello>(message)) requests.push_back(subscription());
    if (const auto* answer = std::get_if<AnswerNews>(&message)) reasons.push_back(answer->reason);
    if (const auto* turn = std::get_if<Turn>(&message)) {
      ++turns;
      warm += turn->warm_up ? 1 : 0;
      if (turns != 1) return;
      Submit order;
      order.ref = 9;
      order.quantity = 1;
      requests.push_back(order);
    }
  });
  const strategies::Registries registries = strategies::registries();
  const auto strategy = make_strategy(place.entry(), *plan, registries);
  Span span = plan->whole();
  span.begin = {20 * kPeriod};
  Simulation simulation(plan, span, 1);
  const std::uint32_t number = simulation.add(*strategy, "strategy", tiny_account());
  simulation.run();
  CHECK(strategy->cut_off() == "");
  CHECK(reasons == std::vector{Reject::WarmUp});
  CHECK(turns == 39);
  CHECK(warm == 19);
  CHECK(simulation.record(number).orders.empty());
}

TEST_CASE("a peer that stalls, floods or sends rubbish is cut off with a reason, and the simulation goes on") {
  using namespace std::string_literals;
  const auto line = [](const std::string& text) { return text + "\n"; };
  const std::string subscribe = line(R"({"type": "subscribe", "protocol": 1})");
  std::string flood;
  for (int i = 0; i < 1001; ++i) flood += line(R"({"type": "set_timer", "at": 1})");
  const std::string buy = R"({"type": "submit", "ref": 1, "side": "buy", "quantity": 1)";
  const std::vector<Hostile> all = {
      {"garbage", "\x00\x01\xff\xfe GET / HTTP/1.1\r\n\r\n"s, "message:1:1: "},
      {"endless line", std::string(70'000, 'x'), "message: expected at most 65536 bytes, was a line of at least"},
      {"oversized length", "\xff\xff\xff\x7f"s, "message: expected at most 65536 bytes, was 2147483647", false, Wire::Binary},
      {"empty length", "\0\0\0\0"s, "message: expected at least one byte", false, Wire::Binary},
      {"garbage in binary", "\x04\0\0\0abcd"s, "message: expected the tag of a message, was 97", false, Wire::Binary},
      {"deep", std::string(60'000, '[') + "\n", "message:1:"},
      {"wrong type", line(R"({"type": "done", "turn": "two"})"), "done/turn: expected an integer, was \"two\"", true},
      {"not a number", line(R"({"type": "submit", "ref": 1, "side": "buy", "quantity": NaN})"), "message:1:", true},
      {"too large a number", line(R"({"type": "submit", "ref": 1, "side": "buy", "quantity": 1e999})"), "message:1:", true},
      {"unknown ref to cancel", line(R"({"type": "cancel", "ref": 5})"), "cancel/ref: expected the ref of an order sent before, was 5", true},
      {"unknown ref to replace", line(R"({"type": "replace", "ref": 5, "price": 1, "quantity": 1})"), "replace/ref: expected the ref of an order sent before, was 5", true},
      {"unknown parent", line(buy + R"(, "parent_ref": 99})"), "submit/parent_ref: expected the ref of an order sent before, was 99", true},
      {"its own parent", line(buy + R"(, "parent_ref": 1})"), "submit/parent_ref: expected the ref of an order sent before, was 1", true},
      {"ref twice", line(buy + "}") + line(buy + "}"), "submit/ref: expected a number not used before, was 1 again", true},
      {"flood", flood, "expected at most 1000 messages a turn, were more", true},
      {"silence at hello", "", "expected done within 0.3 s of turn 1, was silence"},
      {"silence at a turn", "", "expected done within 0.3 s of turn 2, was silence", true},
      {"half a message", R"({"type": "done", )", "expected done within 0.3 s of turn 2, was half a message", true},
      {"slow loris", " ", "expected done within 0.3 s of turn 2, was half a message", true, Wire::Json, Hostile::Then::Drip},
      {"never done", line(R"({"type": "set_timer", "at": 1})"), "expected done within 0.3 s of turn 2", true, Wire::Json, Hostile::Then::Drip},
      {"closed at hello", "", "it closed the connection", false, Wire::Json, Hostile::Then::Close},
      {"closed at a turn", R"({"type": "do)", "it closed the connection", true, Wire::Json, Hostile::Then::Close},
      {"no subscription", line(R"({"type": "done", "turn": 1})"), "message/type: expected subscribe as the first message, was another"},
      {"two subscriptions", subscribe, "subscribe: expected one a session, was a second", true},
      {"another version", line(R"({"type": "subscribe", "protocol": 2})"), "subscribe/protocol: expected version 1, was 2"},
      {"an instrument that is none", line(R"({"type": "subscribe", "protocol": 1, "instruments": [2]})"), "subscribe/instruments: expected numbers below 2, was 2"},
      {"done too often", line(R"({"type": "done", "turn": 2})") + line(R"({"type": "done", "turn": 2})"), "done/turn: expected 3, was 2", true},
      {"done before its time", line(R"({"type": "done", "turn": 3})"), "done/turn: expected 2, was 3", true},
  };
  const auto plan = wavy_market(30);
  const strategies::Registries registries = strategies::registries();
  for (const Hostile& how : all) {
    CAPTURE(how.name);
    const Place place;
    std::thread peer([&] { misbehave(place.address(), how); });
    const std::string wire = how.wire == Wire::Json ? "json" : "binary";
    const auto strategy = make_strategy(fmt::format(R"({{"kind": "gateway", "listen": "{}", "turn_timeout_s": 0.3, "protocol": "{}"}})", place.address(), wire), *plan, registries);
    const RunRecord record = play_one(plan, *strategy);
    const std::string said = strategy->cut_off();
    CAPTURE(said);
    CHECK(said.starts_with("cut off at "));
    CHECK(said.find(how.expected) != std::string::npos);
    CHECK(record.equity.size() == 30);
    // The reason stays: nothing is tried again.
    play_one(plan, *strategy);
    CHECK(strategy->cut_off() == "in an earlier simulation " + said);
    peer.join();
  }
}

TEST_CASE("what a peer leaves behind when it is cut off is taken back from the market; what it holds is closed at the end") {
  const auto plan = wavy_market(30);
  const Place place;
  Peer peer(place.address(), Wire::Json, [&](const ToPeer& message, std::vector<FromPeer>& requests) {
    if (std::holds_alternative<Hello>(message)) requests.push_back(subscription());
    const auto* turn = std::get_if<Turn>(&message);
    if (turn == nullptr) return;
    if (turn->turn == 3) {
      Submit held, far;
      held.ref = 1;
      held.quantity = 10;
      far.ref = 2;
      far.side = Side::Sell;
      far.order_type = OrderType::Limit;
      far.price = 10'900;   // reached late, if at all
      far.quantity = 10;
      requests.insert(requests.end(), {held, far});
    }
    if (turn->turn == 6) requests.push_back(Cancel{12345});
  });
  const strategies::Registries registries = strategies::registries();
  const auto strategy = make_strategy(place.entry(), *plan, registries);
  Probe watcher;
  Simulation simulation(plan, plan->whole(), 1);
  const std::uint32_t number = simulation.add(*strategy, "strategy", tiny_account());
  simulation.run_until({10 * kPeriod});
  CHECK(simulation.orders(number).position(0).value == 10);
  CHECK(simulation.orders(number).open_quantity(0, Side::Sell).value == 0);
  simulation.run();
  const RunRecord record = simulation.record(number);
  REQUIRE(record.fills.size() == 2);   // bought, and closed at the end
  CHECK(record.fills.back().position.value == 0);
  CHECK(strategy->cut_off().find("cancel/ref") != std::string::npos);
}

TEST_CASE("where nobody comes, and where a program cannot be started or ends at once, the reason says so") {
  const auto plan = wavy_market(10);
  const strategies::Registries registries = strategies::registries();
  const auto lonely = make_strategy(R"({"kind": "gateway", "connect_timeout_s": 0.05})", *plan, registries);
  play_one(plan, *lonely);
  CHECK(lonely->cut_off().find("nobody connected to 127.0.0.1:") != std::string::npos);
  const auto ended = make_strategy(R"({"kind": "gateway", "command": ["sh", "-c", "exit 7"]})", *plan, registries);
  play_one(plan, *ended);
  CHECK(ended->cut_off().find("it ended before it connected; the program ended with exit code 7") != std::string::npos);
  // What was there when it was looked for, and is gone when it is wanted.
  const ScratchFolder folder("gateway-test");
  const std::string program = (folder.path() / "program").string();
  std::filesystem::copy_file("/bin/true", program);
  const auto gone = make_strategy(fmt::format(R"({{"kind": "gateway", "command": ["{}"]}})", program), *plan, registries);
  std::filesystem::remove(program);
  CHECK_THROWS_WITH_AS(play_one(plan, *gone), fmt::format("/strategy/command/0: expected a program that can be started, was {}, which the system refused: No such file or directory", program).c_str(), Error);
  const auto taken = make_strategy(fmt::format(R"({{"kind": "gateway", "listen": "unix:{}/none/s"}})", folder.path().string()), *plan, registries);
  CHECK_THROWS_WITH_AS(play_one(plan, *taken), doctest::Contains("/strategy/listen: expected an address that can be listened at, was unix:"), Error);
  write_atomically(folder.path() / "plain", "echo");
  const std::string plain = fmt::format(R"({{"kind": "gateway", "command": ["{}/plain"]}})", folder.path().string());
  const std::string inside = fmt::format(R"({{"kind": "gateway", "command": ["{}"]}})", folder.path().string());
  CHECK_THROWS_WITH_AS(make_strategy(plain, *plan, registries), doctest::Contains("may not be executed; chmod +x it"), Error);
  CHECK_THROWS_WITH_AS(make_strategy(inside, *plan, registries), doctest::Contains("is a folder"), Error);
  const std::string path(108, 'x'), fits(107, 'x');
  CHECK_THROWS_WITH_AS(make_strategy(R"({"kind": "gateway", "listen": "unix:)" + path + "\"}", *plan, registries),
                       "/strategy/listen: expected at most 107 bytes of path after unix:, which is all that a socket's name has room for, was 108; use a shorter one, as in /tmp", Error);
  CHECK_NOTHROW(make_strategy(R"({"kind": "gateway", "listen": "unix:)" + fits + "\"}", *plan, registries));
  for (const auto& wrong : std::initializer_list<std::pair<const char*, const char*>>{
           {R"({"kind": "gateway", "listen": "example.com:80"})", "/strategy/listen: expected HOST:PORT with a numeric host, as 127.0.0.1:0, or unix:PATH, was example.com:80"},
           {R"({"kind": "gateway", "listen": "127.0.0.1"})", "/strategy/listen: expected HOST:PORT with a numeric host, as 127.0.0.1:0, or unix:PATH, was 127.0.0.1"},
           {R"({"kind": "gateway", "command": ["no-such-program-here"]})", "/strategy/command/0: expected a program that can be started, was no-such-program-here: no folder of PATH holds it; install it, or name it with its path"},
           {R"({"kind": "gateway", "command": [""]})", "/strategy/command/0: expected the name of a program, was empty"},
           {R"({"kind": "gateway", "speed": 2})", "/strategy/speed: expected none in lock_step, which waits for the program, was given one: it would change nothing; remove it or use \"time\": \"scaled\""},
           {R"({"kind": "gateway", "settings": 5})", "/strategy/settings: expected an object, was integer"}}) {
    CHECK_THROWS_WITH_AS(make_strategy(wrong.first, *plan, registries), wrong.second, Error);
  }
}

TEST_CASE("what happens between two turns waits for a slow reader, not one that never reads; nothing is saved of a program outside") {
  const auto plan = wavy_market(20'000);
  std::string start;
  Subscribe subscribe = subscription({});
  encode(FromPeer(subscribe), Wire::Json, start);
  encode(FromPeer(Done{1}), Wire::Json, start);
  for (const bool reads : {true, false}) {
    CAPTURE(reads);
    const Place place;
    std::atomic<bool> over{false};
    std::size_t heard = 0;
    std::thread peer([&] {
      try {
        const auto line = reach(place.address());
        std::string inbox, tail;
        line->outbox() = start;
        line->exchange(inbox, Deadline::in(20), true);
        while (!over && !reads) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        while (reads) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          heard += inbox.size();
          tail = tail.substr(tail.size() - std::min<std::size_t>(tail.size(), 200)) + inbox;
          inbox.clear();
          if (tail.find("goodbye") != std::string::npos && tail.ends_with('\n')) {
            tail.clear();
            encode(FromPeer(Done{2}), Wire::Json, line->outbox());
            line->send();
          }
          line->exchange(inbox, Deadline::in(20));
        }
      } catch (const Error&) {
        // Closed.
      }
    });
    {
      const strategies::Registries registries = strategies::registries();
      const auto strategy = make_strategy(fmt::format(R"({{"kind": "gateway", "listen": "{}", "turn_timeout_s": {}}})", place.address(), reads ? 20 : 0.3), *plan, registries);
      play_one(plan, *strategy);
      const std::string said = strategy->cut_off();
      CAPTURE(said);
      if (reads) CHECK(said == "");
      else CHECK(said.find("it has not read for 0.3 s") != std::string::npos);
      std::vector<std::byte> bytes;
      CHECK_THROWS_AS(strategy->save(bytes), Error);
    }
    over = true;
    peer.join();
    if (reads) CHECK(heard > 4'000'000);
  }
}

TEST_CASE("in scaled time the market does not wait: orders take effect after the time that passed on the wall") {
  const auto plan = wavy_market(50);
  const Place place;
  std::int64_t decided = 0;
  std::vector<FillNews> fills;
  Peer peer(place.address(), Wire::Json, [&](const ToPeer& message, std::vector<FromPeer>& requests) {
    if (const auto* hello = std::get_if<Hello>(&message)) {
      CHECK(hello->time == Pace::Scaled);
      CHECK(hello->speed == 6000);
      requests.push_back(subscription());
    }
    if (const auto* fill = std::get_if<FillNews>(&message)) fills.push_back(*fill);
    if (const auto* turn = std::get_if<Turn>(&message); turn != nullptr && turn->turn == 6) {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));   // 180 s of the simulation: three bars
      decided = turn->time;
      Submit order;
      order.ref = 1;
      order.quantity = 10;
      requests.push_back(order);
    }
  });
  const strategies::Registries registries = strategies::registries();
  const auto strategy = make_strategy(place.entry(R"(, "time": "scaled", "speed": 6000)"), *plan, registries);
  const Stopwatch watch;
  const RunRecord record = play_one(plan, *strategy, false);
  CHECK(strategy->cut_off() == "");
  CHECK(watch.seconds() > 0.4);   // 49 minutes at 6000 times the speed
  REQUIRE(record.orders.size() == 1);
  CHECK(record.orders[0].time.value > decided);   // by three bars, where the machine has nothing else to do
  CHECK(record.orders[0].time.value % kPeriod != 0);   // between bars, as it came
  REQUIRE(fills.size() == 1);
  CHECK(fills[0].exchange_time > record.orders[0].time.value);
}

TEST_CASE("in scaled time, too, floods, half messages and a wrong done end the session") {
  const auto plan = wavy_market(100);
  const strategies::Registries registries = strategies::registries();
  std::string flood;
  for (int i = 0; i < 1001; ++i) flood += "{\"type\": \"set_timer\", \"at\": 1}\n";
  const std::vector<Hostile> all = {
      {"flood", flood, "expected at most 1000 messages a second, were more", true},
      {"half a message", R"({"type": "done", )", "expected a message to arrive whole within 0.3 s, was half of one", true},
      {"done before its time", "{\"type\": \"done\", \"turn\": 100000}\n", "done/turn: expected at most", true},
      {"closed", "", "it closed the connection", true, Wire::Json, Hostile::Then::Close},
  };
  for (const Hostile& how : all) {
    CAPTURE(how.name);
    const Place place;
    std::thread peer([&] { misbehave(place.address(), how); });
    const auto strategy = make_strategy(fmt::format(R"({{"kind": "gateway", "listen": "{}", "turn_timeout_s": 0.3, "time": "scaled", "speed": 8000}})", place.address()), *plan, registries);
    play_one(plan, *strategy);
    const std::string said = strategy->cut_off();
    CAPTURE(said);
    CHECK(said.find(how.expected) != std::string::npos);
    peer.join();
  }
}
