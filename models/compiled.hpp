#pragma once
// Small trained networks as fused kernels, without LibTorch: one event in, one prediction out, in
// microseconds, with no allocation. A stream recomputes only what is new: convolutions keep the
// steps that they still reach, attention its keys and values, an LSTM its state. The answer is that
// of one pass of the same network over the stream since the last reset, to 1e-5; of a network of
// closed windows (mlp, deeplob) that of the last window. Torch-free.
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "models/archive.hpp"

namespace walras::models {

class Compiled {
 public:
  virtual ~Compiled() = default;
  /// Forgets the stream.
  virtual void reset() = 0;
  /// Takes one step's channels (C), gives the predictions after it (outputs): what Predictor::predict
  /// gives of the first task. A network of closed windows sees the last T steps; before there are T,
  /// zeros (after scaling) stand for the missing ones.
  virtual void push(std::span<const float> channels, std::span<float> outputs) = 0;
  /// The predictions of one window, as a predictor is given it: (C, T), oldest step first. Forgets the
  /// stream before it, and leaves one that has seen the window.
  virtual void window(std::span<const float> input, std::span<float> outputs) = 0;
  /// Whether push() after window() gives, to the bit, what window() of the next T steps would.
  [[nodiscard]] virtual bool slides() const = 0;
  /// Another stream of the same network, of which the matrices are shared.
  [[nodiscard]] virtual std::unique_ptr<Compiled> clone() const = 0;
};

/// Windows that mostly follow one another, as a market shows them: of one that is the last one moved on by a few steps only these
/// are computed, where the network slides. Answers are those of window() to the bit, whatever came before.
class SlidingWindow {
 public:
  SlidingWindow(std::unique_ptr<Compiled> network, std::size_t channels);
  /// Another one of the same network, which has seen nothing.
  [[nodiscard]] SlidingWindow another() const { return {network_->clone(), channels_}; }
  [[nodiscard]] bool slides() const { return network_->slides(); }
  void predict(std::span<const float> input, std::span<float> outputs);

 private:
  std::unique_ptr<Compiled> network_;
  std::size_t channels_;
  std::vector<float> seen_, step_;
};

/// Kinds: mlp; deeplob; price_cnn and lstm without attention, lstm of one horizon; transformer with causal
/// softmax and rotary or no positions, of fewer than 1,024 steps. A deeplob needs 23 steps. The first task a value, quantiles, a direction or a regime.
/// Throws Error{Usage} for others, Error{Data} for arrays that do not fit the description.
[[nodiscard]] std::unique_ptr<Compiled> compile(const Archive& saved);

}  // namespace walras::models
