#pragma once
// Markets with no alpha, made from recorded bars: the same instruments, times and sizes of moves, without the structure that
// a strategy could live on. Every bar stays valid: low <= open, close <= high, prices above 0. Dividends become part of the
// moves. Knows no strategy and no statistics.
#include "engine/market/tape.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace walras::engine {

enum class Destruction : std::uint8_t {
  Shuffled,   ///< blocks of dates change places, the same for all instruments: what follows what is lost, drifts stay
  Signs,      ///< each block of dates is mirrored or not, the same for all instruments: drifts are lost, sizes stay in place
  Simulated   ///< one common and each instrument's own factor, Student t with 6 degrees, GARCH volatility, no drift
};

/// A tape without alpha and, beside it, companions that were moved along: the benchmark's simple returns by date.
struct NullMarket {
  std::shared_ptr<const Tape> tape;
  std::vector<std::vector<double>> companions;  ///< [companion][date]; the first date has no move: 0
};

/// Draws null markets of one recorded market. Immutable once built; draws are independent and may run in parallel.
class NullMarketMaker {
 public:
  /// `companions`: simple returns by date, over dates(*tape). `block`: dates that stay together; >= 1.
  /// Throws Error{Scenario} with `where` when the tape holds anything but bars at prices above 0, or too few of them.
  NullMarketMaker(std::shared_ptr<const Tape> tape, Destruction kind, std::size_t block,
                  std::vector<std::vector<double>> companions, const std::string& where);
  ~NullMarketMaker();
  /// Market number `world`: the same for equal seed and number.
  [[nodiscard]] NullMarket draw(std::uint64_t seed, std::uint64_t world) const;
  /// The distinct times at which bars close.
  [[nodiscard]] static std::vector<Nanos> dates(const Tape& tape);

  struct Data;  ///< hidden

 private:
  std::unique_ptr<const Data> data_;
};

}  // namespace walras::engine
