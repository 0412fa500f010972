#include "strategies/router.hpp"
#include "strategies/rules/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <map>

namespace walras::strategies {

enum class TwapSide : std::uint8_t { Buy, Sell };

}  // namespace walras::strategies

namespace walras {

template <>
struct EnumNames<strategies::TwapSide> {
  static constexpr std::array<std::pair<strategies::TwapSide, std::string_view>, 2> names{
      {{strategies::TwapSide::Buy, "buy"}, {strategies::TwapSide::Sell, "sell"}}};
};

}  // namespace walras

namespace walras::strategies {
namespace {

using engine::Event;
using engine::InstrumentId;
using engine::Orders;

/// Works one parent order off in equal parts at equal intervals, from the first slice that may
/// trade; at one venue by market orders, at several through a router.
class Twap final : public StatefulStrategy<Twap> {
 public:
  struct Params {
    std::string instrument;
    TwapSide side = TwapSide::Buy;
    double quantity = 0, exposure = 0.99;
    double start_s = 0, duration_s = 3600;
    std::int64_t parts = 12;
    std::map<std::string, double> taker_bps;
    static void fields(auto&& field) {
      field("instrument", &Params::instrument, {.doc = "what is traded; empty: the first by name; X where the market lists X@A, X@B: at all of these, the cheapest "
                    "shown quantity first, by immediate-or-cancel orders"});
      field("side", &Params::side, {.doc = "of the parent order"});
      field("quantity", &Params::quantity,
            {.unit = "shares, coins or contracts",
             .min = 0,
             .max = 1e12,
             .doc = "of the parent order; 0: what exposure x equity buys at the start"});
      field("exposure", &Params::exposure,
            {.unit = "x equity",
             .min = 0,
             .max = 100,
             .doc = "size of the parent order where quantity is 0"});
      field("start_s", &Params::start_s,
            {.unit = "s",
             .min = 0,
             .max = 1e9,
             .doc = "from the first slice that may trade to the first part"});
      field(
          "duration_s", &Params::duration_s,
          {.unit = "s", .min = 0, .max = 1e9, .doc = "from the first part to the end of the last"});
      field("parts", &Params::parts, {.min = 1, .max = 1e6, .doc = "number of parts"});
      field("taker_bps", &Params::taker_bps,
            {.unit = "bp", .min = -1000, .max = 1000, .doc = "several venues: fees to reckon with, by venue (the part of the name after @)"});
    }
  };

  Twap(Params params, const StrategyContext& context) : params_(std::move(params)) {
    const auto& all = context.instruments;
    if (params_.instrument.empty() && !all.empty()) params_.instrument = all.front().name;
    const auto found = std::ranges::find(all, params_.instrument, &engine::Instrument::name);
    if (found == all.end()) {
      router_.emplace(params_.instrument, all, params_.taker_bps);
      instrument_ = router_->listings().front().instrument;
      return;
    }
    if (!params_.taker_bps.empty()) {
      fail(Fault::Scenario, "taker_bps",
           fmt::format("expected none where {} trades at one venue, was given some; remove it", params_.instrument));
    }
    instrument_ = static_cast<InstrumentId>(found - all.begin());
  }

  void on_start(Orders&) override {
    total_ = sent_ = done_ = 0;
    running_ = false;
  }
  void on_slice(Nanos now, Orders& orders) override {
    if (running_ || orders.warming_up() || orders.mark(instrument_).value == 0) return;
    running_ = true;
    total_ = parent_lots(orders);
    orders.set_timer(now + Nanos{std::llround(params_.start_s * 1e9)}, 0);
  }
  void on_timer(Nanos now, std::uint64_t, Orders& orders) override {
    ++done_;
    // Cumulated parts are rounded, so that they add up to the whole and differ by one lot at most.
    const auto due = static_cast<std::int64_t>(static_cast<Wide>(total_) * done_ / params_.parts);
    if (router_ && due > sent_) {
      router_->send(orders, side(), {due - sent_});  // what does not fill stays due with the next part
    } else if (due > sent_) {
      engine::OrderRequest request;
      request.instrument = instrument_;
      request.side = side();
      request.quantity = {due - sent_};
      // What is refused stays due with the next part.
      if (orders.submit(request) != 0) sent_ = due;
    }
    if (done_ < params_.parts) {
      orders.set_timer(
          now + Nanos{std::llround(params_.duration_s * 1e9 / static_cast<double>(params_.parts))},
          0);
    }
  }
  void on_fill(const engine::Fill& fill, Orders&) override {
    if (router_ && fill.side == side() && router_->lists(fill.instrument)) sent_ += fill.quantity.value;
  }

  void state(Archive& archive) { archive(total_, sent_, done_, running_); }

 private:
  __extension__ typedef __int128 Wide;
  [[nodiscard]] engine::Side side() const { return params_.side == TwapSide::Buy ? engine::Side::Buy : engine::Side::Sell; }

  [[nodiscard]] std::int64_t parent_lots(const Orders& orders) const {
    const engine::Instrument& instrument = orders.instruments()[instrument_];
    if (params_.quantity > 0) return instrument.lots(params_.quantity).value;
    const double lot_value = std::abs(static_cast<double>(orders.mark(instrument_).value)) *
                             instrument.tick_value().units() * orders.exchange_rate(instrument_);
    return static_cast<std::int64_t>(
        std::min(9e18, std::max(0.0, params_.exposure * orders.equity().units() / lot_value)));
  }

  Params params_;
  InstrumentId instrument_ = 0;
  std::optional<Router> router_;  // several venues: sent_ counts fills
  std::int64_t total_ = 0, sent_ = 0, done_ = 0;  // lots, lots, parts
  bool running_ = false;
};

}  // namespace

void add_execution_rules(StrategyRegistry& registry) {
  registry.add<Twap>(
      "twap",
      "Works one large order off in equal parts at equal intervals (time-weighted average price).");
}

}  // namespace walras::strategies
