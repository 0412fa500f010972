#pragma once
// Normal numbers for tests of networks.
#include "engine/base/random.hpp"
#include "models/torch.hpp"

namespace walras::models {

inline torch::Tensor draws(std::initializer_list<std::int64_t> shape, Rng random) {
  torch::Tensor values = torch::empty(shape);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(random.normal());
  return values;
}

}  // namespace walras::models
