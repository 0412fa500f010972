#include "engine/venue/frictions.hpp"

#include "engine/base/registry.hpp"

#include <cmath>
#include <map>

namespace walras::engine {
namespace {

constexpr std::int64_t kRateUnit = 1'000'000'000'000;  // rates are integers of 1e-12

std::int64_t rate_of_bps(double bps) { return std::llround(bps * 1e8); }

/// amount x rate, rounded half away from zero to 1e-12. Split, so that no product leaves 128 bits.
Money proportion(Money amount, std::int64_t rate) noexcept {
  const Money::Integer whole = amount.value / kRateUnit;
  const Money::Integer rest = (amount.value % kRateUnit) * rate;
  const Money::Integer half = rest < 0 ? -kRateUnit / 2 : kRateUnit / 2;
  return {whole * rate + (rest + half) / kRateUnit};
}

/// |price| x quantity in money.
Money notional(Money tick_value, Ticks price, Lots quantity) noexcept {
  return tick_value * (price.value < 0 ? -price.value : price.value) * quantity.value;
}

class NoFee final : public FeeModel {
 public:
  struct Params {
    static void fields(auto&&) {}
  };
  NoFee(Params, const Instrument&) {}
  Money fee(Side, Ticks, Lots, bool) const noexcept override { return {}; }
};

class PerShare final : public FeeModel {
 public:
  struct Params {
    double amount = 0.001;
    static void fields(auto&& field) {
      field("amount", &Params::amount,
            {.unit = "currency/share",
             .min = 0,
             .max = 1e6,
             .doc = "charged on each share, coin or contract that trades"});
    }
  };
  PerShare(Params params, const Instrument& instrument)
      : per_lot_(Money::from_units(params.amount * instrument.lot_size)) {}
  Money fee(Side, Ticks, Lots quantity, bool) const noexcept override {
    return per_lot_ * quantity.value;
  }

 private:
  Money per_lot_;
};

class BasisPointFee final : public FeeModel {
 public:
  struct Params {
    double bps = 1;
    static void fields(auto&& field) {
      field("bps", &Params::bps,
            {.unit = "bp", .min = 0, .max = 10'000, .doc = "of the value that trades"});
    }
  };
  BasisPointFee(Params params, const Instrument& instrument)
      : rate_(rate_of_bps(params.bps)), tick_value_(instrument.tick_value()) {}
  Money fee(Side, Ticks price, Lots quantity, bool) const noexcept override {
    return proportion(notional(tick_value_, price, quantity), rate_);
  }

 private:
  std::int64_t rate_;
  Money tick_value_;
};

class MakerTaker final : public FeeModel {
 public:
  struct Params {
    double maker_bps = -0.2;
    double taker_bps = 0.3;
    static void fields(auto&& field) {
      field("maker_bps", &Params::maker_bps,
            {.unit = "bp",
             .min = -100,
             .max = 10'000,
             .doc = "of the value filled while resting; negative is a rebate"});
      field("taker_bps", &Params::taker_bps,
            {.unit = "bp",
             .min = -100,
             .max = 10'000,
             .doc = "of the value filled on arrival; negative is a rebate"});
    }
  };
  MakerTaker(Params params, const Instrument& instrument)
      : maker_(rate_of_bps(params.maker_bps)),
        taker_(rate_of_bps(params.taker_bps)),
        tick_value_(instrument.tick_value()) {}
  Money fee(Side, Ticks price, Lots quantity, bool maker) const noexcept override {
    return proportion(notional(tick_value_, price, quantity), maker ? maker_ : taker_);
  }

 private:
  std::int64_t maker_, taker_;
  Money tick_value_;
};

void add_simple_fee_models(Registry<FeeModel, const Instrument&>& registry) {
  registry.add<NoFee>("none", "no fee");
  registry.add<PerShare>("per_share", "an amount for each share, coin or contract");
  registry.add<BasisPointFee>("basis_points", "a share of the value that trades");
  registry.add<MakerTaker>("maker_taker",
                           "shares of the value that trades, by whether the order rested");
}

class Composite final : public FeeModel {
 public:
  struct Params {
    std::vector<Json> parts;
    static void fields(auto&& field) {
      field("parts", &Params::parts,
            {.required = true, .doc = "fee models whose fees are added up", .component = "fees"});
    }
  };
  Composite(const Params& params, const Instrument& instrument) {
    Registry<FeeModel, const Instrument&> registry("fees");
    add_simple_fee_models(registry);
    for (const Json& part : params.parts)
      parts_.push_back(registry.build(part, "/venue/fees/parts", instrument));
  }
  Money fee(Side side, Ticks price, Lots quantity, bool maker) const noexcept override {
    Money sum;
    for (const auto& part : parts_) sum += part->fee(side, price, quantity, maker);
    return sum;
  }

 private:
  std::vector<std::unique_ptr<FeeModel>> parts_;
};

class ByInstrument final : public FeeModel {
 public:
  struct Params {
    std::map<std::string, Json> fees;
    Json other = Json("none");
    static void fields(auto&& field) {
      field("fees", &Params::fees, {.required = true, .doc = "by instrument, or by venue where instruments are called X@VENUE", .component = "fees"});
      field("other", &Params::other, {.doc = "of the rest", .component = "fees"});
    }
  };
  ByInstrument(const Params& params, const Instrument& instrument) {
    Registry<FeeModel, const Instrument&> registry("fees");
    add_simple_fee_models(registry);
    registry.add<Composite>("composite", "");
    auto found = params.fees.find(instrument.name);
    const std::size_t at = instrument.name.rfind('@');
    if (found == params.fees.end() && at != std::string::npos) found = params.fees.find(instrument.name.substr(at + 1));
    own_ = found == params.fees.end() ? registry.build(params.other, "/venue/fees/other", instrument)
                                      : registry.build(found->second, "/venue/fees/fees/" + escape_pointer(found->first), instrument);
  }
  Money fee(Side side, Ticks price, Lots quantity, bool maker) const noexcept override { return own_->fee(side, price, quantity, maker); }

 private:
  std::unique_ptr<FeeModel> own_;
};

class NoSlippage final : public SlippageModel {
 public:
  struct Params {
    static void fields(auto&&) {}
  };
  NoSlippage(Params, const Instrument&) {}
  double ticks(const BarTrade&) const noexcept override { return 0; }
};

class BasisPointSlippage final : public SlippageModel {
 public:
  struct Params {
    double bps = 1;
    static void fields(auto&& field) {
      field("bps", &Params::bps, {.unit = "bp", .min = 0, .max = 10'000, .doc = "of the price"});
    }
  };
  BasisPointSlippage(Params params, const Instrument&) : share_(params.bps * 1e-4) {}
  double ticks(const BarTrade& trade) const noexcept override {
    return std::abs(static_cast<double>(trade.price.value)) * share_;
  }

 private:
  double share_;
};

class SpreadSlippage final : public SlippageModel {
 public:
  struct Params {
    double spread_bps = 2;
    double share = 0.5;
    static void fields(auto&& field) {
      field("spread_bps", &Params::spread_bps,
            {.unit = "bp", .min = 0, .max = 10'000, .doc = "quoted spread assumed, of the price"});
      field("share", &Params::share,
            {.min = 0, .max = 10, .doc = "how much of the spread a trade pays; 0.5 = half of it"});
    }
  };
  SpreadSlippage(Params params, const Instrument&)
      : share_(params.spread_bps * 1e-4 * params.share) {}
  double ticks(const BarTrade& trade) const noexcept override {
    return std::abs(static_cast<double>(trade.price.value)) * share_;
  }

 private:
  double share_;
};

/// price x impact x (quantity / bar volume)^2.
class VolumeShareSlippage final : public SlippageModel {
 public:
  struct Params {
    double impact = 0.1;
    static void fields(auto&& field) {
      field("impact", &Params::impact,
            {.min = 0,
             .max = 100,
             .doc = "price moves by impact x (share of the bar's volume)^2; the share is capped by "
                    "/venue/volume_share"});
    }
  };
  VolumeShareSlippage(Params params, const Instrument&) : impact_(params.impact) {}
  double ticks(const BarTrade& trade) const noexcept override {
    if (trade.volume.value <= 0) return 0;
    const double share =
        static_cast<double>(trade.quantity.value) / static_cast<double>(trade.volume.value);
    return std::abs(static_cast<double>(trade.price.value)) * impact_ * share * share;
  }
  bool needs_volume() const noexcept override { return true; }

 private:
  double impact_;
};

/// price x Y x sigma x sqrt(Q / V), sigma and V of one bar.
class SquareRootSlippage final : public SlippageModel {
 public:
  struct Params {
    double factor = 1;
    static void fields(auto&& field) {
      field("factor", &Params::factor,
            {.min = 0,
             .max = 100,
             .doc = "Y in Y x sigma x sqrt(Q / V); sigma and V: volatility and mean volume of a "
                    "bar, exponentially weighted"});
    }
  };
  SquareRootSlippage(Params params, const Instrument&) : factor_(params.factor) {}
  double ticks(const BarTrade& trade) const noexcept override {
    if (!(trade.average_volume > 0)) return 0;
    return std::abs(static_cast<double>(trade.price.value)) * factor_ * trade.volatility *
           std::sqrt(static_cast<double>(trade.quantity.value) / trade.average_volume);
  }
  bool needs_volume() const noexcept override { return true; }
  bool needs_history() const noexcept override { return true; }

 private:
  double factor_;
};

/// price x Y x sigma x (Q / V)^exponent.
class PowerSlippage final : public SlippageModel {
 public:
  struct Params {
    double factor = 1;
    double exponent = 0.6;
    static void fields(auto&& field) {
      field("factor", &Params::factor, {.min = 0, .max = 100, .doc = "Y in Y x sigma x (Q / V)^exponent; sigma and V as for square_root"});
      field("exponent", &Params::exponent, {.min = 0.1, .max = 2, .doc = "concave below 1; 0.5 is square_root, 0.6 what Almgren and others found"});
    }
  };
  PowerSlippage(Params params, const Instrument&) : params_(params) {}
  double ticks(const BarTrade& trade) const noexcept override {
    if (!(trade.average_volume > 0)) return 0;
    return std::abs(static_cast<double>(trade.price.value)) * params_.factor * trade.volatility *
           std::pow(static_cast<double>(trade.quantity.value) / trade.average_volume, params_.exponent);
  }
  bool needs_volume() const noexcept override { return true; }
  bool needs_history() const noexcept override { return true; }

 private:
  Params params_;
};

/// Half a spread, temporary impact linear in the rate of trading, permanent impact linear in what has been traded.
class AlmgrenChriss final : public SlippageModel {
 public:
  struct Params {
    double half_spread = 0.0625;
    double temporary = 2.5e-6;
    double permanent = 2.5e-7;
    static void fields(auto&& field) {
      field("half_spread", &Params::half_spread, {.unit = "currency", .min = 0, .max = 1e9, .doc = "epsilon: paid on each unit"});
      field("temporary", &Params::temporary, {.unit = "currency per unit a bar", .min = 0, .max = 1e6, .doc = "eta: a trade of Q units in a bar pays eta x Q on each"});
      field("permanent", &Params::permanent, {.unit = "currency per unit", .min = 0, .max = 1e6, .doc = "gamma: Q units move the price by gamma x Q for good"});
    }
  };
  AlmgrenChriss(Params params, const Instrument& instrument) : params_(params), tick_(instrument.tick_size), lot_(instrument.lot_size) {}
  double ticks(const BarTrade& trade) const noexcept override {
    return (params_.half_spread + params_.temporary * static_cast<double>(trade.quantity.value) * lot_) / tick_;
  }
  double lasting(const BarTrade& trade) const noexcept override {
    return params_.permanent * static_cast<double>(trade.quantity.value) * lot_ / tick_;
  }
  bool has_memory() const noexcept override { return true; }

 private:
  Params params_;
  double tick_, lot_;
};

/// Every trade moves the price by a power of its share of volume, and the move dies away by a power of time.
class Propagator final : public SlippageModel {
 public:
  struct Params {
    double factor = 1;
    double exponent = 0.5;
    double decay = 0.25;
    double lag_bars = 1;
    static void fields(auto&& field) {
      field("factor", &Params::factor, {.min = 0, .max = 100, .doc = "Y in Y x sigma x (Q / V)^exponent; sigma and V as for square_root"});
      field("exponent", &Params::exponent, {.min = 0, .max = 2, .doc = "of the share of volume"});
      field("decay", &Params::decay, {.min = 0, .max = 2, .doc = "beta: t bars later (1 + t / lag)^-beta of it is left"});
      field("lag_bars", &Params::lag_bars, {.unit = "bars", .min = 1e-3, .max = 1e6, .doc = "lag: when the decay sets in"});
    }
  };
  Propagator(Params params, const Instrument&) : params_(params) {}
  /// A trade pays its own way up: half of its move on average.
  double ticks(const BarTrade& trade) const noexcept override { return lasting(trade) / 2; }
  double lasting(const BarTrade& trade) const noexcept override {
    if (!(trade.average_volume > 0)) return 0;
    return std::abs(static_cast<double>(trade.price.value)) * params_.factor * trade.volatility *
           std::pow(static_cast<double>(trade.quantity.value) / trade.average_volume, params_.exponent);
  }
  double left_after(double bars) const noexcept override { return std::pow(1 + bars / params_.lag_bars, -params_.decay); }
  bool has_memory() const noexcept override { return true; }
  bool needs_volume() const noexcept override { return true; }
  bool needs_history() const noexcept override { return true; }

 private:
  Params params_;
};

}  // namespace

void add_fee_models(Registry<FeeModel, const Instrument&>& registry) {
  add_simple_fee_models(registry);
  registry.add<Composite>("composite", "the sum of several");
  registry.add<ByInstrument>("by_instrument", "each instrument, or each venue, its own");
}

void add_slippage_models(Registry<SlippageModel, const Instrument&>& registry) {
  registry.add<NoSlippage>("none", "bars fill at the price of the rule");
  registry.add<BasisPointSlippage>("basis_points", "a share of the price");
  registry.add<SpreadSlippage>("spread", "a share of an assumed spread");
  registry.add<VolumeShareSlippage>("volume_share",
                                    "grows with the square of the share of the bar's volume");
  registry.add<SquareRootSlippage>(
      "square_root", "grows with volatility and the root of the share of usual volume");
  registry.add<PowerSlippage>("power", "grows with volatility and a power of the share of usual volume");
  registry.add<AlmgrenChriss>("almgren_chriss", "half a spread, temporary and permanent impact, both linear");
  registry.add<Propagator>("propagator", "every own trade moves the price, and the move dies away by a power of time");
}

}  // namespace walras::engine
