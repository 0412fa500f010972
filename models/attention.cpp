#include "models/attention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/error.hpp"

namespace walras::models {
namespace {

/// Turns the halves of each head's vector by angles proportional to the step. Shape: (B, H, T, D).
torch::Tensor turned(const torch::Tensor& x, std::int64_t first) {
  const std::int64_t half = x.size(3) / 2;
  const torch::TensorOptions options = x.options();
  const torch::Tensor speed =
      at::exp(torch::arange(half, options) * (-std::log(10000.0) / static_cast<double>(half)));
  const torch::Tensor angle =
      torch::arange(first, first + x.size(2), options).unsqueeze(1) * speed.unsqueeze(0);
  const torch::Tensor c = at::cos(angle), s = at::sin(angle);
  const torch::Tensor a = x.narrow(3, 0, half), b = x.narrow(3, half, half);
  return at::cat({a * c - b * s, a * s + b * c}, 3);
}

/// sum over keys up to each query of (f(q) . f(k)) v, and of f(q) . f(k): in chunks, so that work
/// and memory are linear in the length. Shape: f (B, H, T, F), v (B, H, T, D).
torch::Tensor causal_sums(const torch::Tensor& fq, const torch::Tensor& fk,
                          const torch::Tensor& v) {
  constexpr std::int64_t kChunk = 64;
  const torch::Tensor values = at::cat({v, at::ones_like(v.narrow(3, 0, 1))}, 3);
  torch::Tensor state;
  std::vector<torch::Tensor> parts;
  for (std::int64_t begin = 0; begin < v.size(2); begin += kChunk) {
    const std::int64_t count = std::min(kChunk, v.size(2) - begin);
    const torch::Tensor q = fq.narrow(2, begin, count), k = fk.narrow(2, begin, count),
                        x = values.narrow(2, begin, count);
    torch::Tensor sums = at::matmul(at::tril(at::matmul(q, k.transpose(2, 3))), x);
    if (state.defined()) sums = sums + at::matmul(q, state);
    const torch::Tensor added = at::matmul(k.transpose(2, 3), x);
    state = state.defined() ? state + added : added;
    parts.push_back(sums);
  }
  return at::cat(parts, 2);
}

}  // namespace

Attention::Attention(const Shape& shape, Rng& random)
    : weight(register_parameter("weight", torch::zeros({3 * shape.width, shape.width}))),
      bias(register_parameter("bias", torch::zeros({3 * shape.width}))),
      outlet(register_module("outlet", std::make_shared<Linear>(shape.width, shape.width))),
      shape_(shape) {
  if (shape.heads < 1 || shape.width % shape.heads != 0) {
    fail(Fault::Scenario, "heads",
         fmt::format("expected a divisor of the width {}, was {}", shape.width, shape.heads));
  }
  const std::int64_t head = shape.width / shape.heads;
  if (shape.rotary && head % 2 != 0) {
    fail(Fault::Scenario, "positions",
         fmt::format("expected heads of an even width for rotary positions, was {}", head));
  }
  const bool kernel =
      shape.kind == AttentionKind::Linear || shape.kind == AttentionKind::Performer;
  if (kernel && shape.band > 0) {
    fail(Fault::Scenario, "attention",
         "expected softmax where attention is bounded to a band, was linear or performer; set the "
         "band to 0 or the attention to softmax");
  }
  for (std::int64_t part = 0; part < 3; ++part)
    fill_uniform(weight.detach().narrow(0, part * shape.width, shape.width), 1.0, random);
  fill_uniform(outlet->weight, 1.0, random);
  if (shape.kind == AttentionKind::Performer) {
    // Orthogonal blocks with the lengths that independent normal vectors would have.
    const std::int64_t count = shape.random_features > 0 ? shape.random_features : 2 * head;
    std::vector<torch::Tensor> blocks;
    for (std::int64_t begin = 0; begin < count; begin += head) {
      torch::Tensor block = torch::empty({head, head});
      fill_orthogonal(block, 1.0, random);
      std::vector<float> lengths;
      for (std::int64_t row = 0; row < head; ++row)
        lengths.push_back(static_cast<float>(
            std::sqrt(random.gamma(static_cast<double>(head) / 2, 2.0))));  // chi
      blocks.push_back(block * torch::tensor(lengths).unsqueeze(1));
    }
    projection_ = register_buffer("projection", at::cat(blocks, 0).narrow(0, 0, count).clone());
  }
}

torch::Tensor Attention::forward(const torch::Tensor& queries, const torch::Tensor& memory) {
  const std::int64_t width = shape_.width, heads = shape_.heads;
  const auto split = [&](const torch::Tensor& x) {
    return x.view({x.size(0), x.size(1), heads, width / heads}).transpose(1, 2);
  };
  torch::Tensor q, k, v;
  if (queries.is_same(memory)) {
    const std::vector<torch::Tensor> all = at::linear(queries, weight, bias).chunk(3, 2);
    q = split(all[0]), k = split(all[1]), v = split(all[2]);
  } else {
    q = split(at::linear(queries, weight.narrow(0, 0, width), bias.narrow(0, 0, width)));
    const std::vector<torch::Tensor> both =
        at::linear(memory, weight.narrow(0, width, 2 * width), bias.narrow(0, width, 2 * width))
            .chunk(2, 2);
    k = split(both[0]), v = split(both[1]);
  }
  if (shape_.rotary) {
    q = turned(q, k.size(2) - q.size(2));
    k = turned(k, 0);
  }
  AttentionKind kind = shape_.kind;
  if (kind == AttentionKind::Auto) {
    kind = k.size(2) < kCrossover || shape_.band > 0 ? AttentionKind::Softmax
                                                     : AttentionKind::Linear;
  }
  const torch::Tensor mixed =
      kind == AttentionKind::Softmax ? softmax(q, k, v) : kernelised(q, k, v, kind);
  return outlet->forward(mixed.transpose(1, 2).reshape({queries.size(0), queries.size(1), width}));
}

torch::Tensor Attention::mask(std::int64_t queries, std::int64_t keys,
                              const torch::Tensor& like) const {
  const torch::TensorOptions options = like.options().dtype(torch::kInt64);
  const torch::Tensor age = torch::arange(keys - queries, keys, options).unsqueeze(1) -
                            torch::arange(keys, options).unsqueeze(0);  // of the key, (Q, K)
  std::vector<torch::Tensor> scales;
  std::int64_t band = shape_.band > 0 ? shape_.band : keys;
  for (std::int64_t scale = 0; scale < shape_.scales; ++scale) {
    const torch::Tensor hidden = (age < 0).logical_or(age >= std::max<std::int64_t>(band, 1));
    scales.push_back(torch::zeros({queries, keys}, like.options())
                         .masked_fill(hidden, -std::numeric_limits<double>::infinity()));
    band /= 4;
  }
  if (scales.size() == 1) return scales[0];
  std::vector<torch::Tensor> heads;
  for (std::int64_t h = 0; h < shape_.heads; ++h)
    heads.push_back(scales[static_cast<std::size_t>(h % shape_.scales)]);
  return at::stack(heads).unsqueeze(0);
}

torch::Tensor Attention::softmax(const torch::Tensor& q, const torch::Tensor& k,
                                 const torch::Tensor& v) {
  const std::int64_t queries = q.size(2), keys = k.size(2);
  const bool banded = shape_.causal && (shape_.scales > 1 || (shape_.band > 0 && shape_.band < keys));
  const bool plain_causal = shape_.causal && !banded;
  std::optional<torch::Tensor> bias_mask;
  if (banded || (plain_causal && queries != keys && queries != 1)) bias_mask = mask(queries, keys, q);
  if (!record) {
    return at::scaled_dot_product_attention(q, k, v, bias_mask, 0.0,
                                            plain_causal && queries == keys && keys > 1);
  }
  torch::Tensor scores =
      at::matmul(q, k.transpose(2, 3)) / std::sqrt(static_cast<double>(q.size(3)));
  if (bias_mask || plain_causal) scores = scores + mask(queries, keys, q);
  recorded = at::softmax(scores, 3);
  return at::matmul(recorded, v);
}

torch::Tensor Attention::kernelised(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v, AttentionKind kind) {
  torch::Tensor fq, fk;
  if (kind == AttentionKind::Linear) {
    fq = at::elu(q) + 1;
    fk = at::elu(k) + 1;
  } else {
    const double scale = std::pow(static_cast<double>(q.size(3)), -0.25);
    const auto features = [&](const torch::Tensor& x) {
      const torch::Tensor scaled = x * scale;
      return at::matmul(scaled, projection_.t()) - scaled.square().sum(3, true) / 2;
    };
    // A query's own maximum cancels in the ratio; a maximum over keys would let the future in.
    const torch::Tensor of_queries = features(q);
    fq = at::exp(of_queries - std::get<0>(of_queries.max(3, true)).detach());
    fk = at::exp(features(k));
  }
  const std::int64_t queries = q.size(2), keys = k.size(2);
  if (record) {
    torch::Tensor scores = at::matmul(fq, fk.transpose(2, 3));
    if (shape_.causal) scores = at::tril(scores, keys - queries);
    recorded = scores / scores.sum(3, true);
    return at::matmul(recorded, v);
  }
  torch::Tensor sums;
  if (shape_.causal && queries > 1) {
    if (queries < keys) fq = at::constant_pad_nd(fq, {0, 0, keys - queries, 0});
    sums = causal_sums(fq, fk, v).narrow(2, keys - queries, queries);
  } else {
    const torch::Tensor values = at::cat({v, at::ones_like(v.narrow(3, 0, 1))}, 3);
    sums = at::matmul(fq, at::matmul(fk.transpose(2, 3), values));
  }
  const std::int64_t head = v.size(3);
  return sums.narrow(3, 0, head) / sums.narrow(3, head, 1).clamp_min(1e-12);
}

AttentionPooling::AttentionPooling(std::int64_t width, Rng& random)
    : query(register_parameter("query", torch::zeros({width}))) {
  fill_uniform(query.detach().view({1, width}), 1.0, random);
}

torch::Tensor AttentionPooling::forward(const torch::Tensor& steps) {
  const torch::Tensor weights =
      at::softmax(at::matmul(steps, query) / std::sqrt(static_cast<double>(query.size(0))), 1);
  if (record) recorded = weights.unsqueeze(1).unsqueeze(1);
  return at::matmul(weights.unsqueeze(1), steps).squeeze(1);
}

TransformerBlock::TransformerBlock(const Attention::Shape& shape, std::int64_t hidden,
                                   double dropout, Rng& random)
    : before_attention_(register_module("before_attention", std::make_shared<LayerNorm>(shape.width))),
      before_hidden_(register_module("before_hidden", std::make_shared<LayerNorm>(shape.width))),
      attention_(register_module("attention", std::make_shared<Attention>(shape, random))),
      inlet_(register_module("inlet", std::make_shared<Linear>(shape.width, hidden))),
      outlet_(register_module("outlet", std::make_shared<Linear>(hidden, shape.width))),
      dropout_(register_module("dropout", std::make_shared<Dropout>(dropout))) {
  fill_uniform(inlet_->weight, std::sqrt(2.0), random);
  fill_uniform(outlet_->weight, 0.5, random);
}

torch::Tensor TransformerBlock::forward(const torch::Tensor& steps, std::int64_t last) {
  const torch::Tensor normed = before_attention_->forward(steps);
  const std::int64_t length = steps.size(1);
  const bool all = last == 0 || last == length;
  const torch::Tensor asking = all ? normed : normed.narrow(1, length - last, last);
  const torch::Tensor kept = all ? steps : steps.narrow(1, length - last, last);
  const torch::Tensor mixed = kept + attention_->forward(asking, normed);
  const torch::Tensor hidden = at::gelu(inlet_->forward(before_hidden_->forward(mixed)));
  return mixed + outlet_->forward(dropout_->forward(hidden));
}

torch::Tensor sinusoidal_positions(std::int64_t length, std::int64_t width,
                                   const torch::Tensor& like) {
  const torch::TensorOptions options = like.options();
  const torch::Tensor speed = at::exp(torch::arange(0, width, 2, options) *
                                      (-std::log(10000.0) / static_cast<double>(width)));
  const torch::Tensor angle = torch::arange(length, options).unsqueeze(1) * speed.unsqueeze(0);
  return at::stack({at::sin(angle), at::cos(angle)}, 2).flatten(1).narrow(1, 0, width);
}

}  // namespace walras::models
