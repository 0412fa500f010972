#include "models/metrics.hpp"

#include <fmt/format.h>

#include <Eigen/Core>
#include <Eigen/SVD>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/base/error.hpp"

namespace walras::models {
namespace {

double correlation(std::span<const double> a, std::span<const double> b) {
  const auto n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n,
               mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i] - mean_a, y = b[i] - mean_b;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  return aa > 0 && bb > 0 ? std::clamp(ab / std::sqrt(aa * bb), -1.0, 1.0) : 0;
}

std::vector<double> widened(std::span<const float> values) {
  return {values.begin(), values.end()};
}

std::vector<std::size_t> order_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  return order;
}

std::vector<double> ranks(std::span<const double> values) {
  const std::vector<std::size_t> order = order_of(values);
  std::vector<double> rank(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    for (std::size_t i = first; i <= last; ++i)
      rank[order[i]] = static_cast<double>(first + last) / 2;
    first = last + 1;
  }
  return rank;
}

constexpr std::size_t kBins = 8;

/// Bin of each value among equally filled ones; equal values share the bin of the first.
std::vector<std::size_t> bins(std::span<const double> values) {
  const std::vector<double> rank = ranks(values);
  std::vector<std::size_t> bin(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double share = rank[i] / static_cast<double>(values.size());
    bin[i] = std::min(kBins - 1, static_cast<std::size_t>(share * static_cast<double>(kBins)));
  }
  return bin;
}

/// Plug-in estimate less the Miller-Madow bias, not below 0.
double mutual_information(std::span<const double> a, std::span<const double> b) {
  const std::vector<std::size_t> x = bins(a), y = bins(b);
  std::array<double, kBins * kBins> joint{};
  std::array<double, kBins> of_x{}, of_y{};
  const auto n = static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    joint[x[i] * kBins + y[i]] += 1 / n;
    of_x[x[i]] += 1 / n;
    of_y[y[i]] += 1 / n;
  }
  double sum = 0;
  int cells = 0, rows = 0, columns = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    rows += of_x[i] > 0 ? 1 : 0;
    columns += of_y[i] > 0 ? 1 : 0;
    for (std::size_t j = 0; j < kBins; ++j) {
      const double p = joint[i * kBins + j];
      if (p <= 0) continue;
      ++cells;
      sum += p * std::log(p / (of_x[i] * of_y[j]));
    }
  }
  return std::max(0.0, sum - static_cast<double>(cells - rows - columns + 1) / (2 * n));
}

double probe(std::span<const float> features, std::size_t count, std::span<const float> target) {
  using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto n = static_cast<Eigen::Index>(target.size()), half = n / 2;
  const Eigen::Map<const Rows> all(features.data(), n, static_cast<Eigen::Index>(count));
  Eigen::MatrixXd x = all.cast<double>();
  Eigen::VectorXd y =
      Eigen::Map<const Eigen::VectorXf>(target.data(), n).cast<double>();
  const Eigen::RowVectorXd mean = x.topRows(half).colwise().mean();
  const double offset = y.head(half).mean();
  x.rowwise() -= mean;
  Eigen::RowVectorXd scale =
      (x.topRows(half).colwise().squaredNorm() / static_cast<double>(half)).cwiseSqrt();
  for (double& s : scale) s = s > 0 ? s : 1;
  x.array().rowwise() /= scale.array();
  // Few rows and many features: the penalty is the one with the least generalised cross-validation error.
  const Eigen::BDCSVD<Eigen::MatrixXd> parts(x.topRows(half), Eigen::ComputeThinU | Eigen::ComputeThinV);
  const Eigen::ArrayXd power = parts.singularValues().array().square();
  const Eigen::VectorXd known = (y.head(half).array() - offset).matrix();
  const Eigen::ArrayXd shares = (parts.matrixU().transpose() * known).array();
  const double rows = static_cast<double>(half), unexplained = known.squaredNorm() - shares.square().sum();
  Eigen::ArrayXd kept;
  double least = std::numeric_limits<double>::infinity();
  for (double penalty = 1e-3; penalty < 2e2; penalty *= 10) {
    const Eigen::ArrayXd keeps = power / (power + penalty * rows);
    const double left = unexplained + (shares * (1 - keeps)).square().sum(), free = 1 - keeps.sum() / rows;
    if (left / (free * free) >= least) continue;
    least = left / (free * free);
    kept = keeps;
  }
  const Eigen::ArrayXd inverse = (power > 0).select(kept / parts.singularValues().array(), 0.0);
  const Eigen::VectorXd weights = parts.matrixV() * (shares * inverse).matrix();
  const Eigen::VectorXd later = y.tail(n - half);
  const Eigen::VectorXd error =
      later - (x.bottomRows(n - half) * weights + Eigen::VectorXd::Constant(n - half, offset));
  const double total = (later.array() - offset).square().sum();
  return total > 0 ? 1 - error.squaredNorm() / total : 0;
}

}  // namespace

ClassMetrics class_metrics(std::span<const std::int32_t> truth,
                           std::span<const float> probabilities, std::size_t classes) {
  if (truth.empty() || probabilities.size() != truth.size() * classes) {
    fail(Fault::Numeric, "metrics",
         fmt::format("expected {} probabilities for each of at least one row, was {} for {}",
                     classes, probabilities.size(), truth.size()));
  }
  std::vector<double> confusion(classes * classes), confidence(10), hits(10);
  for (std::size_t row = 0; row < truth.size(); ++row) {
    const auto real = static_cast<std::size_t>(truth[row]);
    if (truth[row] < 0 || real >= classes)
      fail(Fault::Numeric, "metrics", fmt::format("expected a class below {}, was {}", classes, truth[row]));
    const auto begin = probabilities.begin() + static_cast<std::ptrdiff_t>(row * classes);
    const auto best = std::max_element(begin, begin + static_cast<std::ptrdiff_t>(classes));
    const auto guess = static_cast<std::size_t>(best - begin);
    confusion[real * classes + guess] += 1;
    const auto bin = static_cast<std::size_t>(std::clamp(static_cast<double>(*best) * 10, 0.0, 9.0));
    confidence[bin] += static_cast<double>(*best);
    hits[bin] += guess == real ? 1 : 0;
  }
  const auto n = static_cast<double>(truth.size());
  ClassMetrics result;
  double right = 0, pairs = 0, squares_truth = 0, squares_guess = 0, seen = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    double real = 0, guessed = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      real += confusion[c * classes + k];
      guessed += confusion[k * classes + c];
    }
    const double hit = confusion[c * classes + c];
    right += hit;
    pairs += real * guessed;
    squares_truth += real * real;
    squares_guess += guessed * guessed;
    if (real + guessed == 0) continue;
    seen += 1;
    const double f1 = 2 * hit / (real + guessed);
    result.macro_f1 += f1;
    result.weighted_f1 += f1 * real / n;
  }
  result.macro_f1 /= seen;
  result.accuracy = right / n;
  const double spread = (n * n - squares_guess) * (n * n - squares_truth);
  result.mcc = spread > 0 ? (right * n - pairs) / std::sqrt(spread) : 0;
  for (std::size_t bin = 0; bin < 10; ++bin)
    result.calibration_error += std::abs(confidence[bin] - hits[bin]) / n;
  return result;
}

double information_coefficient(std::span<const float> predicted, std::span<const float> truth) {
  expects(predicted.size() == truth.size() && !truth.empty(), "as many predictions as truths");
  return correlation(widened(predicted), widened(truth));
}

double rank_information_coefficient(std::span<const float> predicted,
                                    std::span<const float> truth) {
  expects(predicted.size() == truth.size() && !truth.empty(), "as many predictions as truths");
  return correlation(ranks(widened(predicted)), ranks(widened(truth)));
}

FeatureQuality feature_quality(std::span<const float> features, std::size_t count,
                               std::span<const float> target) {
  expects(features.size() == count * target.size(), "features are rows x count");
  if (target.size() < 32) {
    fail(Fault::Numeric, "feature quality",
         fmt::format("expected at least 32 rows, was {}", target.size()));
  }
  FeatureQuality quality;
  const std::vector<double> y = widened(target);
  std::vector<double> column(target.size());
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t row = 0; row < column.size(); ++row)
      column[row] = static_cast<double>(features[row * count + k]);
    quality.correlation.push_back(correlation(column, y));
    quality.information.push_back(mutual_information(column, y));
  }
  quality.probe = probe(features, count, target);
  return quality;
}

Json to_json(const ClassMetrics& metrics) {
  return Json::object({{"accuracy", metrics.accuracy},
                       {"macro_f1", metrics.macro_f1},
                       {"weighted_f1", metrics.weighted_f1},
                       {"mcc", metrics.mcc},
                       {"calibration_error", metrics.calibration_error}});
}

}  // namespace walras::models
