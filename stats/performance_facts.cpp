// What a sample's path and order are boiled down to, once, for all metrics.
#include "stats/performance_sums.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace walras::stats {

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
  // The largest share `tail`: its mean, in which the value on the border counts in part (RockafellarUryasev2000), and
  // the type 7 quantile at 1 - tail, whose order statistics lie on the border or just before it.
  const double wanted = tail * static_cast<double>(drawdowns.size());
  const auto border = static_cast<std::ptrdiff_t>(wanted);
  const auto at = drawdowns.begin() + border;
  std::nth_element(drawdowns.begin(), at, drawdowns.end(), std::greater<>());
  std::sort(drawdowns.begin(), at, std::greater<>());  // a sum in one order, whatever nth_element left
  double sum = 0;
  for (auto value = drawdowns.begin(); value != at; ++value) sum += *value;
  conditional_drawdown = (sum + (wanted - static_cast<double>(border)) * *at) / wanted;
  const double position = tail * static_cast<double>(drawdowns.size() - 1);
  const auto before = static_cast<std::ptrdiff_t>(position);
  const double first = drawdowns[static_cast<std::size_t>(before)];
  double next = first;
  if (before < border) next = drawdowns[static_cast<std::size_t>(before) + 1];
  else if (at + 1 != drawdowns.end()) next = *std::max_element(at + 1, drawdowns.end());
  drawdown_at_risk = first + (position - static_cast<double>(before)) * (next - first);
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
