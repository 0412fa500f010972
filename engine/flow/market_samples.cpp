// What two markets have in common, measure by measure.
#include "engine/flow/calibrate.hpp"

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

}  // namespace

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
