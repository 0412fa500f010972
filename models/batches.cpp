#include "models/batches.hpp"

#include <algorithm>
#include <cmath>

namespace walras::models {
namespace {

torch::Tensor normals(at::IntArrayRef shape, const torch::Tensor& like, Rng random) {
  return torch::empty(shape, torch::kFloat32)
      .normal_(0, 1, at::detail::createCPUGenerator(random.bits()))
      .to(like.device());
}

/// Where each step of each row looks: (B, T), at most its own place.
torch::Tensor places(std::int64_t rows, std::int64_t steps, const Augmentation& how, Rng& random) {
  torch::Tensor result = torch::empty({rows, steps});
  float* out = result.data_ptr<float>();
  for (std::int64_t row = 0; row < rows; ++row, out += steps) {
    const double shift = how.jitter > 0 ? static_cast<double>(random.below(
                                              static_cast<std::uint64_t>(how.jitter) + 1))
                                        : 0;
    // Time runs by speed s up to a turn and by what catches up after it: a curve below the diagonal.
    const double turn = random.uniform(0.25, 0.75) * static_cast<double>(steps - 1);
    const double lag = how.warp * random.uniform() * turn;
    for (std::int64_t step = 0; step < steps; ++step) {
      const auto t = static_cast<double>(step);
      const double late = t <= turn ? lag * t / std::max(turn, 1e-9)
                                    : lag * (static_cast<double>(steps - 1) - t) /
                                          (static_cast<double>(steps - 1) - turn);
      out[step] = static_cast<float>(std::max(0.0, t - late - shift));
    }
  }
  return result;
}

}  // namespace

std::vector<std::uint32_t> rows_by_difficulty(Curriculum curriculum, const torch::Tensor& inputs) {
  if (curriculum != Curriculum::Volatility && curriculum != Curriculum::Complexity) return {};
  const torch::Tensor line = inputs.select(1, 0);
  torch::Tensor difficulty;
  if (curriculum == Curriculum::Volatility) {
    difficulty = line.std(1, /*unbiased=*/false);
  } else {
    const torch::Tensor moves = line.narrow(1, 1, line.size(1) - 1) - line.narrow(1, 0, line.size(1) - 1);
    const std::int64_t pairs = std::max<std::int64_t>(moves.size(1) - 1, 0);
    difficulty = (moves.narrow(1, 0, pairs) * moves.narrow(1, moves.size(1) - pairs, pairs) < 0)
                     .sum(1)
                     .to(torch::kFloat32);
  }
  const torch::Tensor order = std::get<1>(at::sort(difficulty, /*stable=*/true, 0, false)).cpu();
  std::vector<std::uint32_t> rows(static_cast<std::size_t>(order.numel()));
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = static_cast<std::uint32_t>(order.data_ptr<std::int64_t>()[i]);
  return rows;
}

Altered alter(const torch::Tensor& inputs, const Augmentation& how, Rng random) {
  Altered result{inputs, {}, 1};
  torch::Tensor& x = result.inputs;
  const std::int64_t rows = x.size(0), steps = x.size(2);
  if ((how.jitter > 0 || how.warp > 0) && steps > 1) {
    Rng draw = random.child("time");
    const torch::Tensor place = places(rows, steps, how, draw).to(x.device());
    const torch::Tensor before = place.floor();
    const auto pick = [&](const torch::Tensor& at_steps) {
      return x.gather(2, at_steps.to(torch::kInt64).unsqueeze(1).expand({rows, x.size(1), steps}));
    };
    const torch::Tensor part = (place - before).unsqueeze(1);
    x = pick(before) * (1 - part) + pick((before + 1).clamp_max(static_cast<double>(steps - 1))) * part;
  }
  if (how.scaling > 0) x = x * at::exp(normals({rows, 1, 1}, x, random.child("scaling")) * how.scaling);
  if (how.noise > 0) x = x + normals(x.sizes(), x, random.child("noise")) * how.noise;
  if (how.mixup > 0 && rows > 1) {
    Rng draw = random.child("mixup");
    const double a = draw.gamma(how.mixup, 1), b = draw.gamma(how.mixup, 1);
    result.share = std::max(a, b) / (a + b);
    std::vector<std::uint32_t> order(static_cast<std::size_t>(rows));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
    draw.shuffle(order);
    torch::Tensor partner = torch::empty({rows}, torch::kInt64);
    std::ranges::copy(order, partner.data_ptr<std::int64_t>());
    result.other = partner.to(x.device());
    x = x * result.share + x.index_select(0, result.other) * (1 - result.share);
  }
  return result;
}

}  // namespace walras::models
