#pragma once
// Price CNN: a small stack of causal dilated convolutions with residual blocks over price windows.
#include <memory>

#include "engine/base/config.hpp"
#include "models/net.hpp"

namespace walras::models {

struct PriceCnnParams {
  std::int64_t channels = 16, blocks = 3, kernel = 3, features = 16;
  static void fields(auto&& field) {
    field("channels", &PriceCnnParams::channels,
          {.min = 1, .max = 1024, .doc = "width of the convolutions"});
    field("blocks", &PriceCnnParams::blocks,
          {.min = 1, .max = 12, .doc = "residual blocks; block i looks back in steps of 2^i"});
    field("kernel", &PriceCnnParams::kernel,
          {.unit = "steps", .min = 2, .max = 15, .doc = "taps of a convolution"});
    field("features", &PriceCnnParams::features,
          {.min = 1, .max = 1024, .doc = "numbers that describe a window"});
  }
};

/// Window (B, inputs, T) -> features (B, H). Weights are drawn from `random`.
[[nodiscard]] std::shared_ptr<Net> price_cnn(const PriceCnnParams& params, std::int64_t inputs,
                                             Rng& random);

}  // namespace walras::models
