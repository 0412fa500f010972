#pragma once
// Features: what a predictor is shown of bars, as declared channels. Every value is made from bars
// up to its own slice, with constant work a bar, by the same code for training and for trading; so
// it cannot know what comes later.
#include "engine/base/config.hpp"
#include "engine/market/types.hpp"

#include <array>
#include <span>
#include <vector>

namespace walras {
class Archive;
}

namespace walras::strategies {

enum class FeatureKind : std::uint8_t { Return, MarketReturn, Level, Volatility, Range, Volume };

/// One channel: a kind over the last `bars` bars.
struct Feature {
  FeatureKind kind = FeatureKind::Return;
  std::int64_t bars = 1;
  static void fields(auto&& field) {
    field("kind", &Feature::kind,
          {.doc = "return: log(close / close `bars` ago). market_return: its mean over the "
                  "instruments. level: log close minus "
                  "its mean over `bars`. volatility: deviation of one-bar log returns over `bars`. "
                  "range: log(highest high / "
                  "lowest low) of `bars`. volume: log((1 + volume) / (1 + its mean over `bars`))"});
    field("bars", &Feature::bars,
          {.unit = "bars", .min = 1, .max = 100'000, .doc = "that the value looks back on"});
  }
};

class Features {
 public:
  /// Throws Error{Scenario} without channels, and for a volatility of one bar.
  Features(std::vector<Feature> channels, std::size_t instruments);
  ~Features();
  Features(Features&&) noexcept;
  Features& operator=(Features&&) noexcept;

  [[nodiscard]] std::size_t channels() const { return channels_.size(); }
  /// Takes a bar of the slice in hand. A close <= 0 has no logarithm and counts as no bar.
  void bar(engine::InstrumentId instrument, const engine::Bar& bar);
  /// Ends the slice and adds a row. An instrument without a bar keeps its close, with no range and
  /// no volume.
  void end_slice();

  [[nodiscard]] std::size_t rows() const { return rows_; }
  /// Whether every value of the window of `length` rows that ends at `row` looks back on bars that
  /// exist.
  [[nodiscard]] bool known(std::size_t row, engine::InstrumentId instrument,
                           std::size_t length) const;
  /// Shape: out channels x length, oldest first. Only where known().
  void window(std::size_t row, engine::InstrumentId instrument, std::size_t length,
              std::span<float> out) const;
  /// Log return of an instrument from one row's close to another's; both must have a close.
  [[nodiscard]] double log_return(std::size_t from, std::size_t to,
                                  engine::InstrumentId instrument) const;
  void state(Archive& archive);

 private:
  struct Line;  // one instrument's streaming state
  std::vector<Feature> channels_;
  std::vector<Line> lines_;
  std::vector<double> market_;  // sums over the instruments of one slice, by channel
  std::size_t rows_ = 0, longest_ = 1;
  std::vector<float> values_;         // rows x instruments x channels
  std::vector<std::int64_t> closes_;  // rows x instruments: log close in 1e-12
};

}  // namespace walras::strategies

namespace walras {

template <>
struct EnumNames<strategies::FeatureKind> {
  static constexpr std::array<std::pair<strategies::FeatureKind, std::string_view>, 6> names{
      {{strategies::FeatureKind::Return, "return"},
       {strategies::FeatureKind::MarketReturn, "market_return"},
       {strategies::FeatureKind::Level, "level"},
       {strategies::FeatureKind::Volatility, "volatility"},
       {strategies::FeatureKind::Range, "range"},
       {strategies::FeatureKind::Volume, "volume"}}};
};

}  // namespace walras
