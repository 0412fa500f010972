#include "engine/flow/calibrate.hpp"

#include "engine/base/error.hpp"
#include "engine/flow/hawkes.hpp"
#include "engine/regime/regime.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace walras::engine {
namespace {

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

std::vector<double> autocorrelation(const std::vector<double>& x, std::size_t lags) {
  const double m = mean_of(x);
  double variance = 0;
  for (const double v : x) variance += (v - m) * (v - m);
  std::vector<double> found;
  for (std::size_t lag = 1; lag <= lags && lag < x.size() && variance > 0; ++lag) {
    double sum = 0;
    for (std::size_t i = lag; i < x.size(); ++i) sum += (x[i] - m) * (x[i - lag] - m);
    found.push_back(sum / variance);
  }
  return found;
}

/// The numbers that all flows of limit and market orders share.
class PlainFit {
 public:
  explicit PlainFit(const MarketView& view) : length_s(view.end_s - view.begin_s) {
    double distances = 0, placed = 0, limit_lots = 0;
    for (const SeenOrder& order : view.orders) {
      if (order.cancel) {
        ++cancels;
      } else {
        ++limits;
        limit_lots += static_cast<double>(order.lots);
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
    volatility_s = std::sqrt(mean_of(squares) / 60);
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
  result.generator = book_section(plain, view,
                                  Json::object({{"kind", "hawkes"},
                                                {"base", std::move(base)},
                                                {"children", std::move(children)},
                                                {"decay", fit.law.decay},
                                                {"cancel_rate", plain.cancel_rate},
                                                {"limit_tail", plain.tail},
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
  for (std::size_t k = 0; k < view.orders.size(); ++k) {
    const SeenOrder& order = view.orders[k];
    // Where many queues change at one time the book was drawn anew: no order came.
    const auto with = [&](std::size_t other) {
      return other < view.orders.size() && view.orders[other].time_s == order.time_s;
    };
    if (with(k + 2) || (k > 0 && with(k - 1) && with(k + 1)) || (k > 1 && with(k - 2))) continue;
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
    result.parameters.push_back({name, "1/s", value, std::sqrt(std::max(count, 1.0)) / time_s,
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

double distribution_distance(std::vector<double> a, std::vector<double> b) {
  if (a.empty() || b.empty()) return 1;
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double gap = 0;
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) ++i;
    while (j < b.size() && b[j] <= x) ++j;
    gap = std::max(gap, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                 static_cast<double>(j) / static_cast<double>(b.size())));
  }
  return gap;
}

MarketSamples sample(const MarketView& view) {
  MarketSamples s;
  s.profile.assign(kDepthLevels, 0);
  for (const SeenBook& book : view.books) {
    s.spreads.push_back(static_cast<double>(book.spread));
    s.best_lots.push_back(static_cast<double>(book.bid[0]));
    s.best_lots.push_back(static_cast<double>(book.ask[0]));
    for (std::size_t k = 0; k < kDepthLevels; ++k)
      s.profile[k] += 0.5 * static_cast<double>(book.bid[k] + book.ask[k]) /
                      static_cast<double>(view.books.size());
  }
  for (std::size_t i = 10; i < view.books.size(); i += 10)
    s.moves.push_back(view.books[i].mid - view.books[i - 10].mid);
  std::vector<double> signs, sizes;
  for (std::size_t i = 0; i < view.market_orders.size(); ++i) {
    const SeenMarketOrder& order = view.market_orders[i];
    if (i > 0) s.waits_s.push_back(order.time_s - view.market_orders[i - 1].time_s);
    s.sizes.push_back(static_cast<double>(order.lots));
    signs.push_back(static_cast<double>(sign(order.side)));
  }
  s.signs = autocorrelation(signs, 50);
  s.returns = autocorrelation(s.moves, 30);
  for (const double move : s.moves) sizes.push_back(std::abs(move));
  s.squares = autocorrelation(sizes, 30);
  for (std::size_t lag = 1; lag <= 128; lag *= 2) {
    double sum = 0;
    for (std::size_t i = 0; i + lag < view.market_orders.size(); ++i)
      sum += signs[i] * (view.market_orders[i + lag].mid - view.market_orders[i].mid);
    if (view.market_orders.size() > lag)
      s.impact.push_back(sum / static_cast<double>(view.market_orders.size() - lag));
  }
  const double m = mean_of(s.moves);
  double second = 0, fourth = 0;
  for (const double move : s.moves)
    second += std::pow(move - m, 2), fourth += std::pow(move - m, 4);
  if (second > 0) s.kurtosis = fourth * static_cast<double>(s.moves.size()) / (second * second) - 3;
  return s;
}

std::vector<MarketDistance> distances(const MarketView& day, const MarketView& model) {
  const double middle = (day.begin_s + day.end_s) / 2;
  const MarketSamples whole = sample(day), first = sample(day.between(day.begin_s, middle)),
                      second = sample(day.between(middle, day.end_s)), made = sample(model);
  std::vector<MarketDistance> all;
  const auto distribution = [&](const char* name, auto member) {
    all.push_back({name, "Kolmogorov-Smirnov", distribution_distance(whole.*member, made.*member),
                   distribution_distance(first.*member, second.*member)});
  };
  distribution("spread", &MarketSamples::spreads);
  distribution("lots at the best prices", &MarketSamples::best_lots);
  distribution("time between market orders", &MarketSamples::waits_s);
  distribution("size of market orders", &MarketSamples::sizes);
  distribution("10-second moves of the mid", &MarketSamples::moves);
  const auto profile = [&](const std::vector<double>& a, const std::vector<double>& b) {
    const double sa = std::accumulate(a.begin(), a.end(), 0.0),
                 sb = std::accumulate(b.begin(), b.end(), 0.0);
    double sum = 0;
    for (std::size_t k = 0; k < std::min(a.size(), b.size()); ++k)
      sum += std::abs((sa > 0 ? a[k] / sa : 0) - (sb > 0 ? b[k] / sb : 0)) / 2;
    return sum;
  };
  all.push_back({"depth profile", "total variation", profile(whole.profile, made.profile),
                 profile(first.profile, second.profile)});
  const auto curve = [](const std::vector<double>& a, const std::vector<double>& b) {
    const std::size_t n = std::min<std::size_t>({20, a.size(), b.size()});
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) sum += std::abs(a[k] - b[k]);
    return n > 0 ? sum / static_cast<double>(n) : 1.0;
  };
  all.push_back({"autocorrelation of order signs", "mean absolute difference, lags 1 to 20",
                 curve(whole.signs, made.signs), curve(first.signs, second.signs)});
  all.push_back({"autocorrelation of absolute moves", "mean absolute difference, lags 1 to 20",
                 curve(whole.squares, made.squares), curve(first.squares, second.squares)});
  return all;
}

}  // namespace walras::engine
