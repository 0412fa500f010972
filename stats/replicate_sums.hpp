#pragma once
// Sums of many series over many replicates: the work under every bootstrap of means, variances and
// Sharpe ratios. One source, replicate_sums.cu, is compiled for the processor (Thrust over TBB) and,
// where nvcc is found, for CUDA. No multiplication is fused with an addition and every sum has one
// order, so that both give the same bits.
#include "stats/resample_kernel.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace walras::stats {

class RunningMoments;

/// Where sums over replicates are computed. The bits are the same.
enum class Device : std::uint8_t { Cpu, Cuda };

/// Blocks of several replicates, end to end.
struct Draws {
  std::vector<Block> blocks;
  std::vector<std::uint32_t> first{0};  ///< of each replicate's blocks; one more than replicates
  [[nodiscard]] std::size_t replicates() const { return first.size() - 1; }
  [[nodiscard]] std::span<const Block> of(std::size_t replicate) const {
    return std::span(blocks).subspan(first[replicate], first[replicate + 1] - first[replicate]);
  }
};

/// Series of equal length, laid out for the sums.
struct Panel {
  /// Range: at least one series. Shape: all of equal length.
  explicit Panel(std::span<const RunningMoments> moments);

  std::uint32_t periods;
  std::size_t series;
  std::vector<double> running;  ///< per series, {sum, square sum} before each observation: 2 (n + 1)
  std::vector<double> values;   ///< per series, {centred, its square}: 2 n
};

class ReplicateSums {
 public:
  virtual ~ReplicateSums() = default;
  /// From running sums: as many steps as blocks. Shape: out[k * replicates + b].
  virtual void totals(const Draws& draws, std::span<kernel::Totals> out) = 0;
  /// The same from counts of each observation: as many steps as observations, but short ones; faster
  /// where blocks are short, and equal up to rounding.
  virtual void counted_totals(const Draws& draws, std::span<kernel::Totals> out) = 0;
  virtual void products(const Draws& draws, std::span<kernel::Products> out) = 0;
};

/// Throws Error{Unavailable} where this build or this machine has no such device.
[[nodiscard]] std::unique_ptr<ReplicateSums> replicate_sums(const Panel& panel, Device device);
/// Throws as replicate_sums() does.
void check(Device device);

/// Whether counted_totals() is the faster for blocks of this mean length (measured: bootstrap_short).
[[nodiscard]] inline bool blocks_are_short(double mean_block) { return mean_block < 1.75; }

namespace cpu {
[[nodiscard]] std::unique_ptr<ReplicateSums> replicate_sums(const Panel& panel);
}
namespace cuda {
/// Empty where a device is present, else what is wrong.
[[nodiscard]] std::string_view obstacle();
[[nodiscard]] std::unique_ptr<ReplicateSums> replicate_sums(const Panel& panel);
}

}  // namespace walras::stats
