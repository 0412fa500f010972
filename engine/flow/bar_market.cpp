#include "engine/flow/bar_market.hpp"

#include "engine/base/error.hpp"
#include "engine/market/tape.hpp"
#include "engine/regime/dependence.hpp"
#include "engine/regime/process.hpp"
#include "engine/regime/regime.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walras::engine {
namespace {

constexpr std::int64_t kMinute = 60 * kNanosPerSecond;
constexpr std::int64_t kSessionOpen = (9 * 60 + 30) * kMinute;
constexpr std::int64_t kSessionMinutes = 390;

/// What an instrument has of its own.
struct OwnLaw {
  std::optional<double> start_price;
  Json process;
  static void fields(auto&& field) {
    field("start_price", &OwnLaw::start_price,
          {.unit = "currency", .min = 1e-9, .max = 1e9, .doc = "price before the first bar"});
    field("process", &OwnLaw::process,
          {.doc = "law of this instrument's price", .component = "process"});
  }
};

struct BarMarketParams {
  std::int64_t bars = 2520, minutes = 0;
  std::vector<std::string> names{"AAA"};
  Json process = Json("garch");
  Json dependence = Json("factor");
  std::map<std::string, OwnLaw> own;
  double start_price = 100, tick_size = 0.01;
  double night = 0.2;
  double volume = 1e6, volume_spread = 0.4, volume_elasticity = 1;
  static void fields(auto&& field) {
    using P = BarMarketParams;
    field("bars", &P::bars, {.min = 1, .max = 5'000'000, .doc = "bars of one path"});
    field("minutes", &P::minutes,
          {.unit = "min",
           .min = 0,
           .max = 390,
           .doc = "length of a bar, a divisor of 390; 0: a day"});
    field("names", &P::names, {.doc = "the instruments"});
    field("process", &P::process, {.doc = "law of prices", .component = "process"});
    field("dependence", &P::dependence,
          {.doc = "what couples the instruments", .component = "dependence"});
    field("own", &P::own, {.doc = "by instrument: what differs from the rest"});
    field("start_price", &P::start_price,
          {.unit = "currency", .min = 1e-9, .max = 1e9, .doc = "price before the first bar"});
    field("tick_size", &P::tick_size,
          {.unit = "currency", .min = 1e-9, .max = 1e3, .doc = "price step"});
    field("night", &P::night,
          {.min = 0,
           .max = 0.95,
           .doc = "share of a daily bar's variance that passes before its open"});
    field("volume", &P::volume,
          {.unit = "shares",
           .min = 1,
           .max = 1e12,
           .doc = "mean volume of a bar at typical volatility"});
    field("volume_spread", &P::volume_spread,
          {.min = 0, .max = 3, .doc = "standard deviation of the log volume"});
    field("volume_elasticity", &P::volume_elasticity,
          {.min = 0, .max = 3, .doc = "volume grows with volatility to this power"});
  }
};

/// When bar k opens and closes, and how much trading time has passed.
class Clock {
 public:
  explicit Clock(std::int64_t minutes)
      : minutes_(minutes), per_day_(minutes == 0 ? 1 : kSessionMinutes / minutes) {}
  [[nodiscard]] std::int64_t per_day() const { return per_day_; }
  [[nodiscard]] double seconds() const { return kTradingDay_s / static_cast<double>(per_day_); }
  [[nodiscard]] Nanos open(std::int64_t k) const {
    const std::int64_t day = weekday(k / per_day_) * kNanosPerDay;
    return {minutes_ == 0 ? day : day + kSessionOpen + k % per_day_ * minutes_ * kMinute};
  }
  [[nodiscard]] Nanos close(std::int64_t k) const {
    return open(k) + Nanos{(minutes_ == 0 ? kNanosPerDay : minutes_ * kMinute) - 1};
  }

 private:
  /// Days since 1970-01-01, a Thursday, of the k-th weekday.
  static std::int64_t weekday(std::int64_t k) { return (k + 3) / 5 * 7 + (k + 3) % 5 - 3; }
  std::int64_t minutes_, per_day_;
};

/// One instrument on its way.
struct Series {
  std::unique_ptr<Process> process;
  Rng inside;   // open, high, low
  Rng trading;  // volume
  double log_price;
};

class BarMarket final : public Generator {
 public:
  using Params = BarMarketParams;
  BarMarket(const Params& params, const GeneratorContext& context)
      : p_(params),
        clock_(params.minutes),
        regime_(context.regime),
        processes_(context.processes),
        dependences_(context.dependences) {
    expects(processes_ && dependences_, "the context brings its registries");
    std::sort(p_.names.begin(), p_.names.end());
    check(context);
    for (const std::string& name : p_.names) {
      Instrument instrument;
      instrument.name = name;
      instrument.tick_size = p_.tick_size;
      instrument.total_return = true;
      instrument.periods_per_year = static_cast<double>(252 * clock_.per_day());
      instruments_.push_back(std::move(instrument));
      static_cast<void>(instruments_.back().tick_value());
    }
    static_cast<void>(series(Rng(0, "check")));  // every law is refused now or never
    static_cast<void>(coupling(Rng(0, "check")));
  }

  const std::vector<Instrument>& instruments() const override { return instruments_; }
  Nanos duration() const override { return clock_.close(p_.bars - 1) + Nanos{1}; }
  Nanos sampling() const override { return {}; }  // at every close
  double seconds_per_year() const override { return kTradingYear_s; }
  const char* default_latency() const override { return "none"; }
  bool makes_bars() const override { return true; }
  std::unique_ptr<Venue> venue(Rng) const override {
    fail(Fault::Internal, "bars", "expected to be asked for bars, was asked for a venue");
  }
  void resolve(Json& json) const override {
    json["process"] = processes_->resolve(p_.process, "/market/generator/process");
    json["dependence"] = dependences_->resolve(p_.dependence, "/market/generator/dependence");
    for (const auto& [name, own] : p_.own) {
      if (!own.process.is_null())
        json["own"][name]["process"] =
            processes_->resolve(own.process, "/market/generator/own/" + name + "/process");
    }
  }

  std::shared_ptr<const Tape> bars(Rng random) const override {
    Tape tape;
    tape.instruments = instruments_;
    const std::size_t n = instruments_.size(), rows = n * static_cast<std::size_t>(p_.bars);
    tape.bars.reserve(rows);
    tape.events.reserve(rows);
    std::vector<Series> all = series(random);
    const std::unique_ptr<Dependence> coupled = coupling(random);
    const std::unique_ptr<Regime> regime = regime_ ? regime_(random.child("regime")) : nullptr;
    const Regime::State plain;
    std::vector<double> shocks(n);
    for (std::int64_t k = 0; k < p_.bars; ++k) {
      const Regime::State& state =
          regime ? regime->at({std::llround(static_cast<double>(k) * clock_.seconds() * 1e9)})
                 : plain;
      coupled->draw(shocks);
      for (std::size_t i = 0; i < n; ++i) {
        Process::Step step = all[i].process->step(shocks[i], state.volatility);
        step.change += state.drift * clock_.seconds();
        const Bar bar = draw_bar(all[i], step, state, k);
        if (!state.halted) tape.append(static_cast<InstrumentId>(i), bar);
      }
    }
    if (tape.events.empty())
      fail(Fault::Scenario, "/market/regime",
           "expected a bar in which the market trades, was halted throughout");
    return finish_tape(std::move(tape));
  }

 private:
  void check(const GeneratorContext& context) const {
    const std::string where = "/market/generator";
    if (context.duration_s > 0) {
      fail(Fault::Scenario, "/market/duration_s",
           "expected none for the bars generator, was given one: state bars");
    }
    if (p_.names.empty())
      fail(Fault::Scenario, "names", "expected at least one instrument, was none");
    for (std::size_t i = 0; i < p_.names.size(); ++i) {
      if (p_.names[i].empty()) fail(Fault::Scenario, "names", "expected names, was an empty one");
      if (i > 0 && p_.names[i] == p_.names[i - 1])
        fail(Fault::Scenario, "names",
             "expected each instrument once, was " + p_.names[i] + " twice");
    }
    if (p_.minutes != 0 && kSessionMinutes % p_.minutes != 0) {
      fail(Fault::Scenario, "minutes",
           "expected 0 or a divisor of 390, the minutes of a day's session, was " +
               std::to_string(p_.minutes));
    }
    for (const auto& [name, own] : p_.own) {
      if (!std::binary_search(p_.names.begin(), p_.names.end(), name)) {
        fail(Fault::Scenario, "own/" + name, "expected one of the names, was " + name);
      }
      check_price(own.start_price.value_or(p_.start_price), "own/" + name + "/start_price");
    }
    check_price(p_.start_price, "start_price");
  }
  void check_price(double price, const std::string& where) const {
    const double ticks = price / p_.tick_size;
    if (ticks < 1 || ticks > 1e12) {
      fail(Fault::Scenario, where,
           "expected between 1 and 1e12 ticks of tick_size, was " + std::to_string(ticks));
    }
  }

  std::vector<Series> series(Rng random) const {
    std::vector<Series> all;
    for (const std::string& name : p_.names) {
      const Rng own = random.child("instrument/" + name);
      const auto found = p_.own.find(name);
      const bool differs = found != p_.own.end() && !found->second.process.is_null();
      const ProcessContext context{own.child("process"), clock_.seconds() / kTradingYear_s,
                                   static_cast<std::size_t>(p_.bars)};
      const double start = found == p_.own.end()
                               ? p_.start_price
                               : found->second.start_price.value_or(p_.start_price);
      all.push_back({processes_->build(differs ? found->second.process : p_.process,
                                       differs ? "/market/generator/own/" + name + "/process"
                                               : "/market/generator/process",
                                       context),
                     own.child("inside"), own.child("trading"), std::log(start)});
    }
    return all;
  }
  std::unique_ptr<Dependence> coupling(Rng random) const {
    return dependences_->build(p_.dependence, "/market/generator/dependence",
                               DependenceContext{p_.names, random.child("dependence")});
  }

  /// Price in whole ticks, at least one; a price beyond 1e12 ticks stays there: a tape holds no
  /// infinity.
  std::int64_t ticks(double log_price) const {
    return static_cast<std::int64_t>(
        std::llround(std::clamp(std::exp(log_price) / p_.tick_size, 1.0, 1e12)));
  }

  Bar draw_bar(Series& series, const Process::Step& step, const Regime::State& state,
               std::int64_t k) const {
    const double night = p_.minutes == 0 ? p_.night : 0, from = series.log_price,
                 to = from + step.change;
    // Where a path of Brownian motion that is known at both ends was at the open.
    const double gap = night * step.change +
                       std::sqrt(night * (1 - night) * step.variance) * series.inside.normal();
    const double open = night > 0 ? from + gap : from, day = (1 - night) * step.variance,
                 move = to - open;
    const double reach_up =
        std::sqrt(move * move - 2 * day * std::log(series.inside.uniform_open()));
    const double reach_down =
        std::sqrt(move * move - 2 * day * std::log(series.inside.uniform_open()));
    series.log_price = to;
    Bar bar;
    bar.open_time = clock_.open(k);
    bar.close_time = clock_.close(k);
    bar.open = {ticks(open)};
    bar.close = {ticks(to)};
    bar.high = {std::max({bar.open.value, bar.close.value, ticks((open + to + reach_up) / 2)})};
    bar.low = {std::min({bar.open.value, bar.close.value, ticks((open + to - reach_down) / 2)})};
    const double typical = series.process->typical_variance();
    const double busy =
        typical > 0 ? std::pow(step.variance / typical, p_.volume_elasticity / 2) : 1;
    const double noise = std::exp(p_.volume_spread * series.trading.normal() -
                                  p_.volume_spread * p_.volume_spread / 2);
    bar.volume = {std::llround(std::clamp(p_.volume * state.activity * busy * noise, 1.0, 1e15))};
    return bar;
  }

  Params p_;
  Clock clock_;
  std::vector<Instrument> instruments_;
  std::function<std::unique_ptr<Regime>(Rng)> regime_;
  std::shared_ptr<const ProcessRegistry> processes_;
  std::shared_ptr<const DependenceRegistry> dependences_;
};

}  // namespace

void add_bar_market(Registry<Generator, const GeneratorContext&>& registry) {
  registry.add<BarMarket>(
      "bars",
      "Bars of several coupled instruments: GARCH, Heston, rough volatility, jumps, regimes.");
}

}  // namespace walras::engine
