#pragma once
// The quotes of Avellaneda and Stoikov as a function, for the market_maker rule and for whoever
// checks it.
namespace walras::strategies {

/// Parameters of AvellanedaStoikov2008. Units: price in currency, time in seconds, inventory in
/// shares.
struct AvellanedaStoikov {
  double risk_aversion = 0.1;  ///< gamma, 1/currency; > 0
  double volatility = 2;       ///< sigma, currency/sqrt(s); >= 0
  double decay = 1.5;          ///< k, 1/currency: arrivals fall as exp(-k x distance); > 0
};

/// Bid and ask before rounding to ticks.
struct Quotes {
  double reservation, spread;  ///< spread: ask - bid
  double bid, ask;
};

/// Quotes around the reservation price r = s - q gamma sigma^2 (T - t), eq. 29, with the total
/// spread gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / k), eq. 30. `symmetric` puts the same
/// spread around the mid. Range: left_s = T - t >= 0. Source: AvellanedaStoikov2008.
[[nodiscard]] Quotes avellaneda_stoikov(const AvellanedaStoikov& params, double mid,
                                        double inventory, double left_s, bool symmetric = false);

}  // namespace walras::strategies
