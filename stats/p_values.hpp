#pragma once
// Many p-values at once, adjusted for their number: against a single false rejection, against a share of false ones, and
// what the whole of them says of each. From p-values alone; multiple_testing.hpp has what the returns know better.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace walras::stats {

enum class Adjustment : std::uint8_t {
  Bonferroni,
  Sidak,
  Holm,
  HolmSidak,
  Hochberg,
  Hommel,  // against a single false rejection
  BenjaminiHochberg,
  BenjaminiYekutieli,        // against a share of false rejections
  GavrilovBenjaminiSarkar    // the same, an adaptive step-down for independent tests
};
/// Adjusted p-values, in the order given. Range: p in [0, 1]; result in [0, 1], monotone in p.
/// Throws Error{Numeric} for a p-value outside [0, 1]. Source: Holm1979, Hochberg1988, Hommel1988,
/// BenjaminiHochberg1995, BenjaminiYekutieli2001, GavrilovBenjaminiSarkar2009.
[[nodiscard]] std::vector<double> adjust(std::span<const double> p, Adjustment adjustment);

/// Which first stage tells how many nulls are true.
enum class TwoStage : std::uint8_t {
  BenjaminiKriegerYekutieli,  ///< at level/(1 + level): the share of false rejections is proven for independent tests
  BenjaminiHochberg           ///< at the level itself: sharper, proven by simulation only
};
/// Benjamini-Hochberg again, with the first stage's count of true nulls in place of all.
struct TwoStageResult {
  std::vector<double> adjusted;   ///< in the order given; compare with the level that was asked for, and no other
  double true_nulls = 0;          ///< as the first stage counts them
  double first_level = 0;         ///< Benjamini-Hochberg levels of the two stages
  double second_level = 0;        ///< equal to the first where it rejects none, or all
};
/// Range: level in (0, 1); else as adjust(). Source: BenjaminiKriegerYekutieli2006.
[[nodiscard]] TwoStageResult adjust_in_two_stages(std::span<const double> p, TwoStage stage, double level = 0.05);

/// q-values: the share of false rejections when everything up to this p-value is rejected.
struct QValues {
  double true_share = 1;          ///< estimated share of true nulls, in (0, 1]
  double lambda = 0;              ///< p-values above it told the share
  std::vector<double> q;          ///< in the order given; in [0, 1], monotone in p
};
/// `lambda`: absent: of 0.05, 0.10, ... 0.95 the one of least estimated mean squared error. Range: lambda in [0, 1).
/// With fewer than 20 p-values there is too little to tell the share by, and it is 1. Throws as adjust().
/// Source: Storey2002; StoreyTaylorSiegmund2004, section 6, for lambda.
[[nodiscard]] QValues storey_q_values(std::span<const double> p, std::optional<double> lambda = std::nullopt);

/// How local_fdr() models the density of the z-scores.
struct LocalFdrOptions {
  double true_share = 1;          ///< of true nulls, in (0, 1]
  std::size_t degree = 7;         ///< of the log density's polynomial; 1 .. 15
  std::size_t edges = 30;         ///< of the histogram, smallest to largest z; more than degree + 1
};
/// Probability that each z-score is of a true null, N(0, 1) under it: true_share times its density over that of all,
/// a Poisson regression of the histogram. Range: result in [0, 1]. Throws Error{Numeric} with fewer than 20 scores, for
/// scores that are not finite or all equal, and where the regression finds no density. Source: Efron2004, section 3.
[[nodiscard]] std::vector<double> local_fdr(std::span<const double> z, const LocalFdrOptions& options = {});

}  // namespace walras::stats
