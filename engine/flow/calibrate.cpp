#include "engine/flow/calibrate.hpp"

#include "engine/base/error.hpp"
#include "engine/flow/hawkes.hpp"
#include "engine/regime/regime.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace walras::engine {
namespace {

/// The numbers that all flows of limit and market orders share.
class PlainFit {
 public:
  explicit PlainFit(const MarketView& view) : length_s(view.end_s - view.begin_s) {
    double distances = 0, placed = 0, limit_lots = 0, gaps = 0, within = 0, behind = 0, steps = 0;
    for (const SeenOrder& order : view.orders) {
      if (order.cancel) {
        ++cancels;
      } else {
        ++limits;
        limit_lots += static_cast<double>(order.lots);
        if (order.spread > 1) gaps += 1, within += order.level < 0 ? 1 : 0;
        if (order.level >= 0) behind += 1, steps += static_cast<double>(order.level);
        if (order.distance >= 1) distances += static_cast<double>(order.distance), placed += 1;
      }
    }
    double market_lots = 0;
    for (const SeenMarketOrder& order : view.market_orders)
      market_lots += static_cast<double>(order.lots);
    markets = view.market_orders.size();
    if (limits < 100 || markets < 100 || view.books.size() < 100) {
      fail(Fault::Data, "market data",
           "expected at least 100 limit orders, 100 market orders and 100 seconds, was " +
               std::to_string(limits) + ", " + std::to_string(markets) + " and " +
               std::to_string(view.books.size()));
    }
    inside = gaps > 0 ? within / gaps : 0;
    inside_error = gaps > 0 ? std::sqrt(inside * (1 - inside) / gaps) : 0;
    behind_tail = behind > 0 ? behind / (behind + steps) : 1;
    behind_error =
        behind > 0 ? behind_tail * std::sqrt(std::max(0.0, 1 - behind_tail) / behind) : 0;
    tail = std::min(1.0, placed / distances);
    tail_error = tail * std::sqrt(std::max(0.0, 1 - tail) / placed);
    mean_limit = limit_lots / static_cast<double>(limits);
    mean_market = market_lots / static_cast<double>(markets);
    double resting = 0, spreads = 0;
    for (const SeenBook& book : view.books) spreads += static_cast<double>(book.spread);
    mean_spread = std::max(1.0, spreads / static_cast<double>(view.books.size()));
    for (const SeenBook& book : view.books) resting += static_cast<double>(book.lots) / mean_limit;
    exposure_s = resting / static_cast<double>(view.books.size()) * length_s;
    cancel_rate = static_cast<double>(cancels) / exposure_s;
    std::vector<double> squares;
    for (std::size_t i = 60; i < view.books.size(); i += 60) {
      if (view.books[i].time_s - view.books[i - 60].time_s < 90)
        squares.push_back(std::pow(std::log(view.books[i].mid / view.books[i - 60].mid), 2));
    }
    const double sum = std::accumulate(squares.begin(), squares.end(), 0.0);
    volatility_s = squares.empty() ? 0 : std::sqrt(sum / static_cast<double>(squares.size()) / 60);
    start_price = view.books.front().mid * view.tick_size;
  }
  void tell(Calibration& result) const {
    const auto add = [&](const char* name, const char* unit, double value, double error,
                         std::uint64_t events) {
      result.parameters.push_back({name, unit, value, error, events});
    };
    add("limit_tail", "", tail, tail_error, limits);
    add("limit_lots", "lots", mean_limit, mean_limit / std::sqrt(static_cast<double>(limits)),
        limits);
    add("market_lots", "lots", mean_market, mean_market / std::sqrt(static_cast<double>(markets)),
        markets);
    add("cancel_rate", "1/s", cancel_rate,
        cancel_rate / std::sqrt(static_cast<double>(std::max<std::uint64_t>(1, cancels))), cancels);
  }
  double length_s;
  std::uint64_t limits = 0, cancels = 0, markets = 0;
  double tail = 0, tail_error = 0, mean_limit = 0, mean_market = 0, cancel_rate = 0, exposure_s = 0;
  double inside = 0, inside_error = 0, behind_tail = 1,
         behind_error = 0;  // share placed inside a spread; geometric behind the own best
  double mean_spread = 1, volatility_s = 0, start_price = 0;
};

Json book_section(const PlainFit& plain, const MarketView& view, Json flow) {
  return Json::object(
      {{"kind", "book"},
       {"start_price", plain.start_price},
       {"tick_size", view.tick_size},
       {"flow", std::move(flow)},
       {"value", Json::object({{"kind", "brownian"},
                               {"volatility", plain.volatility_s * std::sqrt(kTradingYear_s)}})}});
}

Calibration fit_poisson(const MarketView& view) {
  const PlainFit plain(view);
  Calibration result;
  const auto rate = [&](const char* name, std::uint64_t count) {
    const double per_side = static_cast<double>(count) / plain.length_s / 2;
    result.parameters.push_back(
        {name, "1/s", per_side, per_side / std::sqrt(static_cast<double>(count)), count});
    return per_side;
  };
  const double limit = rate("limit_rate", plain.limits),
               market = rate("market_rate", plain.markets);
  plain.tell(result);
  result.generator = Json::object({{"kind", "zero_intelligence"},
                                   {"start_price", plain.start_price},
                                   {"limit_rate", limit},
                                   {"limit_tail", plain.tail},
                                   {"limit_lots", plain.mean_limit},
                                   {"cancel_rate", plain.cancel_rate},
                                   {"market_rate", market},
                                   {"market_lots", plain.mean_market},
                                   {"pull", 0.1 / plain.mean_spread},
                                   {"value_volatility", plain.volatility_s}});
  return result;
}

Calibration fit_excitation(const MarketView& view) {
  const PlainFit plain(view);
  std::vector<std::pair<double, std::uint8_t>> all;
  for (const SeenOrder& order : view.orders) {
    if (!order.cancel)
      all.emplace_back(order.time_s - view.begin_s, order.side == Side::Buy ? 0 : 1);
  }
  for (const SeenMarketOrder& order : view.market_orders)
    all.emplace_back(order.time_s - view.begin_s, order.side == Side::Buy ? 2 : 3);
  std::sort(all.begin(), all.end());
  HawkesEvents events;
  events.end = plain.length_s;
  for (const auto& [time, kind] : all) {
    events.times.push_back(time);
    events.kinds.push_back(kind);
  }
  const HawkesFit fit = fit_hawkes(events, 4);
  constexpr const char* kNames[] = {"limit buy", "limit sell", "market buy", "market sell"};
  Calibration result;
  Json base = Json::array(), children = Json::array();
  const std::uint64_t n = events.times.size();
  for (std::size_t i = 0; i < 4; ++i) {
    base.push_back(fit.law.base[i]);
    result.parameters.push_back(
        {std::string("base of ") + kNames[i], "1/s", fit.law.base[i], fit.base_error[i], n});
    Json row = Json::array();
    for (std::size_t j = 0; j < 4; ++j) {
      row.push_back(fit.law.children[i * 4 + j]);
      result.parameters.push_back({std::string(kNames[i]) + " set off by " + kNames[j], "",
                                   fit.law.children[i * 4 + j], fit.children_error[i * 4 + j], n});
    }
    children.push_back(std::move(row));
  }
  result.parameters.push_back({"decay", "1/s", fit.law.decay, fit.decay_error, n});
  plain.tell(result);
  result.parameters.push_back(
      {"inside a spread of two ticks or more", "", plain.inside, plain.inside_error, plain.limits});
  result.parameters.push_back({"limit_tail behind the own best price", "", plain.behind_tail,
                               plain.behind_error, plain.limits});
  result.generator = book_section(plain, view,
                                  Json::object({{"kind", "hawkes"},
                                                {"base", std::move(base)},
                                                {"children", std::move(children)},
                                                {"decay", fit.law.decay},
                                                {"cancel_rate", plain.cancel_rate},
                                                {"limit_tail", std::max(1e-4, plain.behind_tail)},
                                                {"inside", plain.inside},
                                                {"limit_lots", plain.mean_limit},
                                                {"market_lots", plain.mean_market},
                                                {"informed", 0}}));
  return result;
}

constexpr std::size_t kLevels = 3, kLengths = 8;

struct Cell {
  double time_s = 0, limits = 0, cancels = 0;
};

/// Median size of a limit order, in which queues are counted.
double usual_size(const MarketView& view) {
  std::vector<std::int64_t> sizes;
  for (const SeenOrder& order : view.orders) {
    if (!order.cancel) sizes.push_back(order.lots);
  }
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  return static_cast<double>(*middle);
}

Calibration fit_queues(const MarketView& view) {
  const PlainFit plain(view);
  const double unit = usual_size(view);
  const auto bucket = [&](std::int64_t lots) {
    return std::min<std::size_t>(
        kLengths - 1, static_cast<std::size_t>(std::ceil(static_cast<double>(lots) / unit - 1e-9)));
  };
  Cell cells[kLevels][kLengths];
  double market_time[kLengths] = {}, market_count[kLengths] = {};
  double tight = 0;
  for (const SeenBook& book : view.books) {
    if (book.spread == 1) {
      tight += 1;
      for (const auto* side : {&book.bid, &book.ask}) {
        for (std::size_t level = 0; level < kLevels; ++level)
          cells[level][bucket((*side)[level])].time_s += 1;
        market_time[bucket((*side)[0])] += 1;
      }
    } else if (book.spread == 2) {
      cells[0][0].time_s += 1;  // one of the two first queues is empty
    }
  }
  if (tight < 0.2 * static_cast<double>(view.books.size())) {
    fail(Fault::Data, "queue_reactive",
         "expected a spread of one tick in a fifth of the time or more, was in " +
             std::to_string(tight / static_cast<double>(view.books.size())) +
             " of it: the model is one of large ticks; use hawkes or zero_intelligence");
  }
  const auto traded_at = [&](double time_s) {
    const auto place =
        std::lower_bound(view.market_orders.begin(), view.market_orders.end(), time_s,
                         [](const SeenMarketOrder& order, double t) { return order.time_s < t; });
    return place != view.market_orders.end() && place->time_s == time_s;
  };
  for (std::size_t k = 0; k < view.orders.size(); ++k) {
    const SeenOrder& order = view.orders[k];
    // Where many queues change at one time the book was drawn anew, after the last order of a best
    // queue left: one cancel, unless a market order took it.
    const auto with = [&](std::size_t other) {
      return other < view.orders.size() && view.orders[other].time_s == order.time_s;
    };
    const bool first = k == 0 || !with(k - 1);
    if (first && with(k + 2) && !traded_at(order.time_s)) cells[0][1].cancels += 1;
    if (with(k + 2) || (!first && with(k + 1)) || (k > 1 && with(k - 2))) continue;
    if (order.spread == 1 && order.level >= 0 && order.level < static_cast<std::int64_t>(kLevels)) {
      Cell& cell = cells[order.level][bucket(order.queue)];
      (order.cancel ? cell.cancels : cell.limits) += 1;
    } else if (order.spread == 2 && order.level == -1 && !order.cancel) {
      cells[0][0].limits += 1;
    }
  }
  for (const SeenMarketOrder& order : view.market_orders) {
    if (order.spread == 1) market_count[bucket(order.queue)] += 1;
  }
  Calibration result;
  const auto rate = [&](const std::string& name, double count, double time_s, double before) {
    if (time_s < 10) return before;  // seldom or never seen: as the length before it
    const double value = count / time_s;
    // The time is a count too, of the seconds at which the queue was seen so long.
    const double counted = std::max(count, 1.0), unseen = std::max(0.0, 1 - time_s / (2 * tight));
    result.parameters.push_back({name, "1/s", value,
                                 counted / time_s * std::sqrt(1 / counted + unseen / time_s),
                                 static_cast<std::uint64_t>(count)});
    return value;
  };
  Json limit = Json::array(), cancel = Json::array(), market = Json::array();
  double last_market = 0;
  for (std::size_t q = 0; q < kLengths; ++q) {
    last_market = q == 0 ? 0
                         : rate("market orders at length " + std::to_string(q), market_count[q],
                                market_time[q], last_market);
    market.push_back(last_market);
  }
  for (std::size_t level = 0; level < kLevels; ++level) {
    Json limits = Json::array(), cancels = Json::array();
    double last_limit = 1, last_cancel = 0;
    for (std::size_t q = 0; q < kLengths; ++q) {
      const std::string where =
          " at level " + std::to_string(level) + ", length " + std::to_string(q);
      last_limit =
          rate("limit orders" + where, cells[level][q].limits, cells[level][q].time_s, last_limit);
      last_cancel = q == 0 ? 0
                           : rate("cancels" + where, cells[level][q].cancels,
                                  cells[level][q].time_s, last_cancel);
      // Beyond the last length a queue must shrink, else it grows for ever.
      if (q == kLengths - 1)
        last_limit = std::min(last_limit, 0.95 * (last_cancel + (level == 0 ? last_market : 0)));
      limits.push_back(last_limit);
      cancels.push_back(last_cancel);
    }
    limit.push_back(std::move(limits));
    cancel.push_back(std::move(cancels));
  }
  result.generator =
      book_section(plain, view,
                   Json::object({{"kind", "queue_reactive"},
                                 {"limit", std::move(limit)},
                                 {"cancel", std::move(cancel)},
                                 {"market", std::move(market)},
                                 {"lots", std::max<std::int64_t>(1, std::llround(unit))}}));
  return result;
}

}  // namespace

Calibration calibrate(const MarketView& view, const std::string& kind) {
  if (kind == "zero_intelligence") return fit_poisson(view);
  if (kind == "hawkes") return fit_excitation(view);
  if (kind == "queue_reactive") return fit_queues(view);
  fail(Fault::Usage, "--flow", "expected zero_intelligence, hawkes or queue_reactive, was " + kind);
}

}  // namespace walras::engine
