#include "engine/base/error.hpp"
#include "engine/catalog.hpp"
#include "engine/sim/market_params.hpp"
#include "engine/sim/simulation.hpp"
#include "engine/venue/order_desk.hpp"
#include "engine/venue/reacting_venue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace walras::engine {
namespace {

constexpr double kSecondsPerYear = 365.25 * 86'400;
constexpr double kTradingSecondsPerYear = 252 * 6.5 * 3600;

Nanos nanos(double seconds) { return {std::llround(seconds * 1e9)}; }

/// The venue's trading hours; null: it never closes.
std::shared_ptr<const TradingCalendar> calendar_of(const VenueParams& venue) {
  if (!venue.calendar) return nullptr;
  return std::make_shared<TradingCalendar>(TradingCalendar::named(*venue.calendar, "/venue/calendar"));
}

class Plan : public MarketPlan {
 public:
  [[nodiscard]] const std::vector<Instrument>& instruments() const override { return instruments_; }
  [[nodiscard]] const std::shared_ptr<const Tape>& tape() const override { return tape_; }
  [[nodiscard]] double periods_per_year() const override { return periods_per_year_; }
  [[nodiscard]] bool generated() const override { return tape_ == nullptr; }
  [[nodiscard]] const Json& resolved() const override { return resolved_; }
  [[nodiscard]] const TradingCalendar* calendar() const override { return calendar_.get(); }
  [[nodiscard]] Nanos sampling() const override { return sampling_; }
  [[nodiscard]] std::unique_ptr<LatencyModel> latency(Rng random) const override {
    return latencies_.build(latency_, "/venue/latency", random);
  }
  [[nodiscard]] const FeeModel& fees(InstrumentId instrument) const override {
    return *fees_[instrument];
  }

 protected:
  Plan(std::shared_ptr<const Tape> tape, std::vector<Instrument> instruments,
       const VenueParams& venue, const EngineCatalog& catalog, const char* default_latency)
      : tape_(std::move(tape)),
        instruments_(std::move(instruments)),
        calendar_(calendar_of(venue)),
        latencies_(catalog.latency),
        latency_(venue.latency.is_null() ? Json(default_latency) : venue.latency) {
    static_cast<void>(latencies_.build(latency_, "/venue/latency", Rng(0, "check")));
    for (const Instrument& instrument : instruments_)
      fees_.push_back(catalog.fees.build(venue.fees, "/venue/fees", instrument));
  }

  void resolve(MarketParams market, VenueParams venue, const EngineCatalog& catalog) {
    venue.latency = catalog.latency.resolve(latency_, "/venue/latency");
    venue.fees = catalog.fees.resolve(venue.fees, "/venue/fees");
    venue.slippage = catalog.slippage.resolve(venue.slippage, "/venue/slippage");
    resolved_ = Json::object({{"market", dump(market)}, {"venue", dump(venue)}});
  }

  /// The venue as participants meet it.
  [[nodiscard]] std::unique_ptr<Venue> with_desk(std::unique_ptr<Venue> venue) const {
    return make_order_desk(std::move(venue), instruments_.size(), calendar_);
  }

  std::shared_ptr<const Tape> tape_;
  std::vector<Instrument> instruments_;
  std::shared_ptr<const TradingCalendar> calendar_;
  Registry<LatencyModel, Rng> latencies_;
  Json latency_;
  std::vector<std::unique_ptr<FeeModel>> fees_;
  double periods_per_year_ = 0;
  Nanos sampling_;
  Json resolved_;
};

/// Recorded markets are matched already, and bars hold no orders.
void refuse_exchange(const VenueParams& venue) {
  if (venue.exchange) {
    fail(Fault::Scenario, "/venue/exchange",
         "expected none for bars and recorded data, was given one; remove it (only a generated book "
         "is matched here)");
  }
}

Span whole_of(const Tape& tape) {
  const Nanos first = tape.events.front().exchange_time;
  Nanos last = first;
  for (const Event& event : tape.events) last = std::max(last, event.local_time);
  return {first, first, last + Nanos{1}};
}

/// Changes positions and money, and no book.
bool of_accounts(EventKind kind) {
  return kind == EventKind::Dividend || kind == EventKind::Split || kind == EventKind::Funding;
}

void refuse_dividends(const Tape& tape) {
  for (const Event& event : tape.events) {
    if ((event.kind == EventKind::Dividend || event.kind == EventKind::Split) && tape.instruments[event.instrument].total_return) {
      fail(Fault::Data, tape.instruments[event.instrument].name,
           "expected no dividends or splits, found one: these prices are total returns and contain them "
           "already; leave them out "
           "or use unadjusted prices");
    }
  }
}

/// What plans of bars have in common, recorded or generated: how orders fill on a bar.
class BarPlan : public Plan {
 public:
  [[nodiscard]] bool replays_from_start() const override { return false; }
  [[nodiscard]] std::unique_ptr<Venue> venue(Rng, const Tape* path) const override {
    return with_desk(make_bar_venue(*path, rules_, calendar_));
  }

 protected:
  BarPlan(const MarketParams& market, const VenueParams& venue, std::shared_ptr<const Tape> tape,
          std::vector<Instrument> instruments, const EngineCatalog& catalog,
          const char* default_latency)
      : Plan(std::move(tape), std::move(instruments), venue, catalog, default_latency) {
    refuse_exchange(venue);
    if (market.mode == MarketMode::Reacting || market.refill_half_life_s) {
      fail(Fault::Scenario, "/market/mode",
           "expected replay, was reacting: bars hold no orders that could react; impact on bars is a slippage model");
    }
    if (venue.queue || venue.queue_power) {
      fail(Fault::Scenario, "/venue/queue",
           "expected no queue rule for bars, was given one; remove it (recorded order books have "
           "queues)");
    }
    if (market.sample_s) {
      fail(Fault::Scenario, "/market/sample_s",
           "expected no sampling for bars, was given one; remove it (bars are sampled at every "
           "close)");
    }
  }

  /// `has_volume`: by instrument, whether the volumes of its bars are known.
  void build_rules(VenueParams& venue, const std::vector<bool>& has_volume,
                   const EngineCatalog& catalog) {
    const bool fill_given = venue.fill_at.has_value();
    const bool share_given = venue.volume_share.has_value();
    for (std::size_t i = 0; i < instruments_.size(); ++i) {
      const Instrument& instrument = instruments_[i];
      slippage_.push_back(catalog.slippage.build(venue.slippage, "/venue/slippage", instrument));
      BarRules rules;
      rules.slippage = slippage_.back().get();
      rules.tick_value = instrument.tick_value();
      rules.negative_prices = instrument.negative_prices;
      rules.fill_at =
          venue.fill_at.value_or(instrument.close_only ? FillAt::NextClose : FillAt::NextOpen);
      rules.volume_share = has_volume[i] ? venue.volume_share.value_or(0.1) : 0;
      if (instrument.close_only && rules.fill_at == FillAt::NextOpen) {
        fail(Fault::Scenario, "/venue/fill_at",
             fmt::format(
                 "expected next_close or this_close, was next_open: only closes are known of {}",
                 instrument.name));
      }
      if (!has_volume[i] && share_given && *venue.volume_share > 0) {
        fail(Fault::Scenario, "/venue/volume_share",
             fmt::format("expected 0, was {}: volumes of {} are not known, so no share of them can "
                         "be capped",
                         *venue.volume_share, instrument.name));
      }
      if (!has_volume[i] && rules.slippage->needs_volume()) {
        fail(Fault::Scenario, "/venue/slippage",
             fmt::format("expected none, basis_points or spread, was a model that needs volumes: "
                         "volumes of {} are not known",
                         instrument.name));
      }
      rules_.push_back(rules);
    }
    // What the scenario left open is written down where it is the same for every instrument.
    const auto same = [&](auto of) {
      return std::all_of(rules_.begin(), rules_.end(),
                         [&](const BarRules& rules) { return of(rules) == of(rules_.front()); });
    };
    if (!fill_given && same([](const BarRules& rules) { return rules.fill_at; }))
      venue.fill_at = rules_.front().fill_at;
    if (!share_given && same([](const BarRules& rules) { return rules.volume_share; })) {
      venue.volume_share = rules_.front().volume_share;
    }
  }

 private:
  std::vector<std::unique_ptr<SlippageModel>> slippage_;
  std::vector<BarRules> rules_;
};

class RecordedBars final : public BarPlan {
 public:
  RecordedBars(MarketParams market, VenueParams venue, std::shared_ptr<const Tape> recorded,
               const EngineCatalog& catalog)
      : BarPlan(market, venue, recorded, recorded->instruments, catalog, "none"),
        span_(whole_of(*recorded)) {
    refuse_dividends(*tape_);
    std::vector<bool> has_volume(instruments_.size(), false);
    for (const Event& event : tape_->events) {
      if (event.kind == EventKind::Bar && tape_->bars[event.payload].volume.value > 0)
        has_volume[event.instrument] = true;
    }
    build_rules(venue, has_volume, catalog);
    periods_per_year_ = annual_periods();
    resolve(std::move(market), std::move(venue), catalog);
  }
  [[nodiscard]] Span whole() const override { return span_; }

 private:
  [[nodiscard]] double annual_periods() const {
    const double stated = instruments_.front().periods_per_year;
    const bool agreed = stated > 0 && std::all_of(instruments_.begin(), instruments_.end(),
                                                  [&](const Instrument& instrument) {
                                                    return instrument.periods_per_year == stated;
                                                  });
    if (agreed) return stated;
    std::size_t slices = 0;
    Nanos last{Nanos::min()};
    for (const Event& event : tape_->events) {
      if (event.local_time != last) ++slices;
      last = event.local_time;
    }
    const double years =
        static_cast<double>(span_.end.value - span_.begin.value) * 1e-9 / kSecondsPerYear;
    return slices > 1 ? static_cast<double>(slices - 1) / years : 252;
  }

  Span span_;
};

void refuse_bar_settings(const VenueParams& venue) {
  constexpr const char* kWhy =
      "expected nothing on an order book, was given a rule for bars; remove it (orders walk the "
      "book)";
  if (venue.fill_at) fail(Fault::Scenario, "/venue/fill_at", kWhy);
  if (venue.volume_share) fail(Fault::Scenario, "/venue/volume_share", kWhy);
  const bool none = venue.slippage.is_string() ? venue.slippage.as_string() == "none"
                                               : venue.slippage.find("kind") &&
                                                     *venue.slippage.find("kind") == Json("none");
  if (!none) fail(Fault::Scenario, "/venue/slippage", kWhy);
}

class BookPlan final : public Plan {
 public:
  BookPlan(MarketParams market, VenueParams venue, std::shared_ptr<const Tape> recorded,
           const EngineCatalog& catalog)
      : Plan(recorded, recorded->instruments, venue, catalog, "constant"),
        span_(whole_of(*recorded)),
        reacting_(market.mode == MarketMode::Reacting) {
    refuse_bar_settings(venue);
    refuse_exchange(venue);
    refuse_dividends(*tape_);
    if (reacting_) {
      if (venue.queue || venue.queue_power) {
        fail(Fault::Scenario, "/venue/queue",
             "expected no queue rule in mode reacting, was given one; remove it (own orders stand in the queues themselves)");
      }
      if (!market.refill_half_life_s) market.refill_half_life_s = 1;
      half_life_ = nanos(*market.refill_half_life_s);
    } else {
      if (market.refill_half_life_s) {
        fail(Fault::Scenario, "/market/refill_half_life_s",
             "expected none in mode replay, was given one; remove it or use mode reacting");
      }
      choose_queue(venue);
    }
    if (!market.sample_s) market.sample_s = 60;
    sampling_ = nanos(*market.sample_s);
    periods_per_year_ = kTradingSecondsPerYear / *market.sample_s;
    resolve(std::move(market), std::move(venue), catalog);
  }
  [[nodiscard]] Span whole() const override { return span_; }
  [[nodiscard]] bool replays_from_start() const override { return true; }
  [[nodiscard]] std::unique_ptr<Venue> venue(Rng, const Tape*) const override {
    if (reacting_) return with_desk(make_reacting_venue(*tape_, {half_life_}));
    return with_desk(make_replay_venue(*tape_, queue_));
  }

 private:
  void choose_queue(VenueParams& venue) {
    const bool named = std::any_of(tape_->events.begin(), tape_->events.end(), [](const Event& event) {
      return event.kind == EventKind::Add && event.order != 0;
    });
    if (venue.queue == QueueRule::Fifo && !named) {
      fail(Fault::Scenario, "/venue/queue",
           "expected risk_averse or a probability model, was fifo: this feed shows sums by price, not orders");
    }
    queue_.rule = venue.queue.value_or(named ? QueueRule::Fifo : QueueRule::RiskAverse);
    const bool powered = queue_.rule == QueueRule::Power1 || queue_.rule == QueueRule::Power2 || queue_.rule == QueueRule::Power3;
    if (venue.queue_power && !powered) {
      fail(Fault::Scenario, "/venue/queue_power", "expected none without power_1, power_2 or power_3, was given one; remove it");
    }
    queue_.power = venue.queue_power.value_or(3);
    venue.queue = queue_.rule;
    if (powered) venue.queue_power = queue_.power;
  }

  Span span_;
  QueueModel queue_;
  bool reacting_;
  Nanos half_life_{};
};

std::unique_ptr<Generator> make_generator(const MarketParams& market, const VenueParams& venue,
                                          const EngineCatalog& catalog) {
  if (market.generator.is_null()) {
    fail(Fault::Scenario, "/market/generator",
         "expected a generator for mode generated, found none; see `walras list generators`");
  }
  GeneratorContext context;
  context.duration_s = market.duration_s.value_or(0);
  context.exchange = exchange_rules(venue.exchange.value_or(ExchangeParams{}), calendar_of(venue), "/venue/exchange");
  context.processes = std::make_shared<const ProcessRegistry>(catalog.processes);
  context.dependences = std::make_shared<const DependenceRegistry>(catalog.dependences);
  context.flows = std::make_shared<const FlowRegistry>(catalog.flows);
  if (!market.regime.is_null()) {
    context.regime = [registry = catalog.regimes, json = market.regime](Rng random) {
      return registry.build(json, "/market/regime", random);
    };
    context.regime(Rng(0, "check"));
  }
  return catalog.generators.build(market.generator, "/market/generator", context);
}

/// Everything about the generator and the regime, defaults included, in place of what the scenario wrote.
void resolve_generated(MarketParams& market, const Generator& generator,
                       const EngineCatalog& catalog) {
  market.generator = catalog.generators.resolve(market.generator, "/market/generator");
  generator.resolve(market.generator);
  if (!market.regime.is_null())
    market.regime = catalog.regimes.resolve(market.regime, "/market/regime");
}

class GeneratedBars final : public BarPlan {
 public:
  GeneratedBars(std::unique_ptr<Generator> generator, MarketParams market, VenueParams venue,
                const EngineCatalog& catalog)
      : BarPlan(market, venue, nullptr, generator->instruments(), catalog,
                generator->default_latency()),
        generator_(std::move(generator)) {
    build_rules(venue, std::vector<bool>(instruments_.size(), true), catalog);
    resolve_generated(market, *generator_, catalog);
    periods_per_year_ = instruments_.front().periods_per_year;
    resolve(std::move(market), std::move(venue), catalog);
  }
  [[nodiscard]] Span whole() const override { return {{}, {}, generator_->duration()}; }
  [[nodiscard]] std::shared_ptr<const Tape> path(Rng random) const override {
    return generator_->bars(random);
  }

 private:
  std::unique_ptr<Generator> generator_;
};

class GeneratedPlan final : public Plan {
 public:
  GeneratedPlan(std::unique_ptr<Generator> generator, MarketParams market, VenueParams venue,
                const EngineCatalog& catalog)
      : Plan(nullptr, generator->instruments(), venue, catalog, generator->default_latency()),
        generator_(std::move(generator)) {
    refuse_bar_settings(venue);
    if (market.refill_half_life_s) {
      fail(Fault::Scenario, "/market/refill_half_life_s", "expected none in mode generated, was given one; remove it");
    }
    if (venue.queue || venue.queue_power) {
      fail(Fault::Scenario, "/venue/queue",
           "expected no queue rule, was given one; remove it (a generated book knows every place "
           "in the queue)");
    }
    resolve_generated(market, *generator_, catalog);
    market.duration_s = static_cast<double>(generator_->duration().value) / 1e9;
    sampling_ = market.sample_s ? nanos(*market.sample_s) : generator_->sampling();
    market.sample_s = static_cast<double>(sampling_.value) / 1e9;
    periods_per_year_ = generator_->seconds_per_year() / *market.sample_s;
    resolve(market, venue, catalog);
  }
  [[nodiscard]] Span whole() const override { return {{}, {}, generator_->duration()}; }
  [[nodiscard]] bool replays_from_start() const override { return false; }
  [[nodiscard]] std::unique_ptr<Venue> venue(Rng random, const Tape*) const override {
    return with_desk(generator_->venue(random));
  }

 private:
  std::unique_ptr<Generator> generator_;
};

}  // namespace

std::shared_ptr<const MarketPlan> build_market(const Json& market_json, const Json& venue_json,
                                               std::shared_ptr<const Tape> tape,
                                               const EngineCatalog& catalog) {
  auto market = load<MarketParams>(market_json, "/market");
  auto venue = load<VenueParams>(venue_json, "/venue");
  if (market.mode == MarketMode::Generated) {
    if (!market.source.is_null()) {
      fail(Fault::Scenario, "/market/source",
           "expected none in mode generated, was given one; remove it or use mode replay");
    }
    std::unique_ptr<Generator> generator = make_generator(market, venue, catalog);
    if (generator->makes_bars()) {
      return std::make_shared<GeneratedBars>(std::move(generator), std::move(market),
                                             std::move(venue), catalog);
    }
    return std::make_shared<GeneratedPlan>(std::move(generator), std::move(market),
                                           std::move(venue), catalog);
  }
  for (const auto& [key, given] : {std::pair{"generator", !market.generator.is_null()},
                                   {"regime", !market.regime.is_null()},
                                   {"duration_s", market.duration_s.has_value()}}) {
    if (given) {
      fail(Fault::Scenario, fmt::format("/market/{}", key),
           "expected none in mode replay, was given one; remove it or use mode generated");
    }
  }
  if (!tape || tape->events.empty()) {
    fail(Fault::Data, "/market/source",
         "expected recorded data, found no events; check the source and its dates");
  }
  const bool bars = std::any_of(tape->events.begin(), tape->events.end(),
                                [](const Event& event) { return event.kind == EventKind::Bar; });
  const bool book = std::any_of(tape->events.begin(), tape->events.end(), [](const Event& event) {
    return event.kind != EventKind::Bar && !of_accounts(event.kind);
  });
  if (bars && book) {
    fail(Fault::Data, "/market/source",
         "expected bars or an order book, found both in one market; choose one of the sources");
  }
  if (bars)
    return std::make_shared<RecordedBars>(std::move(market), std::move(venue), std::move(tape), catalog);
  return std::make_shared<BookPlan>(std::move(market), std::move(venue), std::move(tape), catalog);
}

}  // namespace walras::engine
