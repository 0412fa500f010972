#pragma once
// What a training step sees: the order of the rows, from easy to hard where a curriculum is asked
// for, and how their windows are altered. All draws are a function of (epoch or step), so a resumed
// training draws the same.
#include <cstdint>
#include <vector>

#include "engine/base/config.hpp"
#include "engine/base/random.hpp"
#include "models/torch.hpp"

namespace walras::models {

enum class Curriculum : std::uint8_t {
  None,
  Volatility,  ///< windows whose first channel varies little come first
  Complexity,  ///< windows whose first channel turns seldom come first
  Horizon      ///< outputs join one after another
};

struct Augmentation {
  double noise = 0, scaling = 0, warp = 0, mixup = 0;
  std::int64_t jitter = 0;
  static void fields(auto&& field) {
    using P = Augmentation;
    field("noise", &P::noise, {.unit = "deviations", .min = 0, .max = 10, .doc = "normal numbers added to scaled inputs"});
    field("jitter", &P::jitter, {.unit = "steps", .min = 0, .max = 1000, .doc = "a window is shifted back by up to so many"});
    field("scaling", &P::scaling, {.min = 0, .max = 2, .doc = "deviation of the logarithm of a factor on a whole window"});
    field("warp", &P::warp, {.min = 0, .max = 0.9, .doc = "largest share by which a stretch of a window is slowed or hastened"});
    field("mixup", &P::mixup, {.min = 0, .max = 10, .doc = "alpha of the Beta distribution of mixed pairs; 0 = none"});
  }
  [[nodiscard]] bool any() const {
    return noise > 0 || scaling > 0 || warp > 0 || mixup > 0 || jitter > 0;
  }
};

/// Difficulty of each row, rising; empty without a curriculum by rows. Shape: inputs (N, C, T).
[[nodiscard]] std::vector<std::uint32_t> rows_by_difficulty(Curriculum curriculum,
                                                            const torch::Tensor& inputs);

/// A batch as altered: `other` is the partner of each row in mixup and `share` its own weight, 1
/// without.
struct Altered {
  torch::Tensor inputs, other;
  double share = 1;
};
/// Shape: inputs (B, C, T), scaled. Shifts and warps look back only: a step holds what was at it or
/// before. Source: mixup, Zhang et al. 2018.
[[nodiscard]] Altered alter(const torch::Tensor& inputs, const Augmentation& how, Rng random);

}  // namespace walras::models

template <>
struct walras::EnumNames<walras::models::Curriculum> {
  using E = walras::models::Curriculum;
  static constexpr std::array<std::pair<E, std::string_view>, 4> names{
      {{E::None, "none"},
       {E::Volatility, "volatility"},
       {E::Complexity, "complexity"},
       {E::Horizon, "horizon"}}};
};
