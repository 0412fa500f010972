#include "stats/subsample.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/pairs.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace walras::stats {

std::size_t subsample_block(std::size_t periods, const SubsamplePlan& plan) {
  if (!(plan.rate > 0 && plan.rate <= 2)) {
    fail(Fault::Numeric, "sub-sampling",
         fmt::format("expected a rate above 0, at most 2, was {}", plan.rate));
  }
  const std::size_t block =
      plan.block > 0 ? plan.block
                     : std::max<std::size_t>(
                           2, static_cast<std::size_t>(
                                  std::cbrt(std::pow(static_cast<double>(periods), 2)) / 2));
  if (block < 2 || block >= periods) {
    fail(Fault::Numeric, "sub-sampling",
         fmt::format("expected stretches of 2 periods or more, fewer than the {} observations, was {}",
                     periods, block));
  }
  return block;
}

IntervalEstimate subsample_interval(std::span<const double> x, const Statistic& statistic,
                                    const SubsamplePlan& plan, double level) {
  if (!(level > 0 && level < 1)) {
    fail(Fault::Numeric, "sub-sampling",
         fmt::format("expected a level between 0 and 1, was {}", level));
  }
  expect_finite("sub-sampling", x);
  const std::size_t block = subsample_block(x.size(), plan);
  std::vector<double> values(x.size() - block + 1);
  parallel_chunks(values.size(), 64, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t start = begin; start < end; ++start) {
      values[start] = statistic(x.subspan(start, block));
    }
  });
  IntervalEstimate result;
  result.estimate = statistic(x);
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.size() < (x.size() - block + 1) * 99 / 100 || values.size() < 2) return result;
  const double scale =
      std::pow(static_cast<double>(block) / static_cast<double>(x.size()), plan.rate);
  double squares = 0;
  for (double& value : values) {
    value = scale * (value - result.estimate);
    squares += value * value;
  }
  const Bounds tails = percentile_bounds(values, level);
  if (!(values.back() > values.front())) return result;
  result.standard_error = std::sqrt(squares / static_cast<double>(values.size()));
  result.interval = Bounds{result.estimate - tails.high, result.estimate - tails.low};
  return result;
}

}  // namespace walras::stats
