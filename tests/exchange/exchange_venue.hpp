#pragma once
// One exchange as a venue, with the order desk before it, and an ear that writes down what it says.
// Strangers enter by crowd(); prices are ticks.
#include "engine/base/archive.hpp"
#include "engine/market/order_rules.hpp"
#include "engine/venue/exchange.hpp"
#include "engine/venue/order_desk.hpp"

#include <string>
#include <vector>

namespace walras::tests {

using namespace walras::engine;

/// What was said, in few letters: A accepted, X rejected, C cancelled, P replaced, G triggered, F filled.
class Ear final : public VenueSink {
 public:
  struct Line {
    char what;
    OrderId order;
    std::int64_t price, quantity, left;
    Reject why;
  };
  std::vector<Line> lines;
  Depth depth;

  void publish(const Event&, const Depth* shown) override {
    if (shown) depth = *shown;
  }
  void fill(OrderId order, Ticks price, Lots quantity, Lots remaining, bool, Money, Nanos) override {
    lines.push_back({'F', order, price.value, quantity.value, remaining.value, Reject::None});
  }
  void answer(EventKind kind, OrderId order, Ticks price, Lots quantity, Reject why) override {
    const char what = kind == EventKind::Accepted    ? 'A'
                      : kind == EventKind::Rejected  ? 'X'
                      : kind == EventKind::Cancelled ? 'C'
                      : kind == EventKind::Replaced  ? 'P'
                                                     : 'G';
    lines.push_back({what, order, price.value, quantity.value, 0, why});
  }
  /// What was said of one order since the last call, as "F10@101 A5 C5:expired". `mirror`: prices are
  /// told as mirror - price; 0: as they are.
  std::string of(OrderId order, std::int64_t mirror = 0) {
    std::string text;
    for (const Line& line : lines) {
      if (line.order != order) continue;
      if (!text.empty()) text += ' ';
      text += line.what;
      if (line.what != 'X') text += std::to_string(line.quantity);
      const std::int64_t price = mirror != 0 && line.price != 0 ? mirror - line.price : line.price;
      if (line.what == 'F' || line.what == 'P' || line.what == 'G') text += "@" + std::to_string(price);
      if (line.why != Reject::None) text += ":" + std::string(name_of(line.why));
    }
    std::erase_if(lines, [order](const Line& line) { return line.order == order; });
    return text;
  }
};

class ExchangeVenue final : public Venue {
 public:
  explicit ExchangeVenue(const ExchangeRules& rules, bool alone) : exchange(rules), alone_(alone) {}
  Exchange exchange;
  static constexpr OrderId kCrowd = 1'000'000;  ///< ids from here on are strangers'

  VenueAbilities abilities() const override {
    VenueAbilities able;
    able.shows_own = true;
    able.auctions = able.display = able.whole = able.to_limit = !alone_;
    return able;
  }
  void start(Nanos begin, VenueSink& sink) override {
    exchange.start(begin);
    tell(begin, sink);
  }
  Nanos next_time() const noexcept override { return exchange.next_time(); }
  void advance(VenueSink& sink) override {
    const Nanos now = exchange.next_time();
    exchange.advance();
    tell(now, sink);
  }
  /// A stranger's limit order: Event::order, side, price, quantity. Price 0: a market order. A halt or
  /// call: Session with the phase in flags, until `quantity`.
  void replay(const Event& event, VenueSink& sink) override {
    const Nanos now = event.exchange_time;
    if (event.kind == EventKind::Session) {
      const auto phase = static_cast<Phase>(event.flags);
      if (phase == Phase::Halted)
        exchange.halt(now, {event.quantity.value});
      else
        exchange.call(phase, now, {event.quantity.value});
    } else if (event.kind == EventKind::Delete) {
      exchange.cancel(event.order);
    } else if (event.price.value == 0) {
      exchange.take(event.order, event.side, event.quantity, now);
    } else {
      exchange.add(event.order, event.side, event.price, event.quantity, now);
    }
    tell(now, sink);
  }
  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    exchange.submit(order.id, order.participant + 1, order, now);
    tell(now, sink);
  }
  void cancel(OrderId order, Nanos now, VenueSink& sink) override {
    exchange.cancel(order);
    tell(now, sink);
  }
  void replace(OrderId order, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    exchange.replace(order, price, quantity, now);
    tell(now, sink);
  }
  void close_out(const VenueOrder&, Nanos, VenueSink&) override {}
  void state(Archive& archive) override { archive(exchange); }

 private:
  void tell(Nanos now, VenueSink& sink) {
    for (const Report& report : exchange.reports()) {
      const auto ours = [](OrderId id) { return id < kCrowd; };
      switch (report.kind) {
        case Report::Kind::Trade: {
          if (ours(report.order))
            sink.fill(report.order, report.price, report.quantity, report.left, false, {}, now);
          if (ours(report.maker))
            sink.fill(report.maker, report.price, report.quantity, report.maker_left, true, {}, now);
          Event trade;
          trade.exchange_time = now;
          trade.kind = EventKind::Trade;
          trade.price = report.price;
          trade.quantity = report.quantity;
          sink.publish(trade, nullptr);
          break;
        }
        case Report::Kind::Phase:
          break;
        default: {
          if (!ours(report.order)) break;
          const EventKind kind = report.kind == Report::Kind::Accepted    ? EventKind::Accepted
                                 : report.kind == Report::Kind::Rejected  ? EventKind::Rejected
                                 : report.kind == Report::Kind::Cancelled ? EventKind::Cancelled
                                                                          : EventKind::Replaced;
          sink.answer(kind, report.order, report.price, report.quantity, report.why);
        }
      }
    }
    exchange.forget();
    Event shown;
    shown.exchange_time = now;
    shown.kind = EventKind::Depth;
    exchange.book().depth(depth_);
    sink.publish(shown, &depth_);
  }
  bool alone_;
  Depth depth_;
};

/// A market of strangers and one desk. `mirrored`: every price p is 200 - p and every side the other,
/// so that the same story is told from the other side.
class Floor {
 public:
  explicit Floor(bool mirrored = false, const ExchangeRules& rules = {}, bool desk_alone = false,
                 std::shared_ptr<const TradingCalendar> calendar = nullptr)
      : mirrored_(mirrored) {
    auto venue = std::make_unique<ExchangeVenue>(rules, desk_alone);
    exchange_ = &venue->exchange;
    desk_ = make_order_desk(std::move(venue), 1, std::move(calendar));
    desk_->start({0}, ear_);
  }
  Exchange& exchange() { return *exchange_; }
  Venue& desk() { return *desk_; }
  [[nodiscard]] Side side(Side story) const { return mirrored_ ? opposite(story) : story; }
  [[nodiscard]] Ticks price(std::int64_t story) const {
    return {mirrored_ && story != 0 ? kMirror - story : story};
  }

  OrderId crowd(Side story, std::int64_t at, std::int64_t quantity) {
    Event event;
    event.kind = EventKind::Add;
    event.exchange_time = {now};
    event.order = next_crowd_++;
    event.side = side(story);
    event.price = price(at);
    event.quantity = {quantity};
    desk_->replay(event, ear_);
    return event.order;
  }
  void crowd_cancels(OrderId id) {
    Event event;
    event.kind = EventKind::Delete;
    event.exchange_time = {now};
    event.order = id;
    desk_->replay(event, ear_);
  }
  void phase(Phase to, std::int64_t until = INT64_MAX) {
    if (to == Phase::Continuous) return;
    if (to == Phase::Closed) return close();
    Event event;
    event.kind = EventKind::Session;
    event.exchange_time = {now};
    event.flags = static_cast<std::uint16_t>(to);
    event.quantity = {until};
    desk_->replay(event, ear_);
  }
  /// A request as the story tells it.
  OrderId submit(OrderRequest request, std::uint32_t participant = 0) {
    request.side = side(request.side);
    request.price = price(request.price.value);
    request.trigger_price = price(request.trigger_price.value);
    const OrderId id = next_++;
    desk_->submit(VenueOrder(id, participant, request), {now}, ear_);
    return id;
  }
  void cancel(OrderId id) { desk_->cancel(id, {now}, ear_); }
  void replace(OrderId id, std::int64_t at, std::int64_t quantity) {
    desk_->replace(id, price(at), {quantity}, {now}, ear_);
  }
  /// Plays all that is due up to `time`.
  void until(std::int64_t time) {
    while (desk_->next_time() <= Nanos{time}) {
      now = desk_->next_time().value;
      desk_->advance(ear_);
    }
    now = time;
  }
  std::string said(OrderId id) { return ear_.of(id, mirrored_ ? kMirror : 0); }

  std::int64_t now = 1;
  static constexpr std::int64_t kMirror = 200;

 private:
  void close() {
    Event event;
    event.kind = EventKind::Session;
    event.flags = static_cast<std::uint16_t>(Phase::Closed);
    event.exchange_time = {now};
    event.quantity = Lots::max();
    desk_->replay(event, ear_);
  }
  bool mirrored_;
  Ear ear_;
  Exchange* exchange_;
  std::unique_ptr<Venue> desk_;
  OrderId next_ = 1, next_crowd_ = ExchangeVenue::kCrowd;
};

inline OrderRequest request_of(OrderType type, Side side, std::int64_t quantity,
                               std::int64_t price = 0, std::int64_t trigger = 0) {
  OrderRequest request;
  request.type = type;
  request.side = side;
  request.quantity = {quantity};
  request.price = {price};
  request.trigger_price = {trigger};
  return request;
}
inline OrderRequest limit_of(Side side, std::int64_t price, std::int64_t quantity) {
  return request_of(OrderType::Limit, side, quantity, price);
}

}  // namespace walras::tests
