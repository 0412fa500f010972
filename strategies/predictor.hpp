#pragma once
// Predictor: numbers in, numbers out; a neural feature extractor is one. Torch-free.
#include "engine/base/json.hpp"
#include "engine/base/random.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace walras::strategies {

/// Rows of (channels x window) inputs, oldest step last-but-first: index [row][channel][step], and of targets [row][output].
struct Dataset {
  std::size_t rows = 0, channels = 0, window = 0, outputs = 0;
  std::vector<float> inputs;    ///< rows x channels x window
  std::vector<float> targets;   ///< rows x outputs
  std::vector<std::int64_t> times;  ///< step of each row, non-decreasing (instruments share one); empty: one row a step
};

class Predictor {
 public:
  virtual ~Predictor() = default;
  /// Trains on rows in time order (scalers too); keeps the last part for validation as its params say. Throws Error{Numeric} naming batch and feature on NaN.
  virtual void fit(const Dataset& data, Rng random) = 0;
  /// Shape: input rows x channels x window, output rows x outputs, for any number of rows. Not before fit() or load().
  virtual void predict(std::span<const float> input, std::span<float> output) = 0;
  /// {"parameters": count, "epochs", "train_loss", "validation_loss", ...} for the record.
  [[nodiscard]] virtual Json summary() const = 0;
  virtual void save(std::vector<std::byte>& bytes) const = 0;
  virtual void load(std::span<const std::byte> bytes) = 0;
};

}  // namespace walras::strategies
