// Lock-step with a program outside: a bar, a turn and its done, over a TCP connection on this machine. The peer is a
// thread, so that the figure is that of the gateway and the operating system.
#include "scenarios/bench/bench.hpp"

#include "engine/base/error.hpp"
#include "engine/catalog.hpp"
#include "engine/link/peers.hpp"
#include "engine/link/protocol.hpp"
#include "engine/sim/simulation.hpp"
#include "strategies/catalog.hpp"

#include <future>
#include <memory>
#include <thread>

namespace walras::scenarios {
namespace {

using namespace engine;

constexpr std::int64_t kTurns = 20'000;

std::shared_ptr<const Tape> bars() {
  Tape tape;
  Instrument instrument;
  instrument.name = "FLAT";
  tape.instruments.push_back(instrument);
  for (std::int64_t i = 0; i < kTurns; ++i) {
    Bar bar;
    bar.open_time = {i * 60 * kNanosPerSecond};
    bar.close_time = {(i + 1) * 60 * kNanosPerSecond};
    bar.open = bar.high = bar.low = bar.close = {10'000};
    bar.volume = {1000};
    tape.append(0, bar);
  }
  return finish_tape(std::move(tape));
}

/// Reads everything, says done to every turn, until the gateway closes.
void agree(const std::string& address, protocol::Wire wire) {
  try {
    const auto line = Connection::to(address);
    protocol::Framer framer(wire, std::size_t{1} << 20);
    std::string inbox;
    while (true) {
      line->exchange(inbox, Deadline::in(30));
      framer.add(inbox);
      inbox.clear();
      while (const auto bytes = framer.next()) {
        const protocol::ToPeer message = protocol::decode_to_peer(*bytes, wire);
        std::int64_t turn = 0;
        if (const auto* hello = std::get_if<protocol::Hello>(&message)) {
          turn = hello->turn;
          protocol::Subscribe subscribe;
          subscribe.protocol = protocol::kVersion;
          protocol::encode(subscribe, wire, line->outbox());
        } else if (const auto* given = std::get_if<protocol::Turn>(&message)) {
          turn = given->turn;
        } else if (const auto* goodbye = std::get_if<protocol::Goodbye>(&message)) {
          turn = goodbye->turn;
        }
        if (turn == 0) continue;
        protocol::encode(protocol::Done{turn}, wire, line->outbox());
        line->send();
      }
    }
  } catch (const Error&) {
    // Closed: the simulation has ended.
  }
}

std::vector<BenchCase> prepare(const std::string& encoding, protocol::Wire wire) {
  const auto plan = build_market(Json::object(), Json::object(), bars(), engine_catalog());
  return {{"one instrument", [plan, encoding, wire] {
             std::promise<std::string> address;
             auto registries = std::make_unique<const strategies::Registries>(strategies::registries());
             strategies::StrategyContext context{plan->instruments(), plan->periods_per_year(), Rng(1, "gateway"), registries.get()};
             // "waiting for a program at ADDRESS"
             context.notice = [&](const std::string& text) { address.set_value(text.substr(text.rfind(' ') + 1)); };
             auto strategy = registries->strategies.build(Json::object({{"kind", "gateway"}, {"protocol", encoding}}), "/strategy", context);
             std::thread peer([&] { agree(address.get_future().get(), wire); });
             const double taken = seconds([&] {
               AccountTerms terms;
               terms.capital = Money::from_units(1e6);
               Simulation simulation(plan, plan->whole(), 1);
               simulation.add(*strategy, "gateway", terms);
               simulation.run();
             });
             const std::string problem = strategy->cut_off();
             strategy.reset();
             registries.reset();  // and with it the listener: the peer ends
             peer.join();
             if (!problem.empty()) fail(Fault::Internal, "gateway", problem);
             return static_cast<double>(kTurns) / taken;
           }}};
}

}  // namespace

void add_gateway_benchmarks(Benchmarks& benchmarks) {
  const std::string work = "20,000 turns of a program outside in lock-step, over TCP on this machine: a bar and a turn there, a done back; ";
  benchmarks.push_back({"gateway_json", work + "lines of JSON", "turns/s", true, 0, [] { return prepare("json", protocol::Wire::Json); }, 3});
  benchmarks.push_back({"gateway_binary", work + "binary", "turns/s", true, 0, [] { return prepare("binary", protocol::Wire::Binary); }, 3});
}

}  // namespace walras::scenarios
