#pragma once
// The market as an environment: many simulations stepped together, one agent in each. An episode is
// a market's whole span; time left is part of the observation, so its end is a termination. Every
// episode is a market of a fresh seed. Torch-free.
#include <functional>
#include <memory>

#include "agents/environment.hpp"
#include "agents/trading_desk.hpp"
#include "engine/sim/simulation.hpp"

namespace walras::agents {

/// Makes a market that nobody trades in yet.
using MarketSource = std::function<std::unique_ptr<engine::Simulation>(std::uint64_t seed)>;

/// `environments` markets from `make`, with accounts on `terms`; episode seeds come from `random`.
/// Throws Error{Scenario} as TradingDesk does.
[[nodiscard]] std::unique_ptr<VectorEnvironment> trading_environment(
    std::size_t environments, MarketSource make, std::span<const engine::Instrument> instruments,
    const engine::AccountTerms& terms, const DeskParams& params, const Rng& random);

}  // namespace walras::agents
