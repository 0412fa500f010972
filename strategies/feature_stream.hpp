#pragma once
// FeatureStream: rows of Features out of what a participant is delivered. A market of bars makes a
// row of each slice with bars; with `step_s` the clock makes them, out of the book's mids and
// trades (or of finer bars), and a step in which nothing came makes none. A model's training and
// its trading both look through it: what is learned on is what is shown.
#include "strategies/features.hpp"
#include "strategies/strategy.hpp"

namespace walras::strategies {

class FeatureStream {
 public:
  FeatureStream(const std::vector<Feature>& declared, double step_s, std::size_t instruments,
                std::size_t keep = 0);
  /// Forgets all, and sets the clock of a market that begins.
  void start(engine::Orders& orders);
  void event(const engine::Event& event, engine::Orders& orders);
  /// To be called on_slice and on_timer. Returns whether a row ended.
  bool slice(Nanos now, engine::Orders& orders);
  bool timer(Nanos now, std::uint64_t tag, engine::Orders& orders);
  [[nodiscard]] const Features& features() const { return features_; }
  [[nodiscard]] Features& features() { return features_; }
  void state(auto& archive) { archive(features_, pending_, bars_, book_); }
  [[nodiscard]] bool saw_bars() const { return bars_; }
  [[nodiscard]] bool saw_book() const { return book_; }

 private:
  static constexpr std::uint64_t kTag = 0x66656174;  // the participant may have timers of its own
  void end_row(Nanos now, engine::Orders& orders);

  std::vector<Feature> declared_;
  std::size_t instruments_, keep_;
  Nanos step_;
  bool looks_ = false;  // whether a feature needs the book
  Features features_;
  bool pending_ = false, bars_ = false, book_ = false;
};

/// The rows of a training market: plays it with nobody in it but the stream.
[[nodiscard]] FeatureStream observe(const std::vector<Feature>& declared, double step_s,
                                    const Training& training, std::uint64_t market);

/// The same through a cache in `folder` (empty: none), by the hash of the declaration and of all
/// that decides the market. Rows of a damaged file are made anew. Throws Error{Io} when the folder
/// cannot be written to.
[[nodiscard]] FeatureStream observe_cached(const std::vector<Feature>& declared, double step_s,
                                           const Training& training, std::uint64_t market,
                                           const std::string& folder);

}  // namespace walras::strategies
