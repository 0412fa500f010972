#include "strategies/gateway.hpp"

#include "engine/base/error.hpp"
#include "engine/link/peers.hpp"
#include "engine/link/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <unordered_map>

namespace walras::strategies {
namespace {

using namespace engine;
using namespace engine::protocol;

// Timers of the peer have tags of 63 bits; this one keeps scaled time going.
constexpr std::uint64_t kBeat = std::uint64_t{1} << 63;
constexpr double kBeatSeconds = 0.001;
constexpr std::size_t kFlushBytes = std::size_t{1} << 18;
constexpr std::size_t kBacklogBytes = std::size_t{1} << 26;

struct Params {
  std::string listen = "127.0.0.1:0";
  std::vector<std::string> command;
  Wire protocol = Wire::Json;
  Pace time = Pace::LockStep;
  double speed = 1, connect_timeout_s = 60, turn_timeout_s = 10;
  std::int64_t max_message_bytes = 65'536, max_requests = 1'000;
  Json settings = Json::object();
  static void fields(auto&& field) {
    field("listen", &Params::listen, {.doc = "where the program connects: HOST:PORT with a numeric host (port 0: any, printed), or unix:PATH"});
    field("command", &Params::command, {.doc = "words that start the program, in the scenario's folder; it finds the address in WALRAS_GATEWAY. Empty: it is awaited"});
    field("protocol", &Params::protocol, {.doc = "a line of JSON a message, or length-prefixed binary"});
    field("time", &Params::time, {.doc = "whether the simulation waits for the program, or runs on at `speed`"});
    field("speed", &Params::speed, {.unit = "x", .min = 1e-3, .max = 1e9, .doc = "scaled: simulated seconds a second"});
    field("connect_timeout_s", &Params::connect_timeout_s, {.unit = "s", .min = 0.01, .max = 86'400, .doc = "for the program to connect"});
    field("turn_timeout_s", &Params::turn_timeout_s, {.unit = "s", .min = 0.01, .max = 86'400, .doc = "for a turn, and for a message to arrive whole"});
    field("max_message_bytes", &Params::max_message_bytes, {.unit = "bytes", .min = 64, .max = 1 << 24, .doc = "of one message from the program"});
    field("max_requests", &Params::max_requests, {.min = 1, .max = 1e9, .doc = "messages from the program a turn; scaled: a second"});
    field("settings", &Params::settings, {.doc = "an object for the program, sent with each hello; may be a grid"});
  }
};

OrderRequest request_of(const Submit& submit, OrderId parent) {
  OrderRequest request;
  request.instrument = submit.instrument;
  request.side = submit.side;
  request.type = submit.order_type;
  request.time_in_force = submit.time_in_force;
  request.post_only = submit.post_only;
  request.hidden = submit.hidden;
  request.all_or_none = submit.all_or_none;
  request.reduce_only = submit.reduce_only;
  request.trigger = submit.trigger;
  request.trail_unit = submit.trail_unit;
  request.peg = submit.peg;
  request.link = submit.link;
  request.group = submit.group;
  request.price = {submit.price};
  request.quantity = {submit.quantity};
  request.display = {submit.display};
  request.minimum = {submit.minimum};
  request.trigger_price = {submit.trigger_price};
  request.trail = submit.trail;
  request.offset = {submit.offset};
  request.expire = {submit.expire};
  request.parent = parent;
  return request;
}

Feed feed_of(EventKind kind) {
  switch (kind) {
    case EventKind::Bar: return Feed::Bar;
    case EventKind::Depth: return Feed::Depth;
    case EventKind::Trade:
    case EventKind::Execute:
    case EventKind::Hidden: return Feed::Trade;
    case EventKind::Dividend:
    case EventKind::Split:
    case EventKind::Funding: return Feed::Corporate;
    case EventKind::Halt:
    case EventKind::Session:
    case EventKind::Indicative: return Feed::Status;
    default: return Feed::Book;
  }
}

/// The orders of one session: the peer's references and the market's ids.
class Book {
 public:
  struct Order {
    std::int64_t ref;
    OrderId id;         // 0: refused at once, and not known by the market
    InstrumentId instrument;
    Side side;
    bool live;
  };

  [[nodiscard]] Order* by_ref(std::int64_t ref) {
    const auto found = refs_.find(ref);
    return found == refs_.end() ? nullptr : &orders_[found->second];
  }
  [[nodiscard]] Order* by_id(OrderId id) {
    const auto found = ids_.find(id);
    return found == ids_.end() ? nullptr : &orders_[found->second];
  }
  /// Of a refusal. That of an order whose id was never told belongs to the one refused first.
  [[nodiscard]] Order* by_refusal(OrderId id) {
    if (Order* order = by_id(id)) return order;
    if (refused_.empty()) return nullptr;
    const std::size_t place = refused_.front();
    refused_.pop_front();
    ids_[id] = place;
    return &orders_[place];
  }
  /// `answered`: a refusal is on its way.
  void add(const Order& order, bool answered) {
    const std::size_t place = orders_.size();
    orders_.push_back(order);
    refs_[order.ref] = place;
    if (order.id != 0) ids_[order.id] = place;
    else if (answered) refused_.push_back(place);
  }
  [[nodiscard]] const std::deque<Order>& all() const { return orders_; }

 private:
  std::deque<Order> orders_;  // in the order in which they were sent
  std::unordered_map<std::int64_t, std::size_t> refs_;
  std::unordered_map<OrderId, std::size_t> ids_;
  std::deque<std::size_t> refused_;
};

class Gateway final : public Strategy {
 public:
  Gateway(Params params, const std::string& where, const StrategyContext& context, std::shared_ptr<Listeners> listeners)
      : params_(std::move(params)),
        where_(where),
        periods_per_year_(context.periods_per_year),
        folder_(context.folder),
        notice_(context.notice),
        listeners_(std::move(listeners)) {
    check_address(params_.listen, where + "/listen");
    if (!params_.settings.is_object()) fail(Fault::Scenario, where + "/settings", fmt::format("expected an object, was {}", params_.settings.type_name()));
    if (!params_.command.empty()) check_program(params_.command.front(), folder_, where + "/command/0");
    if (params_.time == Pace::LockStep && params_.speed != Params().speed)
      fail(Fault::Scenario, where + "/speed", "expected none in lock_step, which waits for the program, was given one: it would change nothing; remove it or use \"time\": \"scaled\"");
  }
  ~Gateway() override { hang_up(); }

  void on_start(Orders& orders) override {
    hang_up();  // a simulation that was left before its end
    book_ = {};
    subscription_.reset();
    depths_.assign(orders.instruments().size(), {});
    positions_.assign(orders.instruments().size(), 0);
    wanted_.clear();
    turns_ = 0;
    pace_began_ = false;
    cut_off_.clear();
    if (!broken_.empty()) {
      cut_off_ = "in an earlier simulation " + broken_;
      return;
    }
    guarded(orders, [&] { begin(orders); });
  }
  void on_event(const Event& event, Orders& orders) override {
    if (!connection_) return;
    guarded(orders, [&] {
      keep_pace(orders);
      if (event.kind >= EventKind::Accepted) {
        answered(event, orders);
      } else {
        happened(event, orders);
      }
    });
  }
  void on_fill(const Fill& fill, Orders& orders) override {
    if (!connection_) return;
    guarded(orders, [&] {
      keep_pace(orders);
      FillNews news;
      if (Book::Order* order = book_.by_id(fill.order)) {
        order->live = fill.remaining.value > 0;
        news.ref = order->ref;
      }
      news.instrument = fill.instrument;
      news.side = fill.side;
      news.time = fill.local_time.value;
      news.exchange_time = fill.exchange_time.value;
      news.price = fill.price.value;
      news.quantity = fill.quantity.value;
      news.remaining = fill.remaining.value;
      news.maker = fill.maker;
      news.fee = fill.fee.units();
      say(news);
      turn(Why::Fill, orders);
    });
  }
  void on_timer(Nanos time, std::uint64_t tag, Orders& orders) override {
    if (!connection_) return;
    guarded(orders, [&] {
      keep_pace(orders);
      if (tag == kBeat) {
        beat(orders);
        return;
      }
      say(TimerNews{time.value, static_cast<std::int64_t>(tag)});
      turn(Why::Timer, orders);
    });
  }
  void on_slice(Nanos, Orders& orders) override {
    if (!connection_) return;
    guarded(orders, [&] {
      keep_pace(orders);
      turn(Why::Slice, orders);
    });
  }
  void on_stop(Orders& orders) override {
    if (!connection_) return;
    ending_ = true;
    guarded(orders, [&] {
      say(Goodbye{++turns_, orders.now().value, orders.cash().units(), orders.equity().units()});
      wait_for_done(orders);
      if (framer_->within_message() || !inbox_.empty()) fail(Fault::Data, "", "expected silence after the last done, was more");
      listener_->give_back(std::move(connection_));
    });
    ending_ = false;
  }
  [[nodiscard]] std::string cut_off() const override { return cut_off_; }
  void save(std::vector<std::byte>&) const override {
    fail(Fault::Unavailable, "gateway", "expected strategies whose state can be saved, was a program outside; play it from the start");
  }

 private:
  /// What is broken by a peer is broken for it alone: the simulation goes on.
  template <class Work>
  void guarded(Orders& orders, Work&& work) {
    try {
      work();
    } catch (const Error& error) {
      if (error.fault() != Fault::Data) throw;  // no peer's doing: the address is taken, there is no such program
      cut(error.what(), orders);
    }
  }

  void cut(std::string reason, Orders& orders) {
    const bool gone = !connection_ || !connection_->idle();
    if (program_ && gone) {
      if (const std::string ending = program_->ending(0.5); !ending.empty()) reason += "; the program " + ending;
    }
    reason = Json::parse(Json(reason).dump()).as_string();  // it may quote bytes that are no text
    broken_ = cut_off_ = fmt::format("cut off at {} ns: {}", orders.now().value, reason);
    try {
      if (connection_) {
        encode(CutOff{reason}, params_.protocol, connection_->outbox());
        connection_->exchange(inbox_, Deadline::in(0.05), true);
      }
    } catch (const Error&) {
      // It could not be told; the record is.
    }
    hang_up();
    if (ending_) return;
    for (const Book::Order& order : book_.all()) {
      if (order.live && order.id != 0) orders.cancel(order.id);
    }
  }

  void hang_up() {
    if (connection_) {
      connection_.reset();
      listener_->lost();
    }
    framer_.reset();
    if (!broken_.empty()) program_.reset();
  }

  // The session.

  void begin(Orders& orders) {
    if (!listener_) open();
    const auto alive = [&] {
      if (!program_) return;
      if (const std::string ending = program_->ending(); !ending.empty()) fail(Fault::Data, "", "it ended before it connected");
    };
    connection_ = listener_->borrow(params_.connect_timeout_s, alive);
    framer_.emplace(params_.protocol, static_cast<std::size_t>(params_.max_message_bytes));
    inbox_.clear();
    requests_ = 0;
    Hello hello;
    hello.session = sessions_++;
    hello.turn = ++turns_;
    hello.now = orders.now().value;
    hello.end = orders.end().value;
    hello.time = params_.time;
    hello.speed = params_.speed;
    hello.turn_timeout_s = params_.turn_timeout_s;
    hello.max_message_bytes = params_.max_message_bytes;
    hello.max_requests = params_.max_requests;
    hello.capital = orders.cash().units();
    hello.periods_per_year = periods_per_year_;
    hello.settings = params_.settings;
    for (const Instrument& instrument : orders.instruments()) {
      hello.instruments.push_back({static_cast<std::uint32_t>(hello.instruments.size()), instrument.name, instrument.currency, instrument.tick_size,
                                   instrument.lot_size, instrument.multiplier, instrument.tick_value().units(), instrument.negative_prices,
                                   instrument.close_only});
    }
    say(std::move(hello));
    wait_for_done(orders);
  }

  void open() {
    if (params_.command.empty()) {
      listener_ = listeners_->at(params_.listen, where_ + "/listen", [&](const std::string& address) {
        if (notice_) notice_(fmt::format("waiting for a program at {}", address));
      });
      return;
    }
    listener_ = std::make_shared<Listener>(params_.listen, true, where_ + "/listen");
    program_ = std::make_unique<Program>(params_.command, folder_, listener_->address(), where_ + "/command/0");
  }

  void say(ToPeer message) {
    std::string& outbox = connection_->outbox();
    encode(message, params_.protocol, outbox);
    if (connection_->unsent() < kFlushBytes) return;
    if (params_.time == Pace::Scaled) {
      connection_->send();
      if (connection_->unsent() > kBacklogBytes) fail(Fault::Data, "", fmt::format("it does not read: {} bytes wait for it", connection_->unsent()));
      return;
    }
    // Much happens between two turns: the simulation waits until it has been taken.
    for (const Deadline deadline = Deadline::in(params_.turn_timeout_s); connection_->unsent() >= kFlushBytes;) {
      connection_->exchange(inbox_, deadline, true);
      if (inbox_.size() > kBacklogBytes) fail(Fault::Data, "", "it speaks without end, and not in its turn");
      if (deadline.passed()) fail(Fault::Data, "", fmt::format("it has not read for {} s", params_.turn_timeout_s));
    }
  }

  void receive(const Deadline& deadline) {
    if (inbox_.empty()) {
      connection_->exchange(inbox_, deadline);
    } else {
      connection_->send();
    }
    framer_->add(inbox_);
    inbox_.clear();
  }

  /// The next message that is here already.
  std::optional<FromPeer> next_message() {
    const auto bytes = framer_->next();
    if (!bytes) return std::nullopt;
    if (++requests_ > params_.max_requests)
      fail(Fault::Data, "", fmt::format("expected at most {} messages a {}, were more", params_.max_requests, params_.time == Pace::Scaled ? "second" : "turn"));
    FromPeer message = decode_from_peer(*bytes, params_.protocol);
    if (!subscription_ && !std::holds_alternative<Subscribe>(message)) fail(Fault::Data, "message/type", "expected subscribe as the first message, was another");
    return message;
  }

  /// Gives the peer the turn that was just announced, until its done.
  void wait_for_done(Orders& orders) {
    const Deadline deadline = Deadline::in(params_.turn_timeout_s);
    requests_ = 0;
    while (true) {
      while (auto message = next_message()) {
        if (const Done* done = std::get_if<Done>(&*message)) {
          // In scaled time an earlier turn may be answered late.
          if (done->turn == turns_) return;
          if (params_.time == Pace::LockStep || done->turn > turns_) fail(Fault::Data, "done/turn", fmt::format("expected {}, was {}", turns_, done->turn));
          continue;
        }
        if (!ending_) act(*message, orders);
        else if (params_.time == Pace::LockStep) fail(Fault::Data, "message/type", "expected done after goodbye, was another");
      }
      receive(deadline);
      if (deadline.passed()) {
        fail(Fault::Data, "", fmt::format("expected done within {} s of turn {}, {}", params_.turn_timeout_s, turns_,
                                          framer_->within_message() ? "was half a message" : "was silence"));
      }
    }
  }

  void turn(Why why, Orders& orders) {
    if (!wanted(why)) return;
    news_of_depth(orders);
    Turn turn;
    turn.turn = ++turns_;
    turn.time = orders.now().value;
    turn.why = why;
    turn.warm_up = orders.warming_up();
    turn.cash = orders.cash().units();
    turn.equity = orders.equity().units();
    for (std::size_t i = 0; i < positions_.size(); ++i) {
      const std::int64_t held = orders.position(static_cast<InstrumentId>(i)).value;
      if (held == positions_[i]) continue;
      positions_[i] = held;
      turn.positions.push_back({static_cast<std::uint32_t>(i), held});
    }
    say(std::move(turn));
    if (params_.time == Pace::LockStep || orders.warming_up()) {
      wait_for_done(orders);
    } else {
      connection_->send();
    }
  }

  [[nodiscard]] bool wanted(Why why) const {
    if (why == Why::Timer) return true;
    return std::ranges::find(subscription_->turns, why) != subscription_->turns.end();
  }

  // Requests.

  void act(const FromPeer& message, Orders& orders) {
    std::visit([&](const auto& request) { act_on(request, orders); }, message);
  }

  void act_on(const Subscribe& subscribe, Orders& orders) {
    if (subscription_) fail(Fault::Data, "subscribe", "expected one a session, was a second");
    if (subscribe.protocol != kVersion)
      fail(Fault::Data, "subscribe/protocol", fmt::format("expected version {}, was {}; the program was written for another walras", kVersion, subscribe.protocol));
    subscription_ = subscribe;
    wanted_.assign(orders.instruments().size(), subscribe.instruments.empty() ? 1 : 0);
    for (const std::uint32_t instrument : subscribe.instruments) {
      if (instrument >= wanted_.size()) fail(Fault::Data, "subscribe/instruments", fmt::format("expected numbers below {}, was {}", wanted_.size(), instrument));
      wanted_[instrument] = 1;
    }
    feeds_ = 0;
    for (const Feed feed : subscribe.events) feeds_ |= 1u << static_cast<unsigned>(feed);
  }

  void act_on(const Submit& submit, Orders& orders) {
    if (book_.by_ref(submit.ref) != nullptr) fail(Fault::Data, "submit/ref", fmt::format("expected a number not used before, was {} again", submit.ref));
    const Book::Order* parent = submit.parent_ref == 0 ? nullptr : book_.by_ref(submit.parent_ref);
    if (submit.parent_ref != 0 && parent == nullptr) fail(Fault::Data, "submit/parent_ref", fmt::format("expected the ref of an order sent before, was {}", submit.parent_ref));
    Book::Order order{submit.ref, 0, submit.instrument, submit.side, false};
    Reject refused = Reject::None;
    if (parent != nullptr && parent->id == 0) {
      refused = Reject::BadLink;  // a parent that never was cannot fill
    } else {
      order.id = orders.submit(request_of(submit, parent == nullptr ? 0 : parent->id));
      order.live = order.id != 0;
      if (order.id == 0 && orders.warming_up()) refused = Reject::WarmUp;
    }
    book_.add(order, refused == Reject::None);
    if (refused != Reject::None) refuse(order, refused, submit.price, submit.quantity, orders);
  }

  void act_on(const Cancel& cancel, Orders& orders) {
    const Book::Order& order = known(cancel.ref, "cancel/ref");
    if (order.id == 0) return refuse(order, Reject::UnknownOrder, 0, 0, orders);
    orders.cancel(order.id);
  }

  void act_on(const Replace& replace, Orders& orders) {
    const Book::Order& order = known(replace.ref, "replace/ref");
    if (order.id == 0) return refuse(order, Reject::UnknownOrder, replace.price, replace.quantity, orders);
    orders.replace(order.id, {replace.price}, {replace.quantity});
  }

  void act_on(const SetTimer& timer, Orders& orders) { orders.set_timer({timer.at}, static_cast<std::uint64_t>(timer.tag)); }
  // Scaled: answers to turns are welcome, and nothing waits for them.
  void act_on(const Done& done, Orders&) {
    if (done.turn > turns_) fail(Fault::Data, "done/turn", fmt::format("expected at most {}, was {}", turns_, done.turn));
  }

  const Book::Order& known(std::int64_t ref, const char* where) {
    const Book::Order* order = book_.by_ref(ref);
    if (order == nullptr) fail(Fault::Data, where, fmt::format("expected the ref of an order sent before, was {}", ref));
    return *order;
  }

  // News.

  /// An answer that the market itself does not give.
  void refuse(const Book::Order& order, Reject reason, std::int64_t price, std::int64_t quantity, const Orders& orders) {
    AnswerNews news;
    news.kind = EventKind::Rejected;
    news.ref = order.ref;
    news.instrument = order.instrument;
    news.side = order.side;
    news.time = news.exchange_time = orders.now().value;
    news.price = price;
    news.quantity = quantity;
    news.reason = reason;
    say(news);
  }

  void answered(const Event& event, Orders& orders) {
    Book::Order* order = event.kind == EventKind::Rejected ? book_.by_refusal(event.order) : book_.by_id(event.order);
    if (order == nullptr) return;
    if (event.kind == EventKind::Cancelled) order->live = false;
    AnswerNews news;
    news.kind = event.kind;
    news.ref = order->ref;
    news.instrument = order->instrument;
    news.side = order->side;
    news.time = event.local_time.value;
    news.exchange_time = event.exchange_time.value;
    news.price = event.price.value;
    news.quantity = event.quantity.value;
    news.reason = static_cast<Reject>(event.flags);
    say(news);
    turn(Why::Answer, orders);
  }

  void happened(const Event& event, Orders& orders) {
    if (event.kind == EventKind::Bar) {
      if (!subscribed(Feed::Bar, event.instrument)) return;
      const Bar& bar = orders.bar(event);
      BarNews news;
      news.instrument = event.instrument;
      news.time = event.local_time.value;
      news.exchange_time = event.exchange_time.value;
      news.open_time = bar.open_time.value;
      news.close_time = bar.close_time.value;
      news.open = bar.open.value;
      news.high = bar.high.value;
      news.low = bar.low.value;
      news.close = bar.close.value;
      news.volume = bar.volume.value;
      say(news);
      return;
    }
    depths_[event.instrument].stale = true;
    if (event.kind == EventKind::Depth || !subscribed(feed_of(event.kind), event.instrument)) return;
    MarketNews news;
    news.kind = event.kind;
    news.instrument = event.instrument;
    news.side = event.side;
    news.time = event.local_time.value;
    news.exchange_time = event.exchange_time.value;
    news.price = event.price.value;
    news.quantity = event.quantity.value;
    news.order = static_cast<std::int64_t>(event.order);
    news.payload = event.payload;
    news.flags = event.flags;
    say(news);
  }

  [[nodiscard]] bool subscribed(Feed feed, InstrumentId instrument) const {
    return (feeds_ >> static_cast<unsigned>(feed) & 1u) != 0 && wanted_[instrument] != 0;
  }

  void news_of_depth(const Orders& orders) {
    for (std::size_t i = 0; i < depths_.size(); ++i) {
      Told& told = depths_[i];
      if (!told.stale) continue;
      told.stale = false;
      if (!subscribed(Feed::Depth, static_cast<InstrumentId>(i))) continue;
      const Depth& depth = orders.depth(static_cast<InstrumentId>(i));
      DepthNews news;
      news.instrument = static_cast<std::uint32_t>(i);
      news.time = orders.now().value;
      const auto side = [&](const auto& levels, std::size_t count, std::vector<std::int64_t>& prices, std::vector<std::int64_t>& quantities) {
        for (std::size_t k = 0; k < std::min(count, static_cast<std::size_t>(subscription_->levels)); ++k) {
          prices.push_back(levels[k].price.value);
          quantities.push_back(levels[k].quantity.value);
        }
      };
      side(depth.bid, depth.bids, news.bid_prices, news.bid_quantities);
      side(depth.ask, depth.asks, news.ask_prices, news.ask_quantities);
      if (news.bid_prices == told.news.bid_prices && news.bid_quantities == told.news.bid_quantities && news.ask_prices == told.news.ask_prices &&
          news.ask_quantities == told.news.ask_quantities)
        continue;
      told.news = news;
      say(std::move(news));
    }
  }

  // Scaled time.

  /// Waits until the wall has come to now, and does what the peer asked for meanwhile: never before it asked.
  void keep_pace(Orders& orders) {
    if (params_.time == Pace::LockStep || orders.warming_up()) return;
    if (!pace_began_) {
      pace_began_ = true;
      watch_ = {};
      paced_ = began_ = orders.now();
      window_ = partial_since_ = unsent_since_ = 0;
      requests_ = 0;
      beat(orders);
      return;
    }
    if (orders.now() == paced_) return;
    paced_ = orders.now();
    const double due = static_cast<double>((paced_ - began_).value) * 1e-9 / params_.speed;
    const Deadline deadline = Deadline::in(due - watch_.seconds());
    do {
      receive(deadline);
      take_requests(orders);
    } while (!deadline.passed());
  }

  void take_requests(Orders& orders) {
    const double now = watch_.seconds();
    if (now - window_ >= 1) {
      window_ = now;
      requests_ = 0;
    }
    while (auto message = next_message()) act(*message, orders);
    if (!framer_->within_message()) {
      partial_since_ = now;
    } else if (now - partial_since_ > params_.turn_timeout_s) {
      fail(Fault::Data, "", fmt::format("expected a message to arrive whole within {} s, was half of one", params_.turn_timeout_s));
    }
    if (connection_->unsent() == 0) {
      unsent_since_ = now;
    } else if (now - unsent_since_ > params_.turn_timeout_s) {
      fail(Fault::Data, "", fmt::format("it has not read for {} s", params_.turn_timeout_s));
    }
  }

  void beat(Orders& orders) {
    const Nanos step{static_cast<std::int64_t>(std::max(1.0, kBeatSeconds * params_.speed * 1e9))};
    const Nanos next = later_by(orders.now(), step);
    if (next < orders.end()) orders.set_timer(next, kBeat);
  }

  struct Told {
    bool stale = false;
    DepthNews news;
  };

  Params params_;
  std::string where_;          // in the scenario
  double periods_per_year_;
  std::filesystem::path folder_;
  std::function<void(const std::string&)> notice_;
  std::shared_ptr<Listeners> listeners_;

  std::unique_ptr<Program> program_;   // outlives the connection, on whose end it ends
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<Connection> connection_;  // of a session under way
  std::optional<Framer> framer_;
  std::string inbox_;
  std::string broken_;                 // why the peer was cut off, for good
  std::string cut_off_;                // the same, as the simulation in hand tells it
  std::int64_t sessions_ = 0;

  // Of the session.
  Book book_;
  std::optional<Subscribe> subscription_;
  unsigned feeds_ = 0;
  std::vector<std::uint8_t> wanted_;   // by instrument
  std::vector<Told> depths_;
  std::vector<std::int64_t> positions_;
  std::int64_t turns_ = 0, requests_ = 0;
  bool ending_ = false;

  Stopwatch watch_;
  bool pace_began_ = false;
  Nanos began_, paced_;
  double window_ = 0, partial_since_ = 0, unsent_since_ = 0;
};

}  // namespace

void add_gateway(Registry<Strategy, const StrategyContext&>& registry) {
  Registry<Strategy, const StrategyContext&>::Entry entry;
  // Strategies of one registry share their listeners: folds that run in parallel are served at one address.
  entry.build = [listeners = std::make_shared<Listeners>()](const Json& params, const std::string& where, const StrategyContext& context) -> std::unique_ptr<Strategy> {
    return std::make_unique<Gateway>(load<Params>(params, where), where, context, listeners);
  };
  entry.schema = schema<Params>();
  entry.defaults = dump(Params{});
  entry.doc = "Trades as a program outside says, over a socket, in any language.";
  entry.resolve = [](const Json& params, const std::string& where) { return dump(load<Params>(params, where)); };
  registry.add("gateway", std::move(entry));
}

}  // namespace walras::strategies
