#include "stats/performance.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/performance_sums.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 32;  // replicates a task; part of no result

void check(const Conventions& conventions) {
  const auto rate = [](double value, const char* what) {
    if (!std::isfinite(value) || value <= -1) {
      fail(Fault::Numeric, what, fmt::format("expected a yearly rate above -1, was {}", value));
    }
  };
  rate(conventions.risk_free, "risk-free rate");
  rate(conventions.minimum_acceptable, "minimum acceptable return");
  if (!(conventions.tail > 0 && conventions.tail < 0.5)) {
    fail(Fault::Numeric, "tail",
         fmt::format("expected a probability between 0 and 0.5, was {}", conventions.tail));
  }
  if (!(conventions.ruin_loss > 0 && conventions.ruin_loss < 1)) {
    fail(Fault::Numeric, "ruin loss",
         fmt::format("expected a share of capital between 0 and 1, was {}", conventions.ruin_loss));
  }
}

double mean_of(std::span<const double> x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return x.empty() ? 0 : sum / static_cast<double>(x.size());
}

double largest(std::span<const double> x) {
  double scale = 0;
  for (const double value : x) scale = std::max(scale, std::abs(value));
  return scale;
}

Context make_context(const ReturnSeries& series, const Conventions& conventions,
                     std::span<const double> benchmark) {
  Context context;
  context.n = static_cast<double>(series.returns.size());
  context.periods_per_year = series.periods_per_year;
  context.years = conventions.calendar_years.value_or(calendar_years(series));
  context.risk_free = per_period_rate(conventions.risk_free, series.periods_per_year);
  context.minimum_acceptable =
      per_period_rate(conventions.minimum_acceptable, series.periods_per_year);
  context.yearly_risk_free = conventions.risk_free;
  context.tail = conventions.tail;
  context.ruin_loss = conventions.ruin_loss;
  context.centre = mean_of(series.returns);
  context.scale = largest(series.returns);
  context.ruined =
      std::find(series.returns.begin(), series.returns.end(), -1.0) != series.returns.end();
  context.has_benchmark = !benchmark.empty();
  context.benchmark_centre = mean_of(benchmark);
  context.benchmark_scale = largest(benchmark);
  context.benchmark_ruined = std::find(benchmark.begin(), benchmark.end(), -1.0) != benchmark.end();
  return context;
}

Sums columns_of(const Context& context, double x, double b) {
  Sums row{};
  const double d = x - context.centre;
  row[kX] = d;
  row[kX2] = d * d;
  row[kX3] = d * d * d;
  row[kX4] = d * d * d * d;
  row[kLog] = context.ruined ? 0 : std::log1p(x);
  row[kLog2] = row[kLog] * row[kLog];
  const double over = x - context.minimum_acceptable;
  row[kBelow2] = over < 0 ? over * over : 0;
  row[kAbove] = std::max(over, 0.0);
  row[kBelow] = std::max(-over, 0.0);
  row[kGain] = std::max(x, 0.0);
  row[kLoss] = std::max(-x, 0.0);
  row[kUps] = x > 0 ? 1 : 0;
  row[kDowns] = x < 0 ? 1 : 0;
  if (!context.has_benchmark) return row;
  const double e = b - context.benchmark_centre;
  row[kB] = e;
  row[kB2] = e * e;
  row[kXB] = d * e;
  row[kBeats] = x > b ? 1 : 0;
  row[kLogB] = context.benchmark_ruined ? 0 : std::log1p(b);
  if (b > 0) {
    row[kUpLogX] = std::log1p(x);
    row[kUpLogB] = std::log1p(b);
    row[kUpCount] = 1;
  } else if (b < 0) {
    row[kDownLogX] = std::log1p(x);
    row[kDownLogB] = std::log1p(b);
    row[kDownCount] = 1;
  }
  return row;
}

/// A series laid out for evaluation: running sums of its columns, its order, its context.
class Prepared {
 public:
  Prepared(const ReturnSeries& series, const Conventions& conventions,
           const ReturnSeries* benchmark)
      : x_(series.returns) {
    if (benchmark != nullptr) {
      check(*benchmark);
      benchmark_ = align(series, *benchmark);
    }
    context_ = make_context(series, conventions, benchmark_.returns);
    width_ = context_.has_benchmark ? kColumns : kReturnColumns;
    const std::size_t n = x_.size();
    running_.resize((n + 1) * width_);
    for (std::size_t t = 0; t < n; ++t) {
      const Sums row =
          columns_of(context_, x_[t], context_.has_benchmark ? benchmark_.returns[t] : 0);
      for (std::size_t k = 0; k < width_; ++k) {
        running_[(t + 1) * width_ + k] = running_[t * width_ + k] + row[k];
      }
    }
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return x_[a] < x_[b]; });
    rank_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      rank_[order[i]] = static_cast<std::uint32_t>(i);
      sorted_.push_back(x_[order[i]]);
    }
  }

  [[nodiscard]] const Context& context() const { return context_; }
  [[nodiscard]] std::span<const double> benchmark() const { return benchmark_.returns; }
  [[nodiscard]] std::size_t benchmark_missing() const { return benchmark_.missing; }

  /// Scratch of one task.
  struct Work {
    std::vector<Block> blocks;
    std::vector<std::uint32_t> counts;
    std::vector<double> sorted, drawdowns;
  };

  /// Facts of the sample made of `work.blocks`.
  void gather(Work& work, Sums& sums, PathFacts& path, OrderFacts& order) const {
    const std::size_t n = x_.size();
    sums.fill(0);
    work.counts.assign(n, 0);
    work.drawdowns.resize(n);
    double* falls = work.drawdowns.data();
    for (const Block block : work.blocks) {
      const std::size_t end = static_cast<std::size_t>(block.start) + block.length;
      const std::size_t stop = std::min(end, n);
      falls = span(block.start, stop, sums, path, work, falls);
      if (end > n) falls = span(0, end - n, sums, path, work, falls);
    }
    path.finish(work.drawdowns, context_.tail);
    work.sorted.resize(n);
    double* to = work.sorted.data();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::uint32_t left = work.counts[i]; left > 0; --left) *to++ = sorted_[i];
    }
    order = order_facts(work.sorted, context_, context_.centre + sums[kX] / context_.n);
  }

 private:
  /// Adds periods begin .. end - 1; their falls are written from `falls` on. Returns: where the next ones go.
  double* span(std::size_t begin, std::size_t end, Sums& sums, PathFacts& path, Work& work, double* falls) const {
    const double* from = running_.data() + begin * width_;
    const double* to = running_.data() + end * width_;
    for (std::size_t k = 0; k < width_; ++k) sums[k] += to[k] - from[k];
    for (std::size_t t = begin; t < end; ++t) {
      *falls++ = path.step(x_[t]);
      ++work.counts[rank_[t]];
    }
    return falls;
  }

  std::span<const double> x_;
  Aligned benchmark_;
  Context context_;
  std::size_t width_ = 0;
  std::vector<double> running_, sorted_;
  std::vector<std::uint32_t> rank_;
};

std::vector<const Metric*> wanted(bool with_benchmark) {
  std::vector<const Metric*> list;
  for (const Metric& metric : metrics()) {
    if (!metric.info.needs_benchmark || with_benchmark) list.push_back(&metric);
  }
  return list;
}

Evidence blank(const MetricInfo& info, std::size_t n) {
  Evidence evidence;
  evidence.name = info.name;
  evidence.unit = info.unit;
  evidence.formula = info.formula;
  evidence.assumptions = info.assumptions;
  evidence.source = info.source;
  evidence.n = n;
  return evidence;
}

std::string inputs_of(const Context& context, std::size_t missing) {
  std::string text = fmt::format("p = {:g} periods a year, {:.4g} years, n = {}",
                                 context.periods_per_year, context.years, context.n);
  if (context.yearly_risk_free != 0)
    text += fmt::format(", rf = {:g} a year", context.yearly_risk_free);
  if (context.minimum_acceptable != 0)
    text += fmt::format(", MAR = {:.6g} a period", context.minimum_acceptable);
  if (missing > 0) text += fmt::format(", {} periods without a benchmark value", missing);
  return text;
}

std::vector<Evidence> evaluate(const ReturnSeries& series, const Prepared& prepared,
                               Prepared::Work& work) {
  std::vector<Evidence> result;
  const std::size_t n = series.returns.size();
  const Context& context = prepared.context();
  Sums sums{};
  PathFacts path;
  OrderFacts order;
  if (n > 0) {
    work.blocks.assign(1, Block{0, static_cast<std::uint32_t>(n)});
    prepared.gather(work, sums, path, order);
  }
  const Sample sample{context, sums, path, order, series.returns, prepared.benchmark()};
  for (const Metric* metric : wanted(context.has_benchmark)) {
    Evidence evidence = blank(metric->info, n);
    evidence.method =
        inputs_of(context, metric->info.needs_benchmark ? prepared.benchmark_missing() : 0);
    const Value value = n == 0 ? Value("no period") : metric->compute(sample);
    if (value.reason != nullptr) {
      evidence.reason = value.reason;
    } else if (!std::isfinite(value.value)) {
      evidence.reason = "the figure overflows on these returns";
    } else {
      evidence.estimate = value.value;
    }
    result.push_back(std::move(evidence));
  }
  return result;
}

/// Sets the bounds of a studentised interval on the metric of that name, scaled.
void studentize(std::vector<Evidence>& evidence, std::string_view name,
                const std::optional<Bounds>& interval, double scale, double level) {
  for (Evidence& entry : evidence) {
    if (entry.name != name || !entry.estimate || !interval) continue;
    entry.interval = Bounds{interval->low * scale, interval->high * scale};
    entry.level = level;
  }
}

/// Replicates of an estimate and of its standard error.
struct Studentized {
  IntervalEstimate estimate;
  std::vector<double> values, errors;
  Studentized(IntervalEstimate whole, std::size_t replicates)
      : estimate(whole), values(replicates), errors(replicates) {}
  void put(std::size_t replicate, const kernel::Estimate& drawn) {
    values[replicate] = drawn.value;
    errors[replicate] = drawn.error;
  }
};

}  // namespace

double per_period_rate(double yearly, double periods_per_year) {
  return std::expm1(std::log1p(yearly) / periods_per_year);
}

std::vector<MetricInfo> metric_list() {
  std::vector<MetricInfo> list;
  for (const Metric& metric : metrics()) list.push_back(metric.info);
  return list;
}

std::vector<Evidence> measure(const ReturnSeries& series, const Conventions& conventions,
                              const ReturnSeries* benchmark) {
  check(series);
  check(conventions);
  const Prepared prepared(series, conventions, benchmark);
  Prepared::Work work;
  return evaluate(series, prepared, work);
}

Evidence measure(std::string_view metric, const ReturnSeries& series,
                 const Conventions& conventions, const ReturnSeries* benchmark) {
  std::string names;
  for (Evidence& evidence : measure(series, conventions, benchmark)) {
    if (evidence.name == metric) return std::move(evidence);
    names += (names.empty() ? "" : ", ") + evidence.name;
  }
  fail(Fault::Numeric, metric, fmt::format("expected one of {}", names));
}

std::vector<Evidence> measure_with_intervals(const ReturnSeries& series,
                                             const Conventions& conventions,
                                             const ReturnSeries* benchmark,
                                             const Resamples& resamples) {
  check(series);
  check(conventions);
  const Prepared prepared(series, conventions, benchmark);
  Prepared::Work first;
  std::vector<Evidence> result = evaluate(series, prepared, first);
  const Context& context = prepared.context();
  const std::size_t n = series.returns.size();
  if (n < 2 || resamples.replicates < 2) return result;
  if (context.ruined) {
    for (Evidence& evidence : result) evidence.method += "; nothing is resampled after ruin";
    return result;
  }

  const std::span<const double> own[] = {series.returns};
  const double block =
      resamples.mean_block > 0 ? resamples.mean_block : shared_block_length(own, true);
  const ResamplePlan plan{n, resamples.replicates, block, resamples.seed};
  check(plan);
  const std::vector<const Metric*> list = wanted(context.has_benchmark);
  std::vector<double> values(list.size() * plan.replicates);
  const RunningMoments moments(series.returns);
  std::vector<double> excess(series.returns);
  for (double& value : excess) value -= context.risk_free;
  Studentized mean(mean_estimate(series.returns, block), plan.replicates);
  Studentized sharpe(sharpe_estimate(excess, block), plan.replicates);
  const BlockSampler sampler(plan);
  parallel_chunks(plan.replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    Prepared::Work work;
    for (std::size_t b = begin; b < end; ++b) {
      sampler.draw(b, work.blocks);
      Sums sums{};
      PathFacts path;
      OrderFacts order;
      prepared.gather(work, sums, path, order);
      const Sample sample{context, sums, path, order};
      for (std::size_t k = 0; k < list.size(); ++k) {
        if (list[k]->info.resampling == Resampling::None) continue;
        values[k * plan.replicates + b] =
            list[k]->compute(sample).value;  // NaN where there is a reason
      }
      const kernel::Products products =
          kernel::products(moments.view(), work.blocks.data(), work.blocks.size());
      mean.put(b, kernel::mean_with_error(products, context.n, moments.mean()));
      sharpe.put(b, kernel::sharpe_with_error(products, context.n,
                                              moments.mean() - context.risk_free, moments.tiny()));
    }
  });

  const std::string how = fmt::format(
      "; stationary bootstrap, mean block {:.3g} periods, {} replicates, ", block, plan.replicates);
  parallel_for(list.size(), [&](std::size_t k) {
    Evidence& evidence = result[k];
    const Resampling kind = list[k]->info.resampling;
    if (!evidence.estimate || kind == Resampling::None) return;
    std::span<double> own_values(values.data() + k * plan.replicates, plan.replicates);
    const auto undefined = std::partition(own_values.begin(), own_values.end(),
                                          [](double value) { return std::isfinite(value); });
    const auto defined = static_cast<std::size_t>(undefined - own_values.begin());
    if (static_cast<double>(defined) < 0.99 * static_cast<double>(plan.replicates)) {
      evidence.method += fmt::format("; no interval: undefined in {} of {} resamples",
                                     plan.replicates - defined, plan.replicates);
      return;
    }
    const Bounds bounds = percentile_bounds(own_values.first(defined), resamples.level);
    (kind == Resampling::Interval ? evidence.interval : evidence.range) = bounds;
    evidence.level = resamples.level;
    const bool studentized = evidence.name == "mean_return" || evidence.name == "sharpe";
    evidence.method += how + (studentized ? "studentised" : "percentile");
  });

  for (Studentized* part : {&mean, &sharpe}) {
    if (part->estimate.standard_error > 0) {
      set_interval(part->estimate, part->values, part->errors, resamples.level);
    }
  }
  const double p = series.periods_per_year;
  studentize(result, "mean_return", mean.estimate.interval, p, resamples.level);
  studentize(result, "sharpe", sharpe.estimate.interval, std::sqrt(p), resamples.level);
  return result;
}

}  // namespace walras::stats
