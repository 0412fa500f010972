#pragma once
// Attention over steps: every step asks (query), steps answer by likeness of their keys with their
// values. Softmax, linear and Performer kernels share one layer; masks never let a step see a later
// one, bit for bit. Source: Vaswani et al. 2017.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/config.hpp"
#include "models/layers.hpp"

namespace walras::models {

enum class AttentionKind : std::uint8_t {
  Auto,     ///< softmax below kCrossover keys, linear from there on
  Softmax,  ///< softmax(q k' / sqrt(d)) v: quadratic in the length
  Linear,   ///< (1 + elu)(q) (1 + elu)(k)' v, normalised: linear. Source: Katharopoulos et al. 2020
  Performer  ///< softmax approximated by positive orthogonal random features. Source: Choromanski
             ///< et al. 2021 (FAVOR+)
};
/// Keys from which on the linear kernel is faster than softmax with causal masks, forward and
/// backward, as `walras bench attention_crossover` measures it.
inline constexpr std::int64_t kCrossover = 1024;

enum class Positions : std::uint8_t {
  None,
  Sinusoidal,  ///< added to the inputs. Source: Vaswani et al. 2017
  Learned,     ///< added to the inputs, one vector a step of the window
  Rotary       ///< queries and keys turned by their place: only distances count, so streams have no
               ///< end. Source: Su et al. 2021
};

/// Parts whose weights can be looked at.
class Attending : public torch::nn::Module {
 public:
  bool record = false;     ///< whether forward() keeps its weights
  torch::Tensor recorded;  ///< (B, heads, queries, keys) of the last recorded pass
};

/// Multi-head attention.
class Attention final : public Attending {
 public:
  struct Shape {
    std::int64_t width = 0, heads = 1;  ///< width is a multiple of heads
    AttentionKind kind = AttentionKind::Softmax;
    bool causal = false;
    std::int64_t band = 0;    ///< keys that a causal query sees, itself included; 0 = all before it
    std::int64_t scales = 1;  ///< head h sees band / 4^(h mod scales) keys, at least 1
    bool rotary = false;
    std::int64_t random_features = 0;  ///< of Performer; 0 = twice the width of a head
  };
  /// Throws Error{Scenario} naming heads, band or kind when they do not fit together.
  Attention(const Shape& shape, Rng& random);
  /// Shape: queries (B, Q, width), memory (B, K, width) -> (B, Q, width). When causal, the queries
  /// are the last Q steps of the memory.
  torch::Tensor forward(const torch::Tensor& queries, const torch::Tensor& memory);

  torch::Tensor weight, bias;            ///< (3 width, width), (3 width): query, key, value
  std::shared_ptr<Linear> outlet;

 private:
  [[nodiscard]] torch::Tensor mask(std::int64_t queries, std::int64_t keys,
                                   const torch::Tensor& like) const;
  torch::Tensor softmax(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v);
  torch::Tensor kernelised(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                           AttentionKind kind);
  Shape shape_;
  torch::Tensor projection_;  // Performer's random directions
};

/// One learned query over steps: a weighted mean of them.
class AttentionPooling final : public Attending {
 public:
  AttentionPooling(std::int64_t width, Rng& random);
  torch::Tensor forward(const torch::Tensor& steps);  ///< (B, T, width) -> (B, width)
  torch::Tensor query;                                ///< (width)
};

/// x + attention(norm(x)), then x + wide(norm(x)) with GELU between two linear maps.
class TransformerBlock final : public torch::nn::Module {
 public:
  TransformerBlock(const Attention::Shape& shape, std::int64_t hidden, double dropout, Rng& random);
  /// (B, T, width) -> (B, last, width): the last `last` steps (0 = all), which alone are computed.
  torch::Tensor forward(const torch::Tensor& steps, std::int64_t last = 0);

 private:
  std::shared_ptr<LayerNorm> before_attention_, before_hidden_;
  std::shared_ptr<Attention> attention_;
  std::shared_ptr<Linear> inlet_, outlet_;
  std::shared_ptr<Dropout> dropout_;
};

/// (length, width): sin and cos of step / 10000^(2i / width).
[[nodiscard]] torch::Tensor sinusoidal_positions(std::int64_t length, std::int64_t width,
                                                 const torch::Tensor& like);

}  // namespace walras::models

template <>
struct walras::EnumNames<walras::models::AttentionKind> {
  using E = walras::models::AttentionKind;
  static constexpr std::array<std::pair<E, std::string_view>, 4> names{{{E::Auto, "auto"},
                                                                        {E::Softmax, "softmax"},
                                                                        {E::Linear, "linear"},
                                                                        {E::Performer, "performer"}}};
};
template <>
struct walras::EnumNames<walras::models::Positions> {
  using E = walras::models::Positions;
  static constexpr std::array<std::pair<E, std::string_view>, 4> names{{{E::None, "none"},
                                                                        {E::Sinusoidal, "sinusoidal"},
                                                                        {E::Learned, "learned"},
                                                                        {E::Rotary, "rotary"}}};
};
