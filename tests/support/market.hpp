#pragma once
// Tiny markets and traders for tests; only the fields a test cares about.
#include "engine/catalog.hpp"
#include "engine/market/tape.hpp"
#include "engine/sim/simulation.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace walras::tests {

using namespace walras::engine;

inline constexpr std::int64_t kPeriod = 60 * kNanosPerSecond;

/// Prices in ticks of 0.01, volume in shares. Bar k opens at k minutes and closes at k + 1.
struct TinyBar {
  std::int64_t open, high, low, close, volume = 0;
};

inline Instrument tiny_instrument(const std::string& name) {
  Instrument instrument;
  instrument.name = name;
  instrument.periods_per_year = 252 * 390;
  return instrument;
}

/// A message of a recorded book, known when it happens.
inline Event book_event(Nanos time, EventKind kind, Side side, std::int64_t price, std::int64_t lots, OrderId order = 0) {
  Event event;
  event.exchange_time = event.local_time = time;
  event.kind = kind;
  event.side = side;
  event.price = {price};
  event.quantity = {lots};
  event.order = order;
  return event;
}

inline void add_bars(Tape& tape, const Instrument& instrument, const std::vector<TinyBar>& bars,
                     std::int64_t period = kPeriod) {
  const auto id = static_cast<InstrumentId>(tape.instruments.size());
  tape.instruments.push_back(instrument);
  for (std::size_t k = 0; k < bars.size(); ++k) {
    const TinyBar& tiny = bars[k];
    const auto at = static_cast<std::int64_t>(k);
    Bar bar;
    bar.open_time = {at * period};
    bar.close_time = {(at + 1) * period};
    bar.open = {tiny.open};
    bar.high = {tiny.high};
    bar.low = {tiny.low};
    bar.close = {tiny.close};
    bar.volume = {tiny.volume};
    tape.append(id, bar);
  }
}

inline std::shared_ptr<const Tape> bar_tape(
    const std::map<std::string, std::vector<TinyBar>>& instruments) {
  Tape tape;
  for (const auto& [name, bars] : instruments) add_bars(tape, tiny_instrument(name), bars);
  return finish_tape(std::move(tape));
}

inline std::shared_ptr<const MarketPlan> bar_market(std::shared_ptr<const Tape> tape,
                                                    const std::string& venue = "{}") {
  const EngineCatalog catalog = engine_catalog();
  return build_market(Json::object(), Json::parse(venue), std::move(tape), catalog);
}

inline AccountTerms tiny_account(double capital = 1'000'000) {
  AccountTerms terms;
  terms.capital = Money::from_units(capital);
  return terms;
}

inline OrderRequest market_order(InstrumentId instrument, Side side, std::int64_t lots) {
  OrderRequest request;
  request.instrument = instrument;
  request.side = side;
  request.quantity = {lots};
  return request;
}

inline OrderRequest limit_order(InstrumentId instrument, Side side, std::int64_t price,
                                std::int64_t lots) {
  OrderRequest request = market_order(instrument, side, lots);
  request.type = OrderType::Limit;
  request.price = {price};
  return request;
}

/// A trader made of lambdas, which remembers what it was told.
class Probe final : public Participant {
 public:
  std::function<void(Orders&)> start, stop;
  std::function<void(const Event&, Orders&)> event;
  std::function<void(Nanos, Orders&)> slice;
  std::function<void(const Fill&, Orders&)> fill;
  std::function<void(Nanos, std::uint64_t, Orders&)> timer;

  std::vector<Event> events, answers;
  std::vector<Fill> fills;
  std::vector<Nanos> slices;

  void on_start(Orders& orders) override {
    if (start) start(orders);
  }
  void on_event(const Event& what, Orders& orders) override {
    (what.kind >= EventKind::Accepted ? answers : events).push_back(what);
    if (event) event(what, orders);
  }
  void on_slice(Nanos time, Orders& orders) override {
    slices.push_back(time);
    if (slice) slice(time, orders);
  }
  void on_fill(const Fill& what, Orders& orders) override {
    fills.push_back(what);
    if (fill) fill(what, orders);
  }
  void on_timer(Nanos time, std::uint64_t tag, Orders& orders) override {
    if (timer) timer(time, tag, orders);
  }
  void on_stop(Orders& orders) override {
    if (stop) stop(orders);
  }
};

/// Plays one probe over the whole market and returns its record.
inline RunRecord play(const std::shared_ptr<const MarketPlan>& plan, Probe& probe,
                      const AccountTerms& terms = tiny_account(), bool close_at_end = false) {
  Span span = plan->whole();
  span.close_at_end = close_at_end;
  Simulation simulation(plan, span, 1);
  const std::uint32_t number = simulation.add(probe, "probe", terms);
  simulation.run();
  return simulation.record(number);
}

/// Sends one order at the first slice.
inline Probe one_order(const OrderRequest& request) {
  Probe probe;
  probe.slice = [request, sent = false](Nanos, Orders& orders) mutable {
    if (!sent) orders.submit(request);
    sent = true;
  };
  return probe;
}

}  // namespace walras::tests
