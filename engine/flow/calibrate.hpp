#pragma once
// From what was seen of a market to the flow that would make one like it, and how far apart two
// markets are.
#include "engine/base/json.hpp"
#include "engine/flow/observe.hpp"

#include <string>
#include <vector>

namespace walras::engine {

/// One fitted number.
struct FittedParameter {
  std::string name, unit;
  double value, error;   ///< error: standard error
  std::uint64_t events;  ///< it rests on
};

struct Calibration {
  Json generator;  ///< section "generator" of a scenario, ready to use
  std::vector<FittedParameter> parameters;
};

/// Fits a kind of flow: zero_intelligence (Poisson rates), hawkes (maximum likelihood),
/// queue_reactive (rates by queue length, from the times at which the spread is one tick, and two
/// for the empty queue). Throws Error{Usage} for another kind, Error{Data} for too few events or a
/// market that the model does not know.
Calibration calibrate(const MarketView& view, const std::string& kind);

/// Largest distance between two empirical distributions. Range: [0, 1]; 1 where one is empty.
double distribution_distance(std::vector<double> a, std::vector<double> b);

/// What the facts of markets are computed from.
struct MarketSamples {
  std::vector<double> spreads;    ///< ticks, each second
  std::vector<double> best_lots;  ///< at the best prices, each second
  std::vector<double> waits_s;    ///< between market orders
  std::vector<double> moves;      ///< of the mid over 10 s, ticks
  std::vector<double> sizes;      ///< of market orders, lots
  std::vector<double> profile;    ///< mean lots by price step from the best
  std::vector<double> signs;      ///< autocorrelation of the signs of market orders, lags 1 to 50
  std::vector<double> squares;    ///< autocorrelation of |moves|, lags 1 to 30
  std::vector<double> returns;    ///< autocorrelation of moves, lags 1 to 30
  std::vector<double> impact;  ///< mean move of the mid in the direction of a market order, ticks,
                               ///< after 1, 2, 4 ... 128 further ones
  double kurtosis = 0;         ///< excess, of moves
};
MarketSamples sample(const MarketView& view);

struct MarketDistance {
  std::string measure, method;
  double model, halves;  ///< of the model to the day; between the halves of the day
};
/// How far a model's market is from a day, measure by measure, beside how far the day's halves are
/// from each other.
std::vector<MarketDistance> distances(const MarketView& day, const MarketView& model);

}  // namespace walras::engine
