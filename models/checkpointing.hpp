#pragma once
// Gradient checkpointing: memory for time. The insides of a part are forgotten in the forward pass
// and computed again in the backward pass. Source: Chen et al. 2016.
#include <functional>

#include "models/torch.hpp"

namespace walras::models {

/// `part`(input) with the gradient it would have, without keeping what lies between. The part must
/// give the same output when called again (dropout by key does; batch normalisation does not).
[[nodiscard]] torch::Tensor checkpointed(std::function<torch::Tensor(const torch::Tensor&)> part,
                                         const torch::Tensor& input);

}  // namespace walras::models
