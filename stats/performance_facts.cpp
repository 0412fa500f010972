// What a sample's path and order are boiled down to, once, for all metrics.
#include "stats/performance_sums.hpp"

#include <algorithm>
#include <cmath>

namespace walras::stats {
namespace {

/// Mean of the largest `share` of the values; the value on the border counts in part. Reorders `values`.
/// Source: RockafellarUryasev2000.
double mean_of_largest(std::vector<double>& values, double share) {
  const double wanted = share * static_cast<double>(values.size());
  const auto whole = static_cast<std::size_t>(wanted);
  const auto border = values.begin() + static_cast<std::ptrdiff_t>(std::min(whole, values.size() - 1));
  std::nth_element(values.begin(), border, values.end(), std::greater<>());
  std::sort(values.begin(), border, std::greater<>());  // a sum in one order, whatever nth_element left
  double sum = 0;
  for (auto value = values.begin(); value != border; ++value) sum += *value;
  return (sum + (wanted - static_cast<double>(border - values.begin())) * *border) / wanted;
}

}  // namespace

void PathFacts::finish(std::vector<double>& drawdowns, double tail) {
  double depth = 0, since_trough = 0;
  for (const double fall : drawdowns) {
    if (fall > 0) {
      ++under;
      ++since_trough;
      if (fall > depth) {
        depth = fall;
        since_trough = 0;
      }
    } else if (depth > 0) {
      ++falls;
      ++recovered;
      depth_sum += depth;
      depth_square_sum += depth * depth;
      recovery_sum += since_trough + 1;
      depth = since_trough = 0;
    }
  }
  if (depth > 0) {
    ++falls;
    depth_sum += depth;
    depth_square_sum += depth * depth;
  }
  if (drawdowns.empty()) return;
  last = drawdowns.back();
  conditional_drawdown = mean_of_largest(drawdowns, tail);
  // Type 7 quantile at 1 - tail, from above.
  const double position = tail * static_cast<double>(drawdowns.size() - 1);
  const auto before = static_cast<std::ptrdiff_t>(position);
  const auto at = drawdowns.begin() + before;
  std::nth_element(drawdowns.begin(), at, drawdowns.end(), std::greater<>());
  const double next = at + 1 == drawdowns.end() ? *at : *std::max_element(at + 1, drawdowns.end());
  drawdown_at_risk = *at + (position - static_cast<double>(before)) * (next - *at);
}

OrderFacts order_facts(std::span<const double> sorted, const Context& context, double mean) {
  OrderFacts facts;
  facts.sorted = sorted;
  facts.worst = sorted.front();
  facts.best = sorted.back();
  facts.low_tail = quantile(sorted, context.tail);
  facts.high_tail = quantile(sorted, 1 - context.tail);
  const std::size_t n = sorted.size();
  std::size_t count = 0;
  for (; count < n && sorted[count] <= facts.low_tail; ++count) facts.beyond += sorted[count];
  facts.beyond = count > 0 ? facts.beyond / static_cast<double>(count) : facts.low_tail;
  count = 0;
  for (; count < n && sorted[n - 1 - count] >= facts.high_tail; ++count)
    facts.above += sorted[n - 1 - count];
  facts.above = count > 0 ? facts.above / static_cast<double>(count) : facts.high_tail;

  const double size = context.n;
  double rank = 1 - size;  // 2 i - n - 1 for i = 1, 2, ...
  for (const double x : sorted) {
    const double d = x - mean;
    facts.absolute += std::abs(d);
    facts.below_mean2 += d < 0 ? d * d : 0;
    facts.gini += rank * d;
    rank += 2;
    const double over = x - context.minimum_acceptable;
    const double square = over * over;
    facts.above2 += over > 0 ? square : 0;
    facts.below3 -= over < 0 ? square * over : 0;
    facts.below4 += over < 0 ? square * square : 0;
    facts.overs += over > 0 ? 1 : 0;
    facts.unders += over < 0 ? 1 : 0;
    facts.gain2 += x > 0 ? x * x : 0;
    facts.loss2 += x < 0 ? x * x : 0;
  }
  facts.gini = n > 1 ? 2 * facts.gini / (size * (size - 1)) : 0;
  return facts;
}

}  // namespace walras::stats
