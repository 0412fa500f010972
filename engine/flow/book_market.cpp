#include "engine/flow/book_market.hpp"

#include "engine/base/error.hpp"
#include "engine/flow/crowd_venue.hpp"
#include "engine/regime/dependence.hpp"
#include "engine/regime/process.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace walras::engine {
namespace {

struct BookMarketParams {
  std::vector<std::string> names{"CROWD"};
  Json flow = Json("hawkes");
  Json value = Json("brownian");
  Json dependence = Json("independent");
  double start_price = 100, tick_size = 0.01, value_step_s = 1, sampling_s = 1;
  static void fields(auto&& field) {
    using P = BookMarketParams;
    field("names", &P::names, {.doc = "the instruments, a book each"});
    field("flow", &P::flow, {.doc = "who trades in the background", .component = "flow"});
    field("value", &P::value, {.doc = "law of the fundamental value", .component = "process"});
    field("dependence", &P::dependence,
          {.doc = "what couples the values", .component = "dependence"});
    field("start_price", &P::start_price,
          {.unit = "currency", .min = 1e-9, .max = 1e9, .doc = "value at the start"});
    field("tick_size", &P::tick_size,
          {.unit = "currency", .min = 1e-9, .max = 1e3, .doc = "price step"});
    field("value_step_s", &P::value_step_s,
          {.unit = "s", .min = 1e-3, .max = 1e6, .doc = "how often the value moves"});
    field("sampling_s", &P::sampling_s,
          {.unit = "s",
           .min = 1e-3,
           .max = 1e6,
           .doc = "spacing of equity samples when the scenario gives none"});
  }
};

class BookMarket final : public Generator {
 public:
  using Params = BookMarketParams;
  BookMarket(const Params& params, const GeneratorContext& context)
      : p_(params),
        regime_(context.regime),
        processes_(context.processes),
        dependences_(context.dependences),
        flows_(context.flows),
        duration_{std::llround((context.duration_s > 0 ? context.duration_s : 3600) * 1e9)} {
    expects(processes_ && dependences_ && flows_, "the context brings its registries");
    std::sort(p_.names.begin(), p_.names.end());
    if (p_.names.empty())
      fail(Fault::Scenario, "names", "expected at least one instrument, was none");
    for (std::size_t i = 0; i < p_.names.size(); ++i) {
      if (p_.names[i].empty() || (i > 0 && p_.names[i] == p_.names[i - 1])) {
        fail(Fault::Scenario, "names",
             "expected names of instruments, each once, was \"" + p_.names[i] + "\"");
      }
      Instrument instrument;
      instrument.name = p_.names[i];
      instrument.tick_size = p_.tick_size;
      static_cast<void>(instrument.tick_value());
      instruments_.push_back(std::move(instrument));
    }
    const double ticks = p_.start_price / p_.tick_size;
    if (ticks < 10 || ticks > 1e12) {
      fail(Fault::Scenario, "start_price",
           "expected between 10 and 1e12 ticks of tick_size, was " + std::to_string(ticks));
    }
    static_cast<void>(make(Rng(0, "check")));  // every part is refused now or never
  }
  const std::vector<Instrument>& instruments() const override { return instruments_; }
  Nanos duration() const override { return duration_; }
  Nanos sampling() const override { return {std::llround(p_.sampling_s * 1e9)}; }
  std::unique_ptr<Venue> venue(Rng random) const override { return make(random); }
  void resolve(Json& json) const override {
    json["flow"] = flows_->resolve(p_.flow, "/market/generator/flow");
    json["value"] = processes_->resolve(p_.value, "/market/generator/value");
    json["dependence"] = dependences_->resolve(p_.dependence, "/market/generator/dependence");
  }

 private:
  std::unique_ptr<Venue> make(Rng random) const {
    CrowdMarket market;
    market.instruments = instruments_;
    market.start_price = p_.start_price;
    market.value_step = {std::llround(p_.value_step_s * 1e9)};
    if (regime_) market.regime = regime_(random.child("regime"));
    const auto steps = static_cast<std::size_t>(duration_.value / market.value_step.value + 1);
    for (const std::string& name : p_.names) {
      const Rng own = random.child("instrument/" + name);
      market.flows.push_back(flows_->build(p_.flow, "/market/generator/flow",
                                           FlowContext{own.child("flow"), {}, duration_}));
      market.values.push_back(processes_->build(
          p_.value, "/market/generator/value",
          ProcessContext{own.child("value"), p_.value_step_s / kTradingYear_s, steps}));
    }
    market.coupling = dependences_->build(p_.dependence, "/market/generator/dependence",
                                          DependenceContext{p_.names, random.child("dependence")});
    return make_crowd_venue(std::move(market));
  }

  Params p_;
  std::vector<Instrument> instruments_;
  std::function<std::unique_ptr<Regime>(Rng)> regime_;
  std::shared_ptr<const ProcessRegistry> processes_;
  std::shared_ptr<const DependenceRegistry> dependences_;
  std::shared_ptr<const FlowRegistry> flows_;
  Nanos duration_;
};

}  // namespace

void add_book_market(Registry<Generator, const GeneratorContext&>& registry) {
  registry.add<BookMarket>("book",
                           "An order book in which a flow trades: Hawkes, queue-reactive, unit "
                           "queues, or a population of agents.");
}

}  // namespace walras::engine
