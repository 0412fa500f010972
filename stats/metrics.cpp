// The list of metrics, put together from its groups.
#include "stats/performance_sums.hpp"

namespace walras::stats {

const std::vector<Metric>& metrics() {
  static const std::vector<Metric> list = [] {
    std::vector<Metric> all;
    const auto add = [&](std::string_view group, std::span<const Metric> part) {
      for (Metric metric : part) {
        metric.info.group = group;
        all.push_back(metric);
      }
    };
    add("return", return_metrics());
    add("risk", risk_metrics());
    add("ratio", ratio_metrics());
    add("drawdown", drawdown_metrics());
    add("tail", tail_metrics());
    add("benchmark", benchmark_metrics());
    return all;
  }();
  return list;
}

}  // namespace walras::stats
