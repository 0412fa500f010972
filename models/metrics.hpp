#pragma once
// How good predictions are: of classes, of numbers, of features. Torch-free.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/json.hpp"

namespace walras::models {

struct ClassMetrics {
  double accuracy = 0;
  double macro_f1 = 0;     ///< mean over the classes that occur or were predicted
  double weighted_f1 = 0;  ///< weighted by how often a class occurs
  double mcc = 0;  ///< Matthews correlation, many classes; 0 where it is 0 / 0. Source: Gorodkin 2004
  double calibration_error = 0;  ///< expected |confidence - accuracy| over 10 bins; 0 without probabilities
};
/// Shape: truth (n), probabilities (n x classes), rows sum to 1; the prediction is the largest, the
/// first of equals. Throws Error{Numeric} on no rows or a class outside.
[[nodiscard]] ClassMetrics class_metrics(std::span<const std::int32_t> truth,
                                         std::span<const float> probabilities, std::size_t classes);

/// Pearson correlation; 0 where one side is constant. Units: none. Range: [-1, 1].
[[nodiscard]] double information_coefficient(std::span<const float> predicted,
                                             std::span<const float> truth);
/// Spearman's: Pearson's of ranks, ties get their mean rank.
[[nodiscard]] double rank_information_coefficient(std::span<const float> predicted,
                                                  std::span<const float> truth);

struct FeatureQuality {
  std::vector<double> correlation;  ///< of each feature with the target
  std::vector<double> information;  ///< mutual information in nats, 8 x 8 equally filled bins, less its bias
  double probe = 0;                 ///< R^2 of ridge regression on later rows, fitted on the first half
};
/// Shape: features (n x count), target (n). Throws Error{Numeric} below 32 rows.
[[nodiscard]] FeatureQuality feature_quality(std::span<const float> features, std::size_t count,
                                             std::span<const float> target);

[[nodiscard]] Json to_json(const ClassMetrics& metrics);

}  // namespace walras::models
