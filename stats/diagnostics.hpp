#pragma once
// Tests of what other figures assume: normal returns, no autocorrelation, a value at risk that is exceeded as often as
// it says. Each is Evidence with a p-value and its null; what cannot be tested says why.
#include "stats/evidence.hpp"
#include "stats/returns.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace walras::stats {

/// Normality from skewness and kurtosis; chi-square with 2 degrees, an approximation for large n.
/// Source: JarqueBera1980.
[[nodiscard]] Evidence jarque_bera(std::span<const double> x);
/// Autocorrelations 1 .. lags together; chi-square with `lags` degrees. Source: LjungBox1978.
[[nodiscard]] Evidence ljung_box(std::span<const double> x, std::size_t lags);
/// The same of the squared distances from the mean: whether volatility clusters. Source: McLeodLi1983.
[[nodiscard]] Evidence ljung_box_squares(std::span<const double> x, std::size_t lags);
/// Autocorrelation at one lag, with the two-sided p-value under white noise.
[[nodiscard]] Evidence autocorrelation_at(std::span<const double> x, std::size_t lag);
/// Exponent of long memory by rescaled ranges over blocks of 16 to n / 2, less what independent returns have there
/// (AnisLloyd1976) plus 0.5. 0.5: none; above: trends persist. Needs 100 observations.
[[nodiscard]] Evidence hurst(std::span<const double> x);

/// Whether a loss beyond the value at risk (a hit) comes as often as `tail` says: likelihood ratio, chi-square with 1
/// degree. Source: Kupiec1995.
[[nodiscard]] Evidence kupiec_test(std::span<const bool> hits, double tail);
/// Whether hits also come independently of the hit before: coverage and a first-order Markov chain together, chi-square
/// with 2 degrees. Source: Christoffersen1998, eq. 14.
[[nodiscard]] Evidence christoffersen_test(std::span<const bool> hits, double tail);

enum class VarMethod : std::uint8_t { Historical, Gaussian, CornishFisher };
/// For each period from number `window` on: whether the loss exceeds the value at risk that the `window` periods before
/// it foretold. Shape: n - window entries, none where the series is not longer than the window.
[[nodiscard]] std::vector<char> var_hits(std::span<const double> returns, std::size_t window, double tail,
                                         VarMethod method);

/// jarque_bera, ljung_box (6 lags), ljung_box_squares, autocorrelation_2 .. autocorrelation_6, hurst, kupiec and
/// christoffersen of a historical and a Gaussian value at risk over the last 250 periods (or a quarter of the record).
[[nodiscard]] std::vector<Evidence> diagnostics(std::span<const double> returns, double tail);

}  // namespace walras::stats
