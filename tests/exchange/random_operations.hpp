#pragma once
// Random requests to an exchange and its naive twin, whose reports and orders must agree. The
// numbers come from a callable that returns a value below its argument, so that a random stream and
// a fuzzer's bytes drive the same operations.
#include "tests/exchange/naive_exchange.hpp"

#include <map>
#include <string>

namespace walras::engine {

template <class Below>
ExchangeRules random_rules(Below&& below) {
  ExchangeRules rules;
  rules.matching = static_cast<Matching>(below(2));
  rules.self_trade = static_cast<SelfTrade>(below(5));
  if (below(3) == 0) rules.ticks = {{{0}, 1}, {{105}, 5}};
  if (below(3) == 0) rules.lot = {5};
  if (below(4) == 0) rules.largest = {60};
  if (below(3) == 0) rules.band_bps = 800;
  if (below(3) == 0) rules.static_bps = 500;
  if (below(3) == 0) rules.dynamic_bps = 300;
  rules.range_action = static_cast<RangeAction>(below(3));
  rules.pause = {static_cast<std::int64_t>(below(2)) * 40 + 1};
  return rules;
}

template <class Below>
OrderRequest random_request(Below&& below, const ExchangeRules& rules) {
  OrderRequest request;
  request.side = below(2) == 0 ? Side::Buy : Side::Sell;
  const auto type = below(10);
  request.type = type == 0 ? OrderType::Market : type == 1 ? OrderType::MarketToLimit : OrderType::Limit;
  request.price = {100 + static_cast<std::int64_t>(below(15)) - 7};
  if (request.type == OrderType::Market) request.price = {};
  request.quantity = {static_cast<std::int64_t>(below(12) + 1) * rules.lot.value};
  const auto kind = below(16);
  if (kind == 0) request.time_in_force = TimeInForce::ImmediateOrCancel;
  if (kind == 1) request.time_in_force = TimeInForce::FillOrKill;
  if (kind == 2) request.time_in_force = TimeInForce::AtTheOpen;
  if (kind == 3) request.time_in_force = TimeInForce::AtTheClose;
  if (kind == 4) request.post_only = true;
  if (kind == 5 || kind == 6) request.hidden = true;
  if (kind == 7 || kind == 8) request.all_or_none = true;
  if (kind == 9 || kind == 10)
    request.display = {static_cast<std::int64_t>(below(4) + 1) * rules.lot.value};
  if (kind == 11) request.minimum = {static_cast<std::int64_t>(below(8) + 1) * rules.lot.value};
  if (below(50) == 0) request.quantity.value -= 1;
  if (below(50) == 0) request.price.value = -request.price.value;
  return request;
}

/// The two, side by side.
class Twins {
 public:
  explicit Twins(const ExchangeRules& rules) : exchange(rules, 64), naive(rules) {}
  Exchange exchange;
  NaiveExchange naive;
  std::uint64_t trades = 0;

  /// One random request to both. Returns what differs; empty when nothing does.
  template <class Below>
  std::string step(Below&& below) {
    ++now_;
    naive.said.clear();
    exchange.forget();
    if (exchange.next_time() <= Nanos{now_}) {
      exchange.advance();
      naive.advance();
    } else {
      act(below);
    }
    return compare();
  }

  /// All orders, one by one.
  [[nodiscard]] std::string compare_orders() const {
    if (exchange.orders() != naive.orders.size()) return "number of orders";
    for (const auto& order : naive.orders) {
      const auto found = exchange.find(order.id);
      if (!found) return "order " + std::to_string(order.id) + " is missing";
      if (found->side != order.side || found->quantity.value != order.total() ||
          found->price.value != order.price || found->owner != order.owner) {
        return "order " + std::to_string(order.id) + " differs";
      }
    }
    std::map<std::pair<int, std::int64_t>, std::int64_t> shown;
    for (const auto& order : naive.orders) {
      if (order.where == NaiveExchange::Where::Shown)
        shown[{static_cast<int>(order.side), order.price}] += order.shown;
    }
    for (const Side side : {Side::Buy, Side::Sell}) {
      std::size_t levels = 0;
      bool same = true;
      exchange.book().visit_levels(side, [&](Ticks price, const OrderBook::LevelView& level) {
        ++levels;
        same = same && shown[{static_cast<int>(side), price.value}] == level.quantity.value;
        return true;
      });
      if (!same) return "what is shown differs";
    }
    return "";
  }

 private:
  template <class Below>
  void act(Below& below) {
    const auto what = below(100);
    const Nanos now{now_};
    if (what < 60) {
      const OrderRequest request = random_request(below, exchange.rules());
      const auto owner = static_cast<std::uint32_t>(below(4));
      const OrderId id = below(40) == 0 ? some_id(below) : next_id_++;
      naive.submit(id, owner, request, now);
      const bool bare = owner == 0 && request.type == OrderType::Limit && below(2) == 0 &&
                        request.time_in_force == TimeInForce::GoodTillCancel && !request.hidden &&
                        !request.post_only && !request.all_or_none && request.display.value == 0 &&
                        request.minimum.value == 0;
      if (bare)
        exchange.add(id, request.side, request.price, request.quantity, now);
      else
        exchange.submit(id, owner, request, now);
    } else if (what < 78) {
      const OrderId id = some_id(below);
      naive.cancel(id);
      exchange.cancel(id);
    } else if (what < 97) {
      const OrderId id = some_id(below);
      const auto open = exchange.find(id);
      std::int64_t price = 100 + static_cast<std::int64_t>(below(15)) - 7;
      if (open && below(2) == 0) price = open->price.value;
      const std::int64_t lot = exchange.rules().lot.value;
      const std::int64_t quantity = static_cast<std::int64_t>(below(12) + 1) * lot;
      naive.replace(id, price, quantity, now);
      exchange.replace(id, {price}, {quantity}, now);
    } else if (what == 97) {
      const Nanos until{now_ + 20};
      naive.halt(now, until);
      exchange.halt(now, until);
    } else {
      constexpr Phase kCalls[] = {Phase::OpeningCall, Phase::ClosingCall, Phase::VolatilityCall};
      const Phase phase = kCalls[below(3)];
      const Nanos until{now_ + static_cast<std::int64_t>(below(40)) + 1};
      naive.call(phase, now, until);
      exchange.call(phase, now, until);
    }
  }
  template <class Below>
  OrderId some_id(Below& below) {
    const OrderId back = below(60);
    return next_id_ > back ? next_id_ - back : 1;
  }
  [[nodiscard]] std::string compare() {
    const auto reports = exchange.reports();
    for (std::size_t i = 0; i < std::max(reports.size(), naive.said.size()); ++i) {
      if (i >= reports.size() || i >= naive.said.size() || !(reports[i] == naive.said[i])) {
        return "report " + std::to_string(i) + ": " + (i < reports.size() ? text(reports[i]) : "none") +
               "; twin: " + (i < naive.said.size() ? text(naive.said[i]) : "none");
      }
      if (reports[i].kind == Report::Kind::Trade) ++trades;
    }
    if (exchange.phase() != naive.phase || exchange.last().value != naive.last ||
        exchange.reference().value != naive.reference) {
      return "phase or prices differ";
    }
    return "";
  }
  static std::string text(const Report& report) {
    std::string out;
    for (const std::int64_t part :
         {static_cast<std::int64_t>(report.kind), static_cast<std::int64_t>(report.side),
          static_cast<std::int64_t>(report.why), static_cast<std::int64_t>(report.order),
          static_cast<std::int64_t>(report.maker), report.price.value, report.quantity.value,
          report.left.value, report.maker_left.value, static_cast<std::int64_t>(report.phase)}) {
      out += " " + std::to_string(part);
    }
    return out;
  }

  std::int64_t now_ = 0;
  OrderId next_id_ = 1;
};

}  // namespace walras::engine
