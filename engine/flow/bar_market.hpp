#pragma once
// A generated market of bars: several coupled instruments, each with a law of its own.
#include "engine/base/registry.hpp"
#include "engine/venue/venue.hpp"

namespace walras::engine {

/// Adds bars. Each instrument has a process; a dependence couples their shocks; the regime scales
/// volatility and volume and adds drift for all. A step of the process is a bar: its change and the
/// variance known before it give open, high and low (a night's share of the change for daily bars,
/// then a Brownian bridge), volume follows volatility. While the regime halts the market, time goes
/// on and bars are missing. Daily bars lie on weekdays from 1970-01-01, minute bars between 9:30
/// and 16:00 of such days.
void add_bar_market(Registry<Generator, const GeneratorContext&>& registry);

}  // namespace walras::engine
