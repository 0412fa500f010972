#pragma once
// The venue in which flows and participants meet. Hides the books and the values; knows nothing of
// what flows do.
#include "engine/flow/flow.hpp"
#include "engine/regime/dependence.hpp"
#include "engine/regime/process.hpp"
#include "engine/venue/venue.hpp"

#include <memory>
#include <vector>

namespace walras::engine {

struct CrowdMarket {
  std::vector<Instrument> instruments;
  std::vector<std::unique_ptr<Flow>> flows;      ///< by instrument
  std::vector<std::unique_ptr<Process>> values;  ///< by instrument
  std::unique_ptr<Dependence> coupling;
  std::unique_ptr<Regime> regime;  ///< null: constant
  double start_price = 100;
  Nanos value_step{kNanosPerSecond};
  std::size_t window = 1024;  ///< of each book, see OrderBook
};

std::unique_ptr<Venue> make_crowd_venue(CrowdMarket market);

}  // namespace walras::engine
