#pragma once
// Features: what a predictor is shown of a market, as declared channels. Every value is made from
// what came up to the end of its own row, in one pass, by the same code for training and for
// trading; so it cannot know what comes later, and what is learned is what is traded on. How a
// market's events become rows is FeatureStream's part.
#include "engine/base/config.hpp"
#include "engine/market/types.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace walras {
class Archive;
}

namespace walras::strategies {

enum class FeatureKind : std::uint8_t {
  Return, MarketReturn, Level, Volatility, Range, Volume, VolumeImage,  // of bars
  Flow, Spread, Imbalance, Microprice, Book, DepthImage                 // of an order book
};

/// One channel or, of images and books, several: a kind over the last `bars` bars of a time frame.
struct Feature {
  FeatureKind kind = FeatureKind::Return;
  std::int64_t bars = 1, frame_s = 0, places = 10;
  double place_bp = 10;
  static void fields(auto&& field) {
    field("kind", &Feature::kind,
          {.doc = "return: log(close / close `bars` ago). market_return: its mean over the "
                  "instruments. level: log close minus "
                  "its mean over `bars`. volatility: deviation of one-bar log returns over `bars`. "
                  "range: log(highest high / "
                  "lowest low) of `bars`. volume: log((1 + volume) / (1 + its mean over `bars`)). "
                  "volume_image: share of the volume of `bars` in each of `places` prices around "
                  "the close, a bar's volume spread over its range. "
                  "Of an order book, where there is one: flow: (bought - sold) / (bought + sold) by "
                  "aggressors in `bars`. spread: log(ask / bid). imbalance: (bid - ask) / (bid + "
                  "ask) size of `places` levels. microprice: log of the mid weighted by the other "
                  "side's size / mid. book: log(ask / mid), log(1 + size), log(bid / mid), log(1 + "
                  "size) of each of `places` levels. depth_image: log(1 + size) at each of "
                  "`places` prices around the mid"});
    field("bars", &Feature::bars,
          {.unit = "bars", .min = 1, .max = 100'000, .doc = "that the value looks back on"});
    field("frame_s", &Feature::frame_s,
          {.unit = "s",
           .min = 0,
           .max = 31'536'000,
           .doc = "length of its bars, made of the stream's own; 0 = these. A frame's bar ends at "
                  "whole multiples from Monday, 0:00 UTC, and its value holds until the next"});
    field("places", &Feature::places,
          {.min = 1,
           .max = 256,
           .doc = "of images: prices, one channel each, the close in the upper middle one. Of "
                  "imbalance and book: levels, up to 10"});
    field("place_bp", &Feature::place_bp,
          {.unit = "bp", .min = 0.001, .max = 10'000, .doc = "of images: from one place to the next"});
  }
  /// Channels that it fills.
  [[nodiscard]] std::size_t width() const;
  [[nodiscard]] bool of_book() const { return kind >= FeatureKind::Flow; }
};

class Features {
 public:
  /// Keeps the last `keep` rows, all of them if 0.
  /// Throws Error{Scenario} without features, and for what cannot be: a volatility of one bar, more
  /// levels than a book shows.
  Features(std::vector<Feature> declared, std::size_t instruments, std::size_t keep = 0);
  ~Features();
  Features(Features&&) noexcept;
  Features& operator=(Features&&) noexcept;

  [[nodiscard]] std::size_t channels() const { return channels_; }
  /// Takes a bar of the row in hand. A close <= 0 has no logarithm and counts as no bar.
  void bar(engine::InstrumentId instrument, const engine::Bar& bar);
  /// A price between the ends of a row, on a grid of half ticks: the bar of the row is made of them.
  void quote(engine::InstrumentId instrument, std::int64_t half_ticks);
  void trade(engine::InstrumentId instrument, engine::Side aggressor, Lots quantity);
  /// The book at the end of the row in hand; one without two sides tells nothing.
  void book(engine::InstrumentId instrument, const engine::Depth& depth);
  /// Ends the row. An instrument without a bar keeps its close, with no range and no volume.
  void end_row(Nanos now);

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t time_of(std::size_t row) const { return times_[place(row)]; }
  /// Whether every value of the window of `length` rows that ends at `row` looks back on what
  /// exists.
  [[nodiscard]] bool known(std::size_t row, engine::InstrumentId instrument,
                           std::size_t length) const;
  /// Shape: out channels x length, oldest first. Only where known(), and kept.
  void window(std::size_t row, engine::InstrumentId instrument, std::size_t length,
              std::span<float> out) const;
  /// Log return of an instrument from one row's close to another's; both must have a close.
  [[nodiscard]] double log_return(std::size_t from, std::size_t to,
                                  engine::InstrumentId instrument) const;
  /// Log of a row's high and low over another row's close.
  [[nodiscard]] double log_high(std::size_t from, std::size_t to, engine::InstrumentId id) const;
  [[nodiscard]] double log_low(std::size_t from, std::size_t to, engine::InstrumentId id) const;
  /// First row with a close; rows() before there is one.
  [[nodiscard]] std::size_t first(engine::InstrumentId instrument) const;

  /// All rows as bytes and back, for a cache; the streaming state is not in them.
  [[nodiscard]] std::string rows_to_bytes() const;
  /// Returns false, unchanged, when the bytes are not rows of this declaration.
  bool rows_from_bytes(std::string_view bytes);
  void state(Archive& archive);

 private:
  struct Line;  // one instrument's streaming state
  [[nodiscard]] std::size_t place(std::size_t row) const {
    expects_kept(row);
    return keep_ == 0 ? row : row % keep_;
  }
  void expects_kept(std::size_t row) const;
  std::size_t new_row();

  std::vector<Feature> declared_;
  std::size_t channels_ = 0, keep_;
  std::vector<Line> lines_;
  std::size_t rows_ = 0;
  struct Path {
    std::int64_t high, low, close;  // logs in 1e-12
  };
  std::vector<float> values_;        // rows x instruments x channels
  std::vector<Path> paths_;          // rows x instruments
  std::vector<std::int64_t> times_;  // rows
};

}  // namespace walras::strategies

namespace walras {

template <>
struct EnumNames<strategies::FeatureKind> {
  using E = strategies::FeatureKind;
  static constexpr std::array<std::pair<E, std::string_view>, 13> names{
      {{E::Return, "return"},
       {E::MarketReturn, "market_return"},
       {E::Level, "level"},
       {E::Volatility, "volatility"},
       {E::Range, "range"},
       {E::Volume, "volume"},
       {E::VolumeImage, "volume_image"},
       {E::Flow, "flow"},
       {E::Spread, "spread"},
       {E::Imbalance, "imbalance"},
       {E::Microprice, "microprice"},
       {E::Book, "book"},
       {E::DepthImage, "depth_image"}}};
};

}  // namespace walras
