#include "strategies/portfolio.hpp"
#include "strategies/rules/rules.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walras::strategies {
namespace {

using engine::Event;
using engine::EventKind;
using engine::InstrumentId;
using engine::Orders;

/// Ranks instruments by their return from `lookback` to `skip` bars ago and holds equal shares of
/// the best.
class Momentum final : public StatefulStrategy<Momentum> {
 public:
  struct Params {
    std::int64_t lookback = 252, skip = 21, rebalance_every = 21;
    double top = 0.2;
    bool shorting = false;
    Sizing sizing;
    static void fields(auto&& field) {
      field(
          "lookback", &Params::lookback,
          {.unit = "bars", .min = 1, .max = 100'000, .doc = "bars ago at which the return begins"});
      field("skip", &Params::skip,
            {.unit = "bars",
             .min = 0,
             .max = 100'000,
             .doc = "bars ago at which it ends; less than lookback"});
      field("rebalance_every", &Params::rebalance_every,
            {.unit = "bars", .min = 1, .max = 1e9, .doc = "bars between decisions"});
      field("top", &Params::top,
            {.unit = "fraction",
             .min = 0,
             .max = 1,
             .doc = "of the ranked instruments that is held; at least one"});
      field(
          "shorting", &Params::shorting,
          {.doc =
               "whether as many of the worst are sold short, with half of the exposure each side"});
      field("sizing", &Params::sizing, {.doc = "how much is held"});
    }
  };

  Momentum(Params params, const StrategyContext& context)
      : params_(params),
        depth_(static_cast<std::size_t>(params.lookback) + 1),
        last_(context.instruments.size()),
        history_(depth_ * context.instruments.size()),
        portfolio_(params.sizing, context.instruments, context.periods_per_year) {
    if (params.skip >= params.lookback) {
      fail(Fault::Scenario, "skip",
           fmt::format("expected skip < lookback, was {} and {}", params.skip, params.lookback));
    }
    ranked_.reserve(last_.size());
  }

  void on_start(Orders&) override {
    portfolio_.reset();
    std::ranges::fill(last_, 0);
    std::ranges::fill(history_, 0);
    slices_ = 0;
    since_decision_ = 0;
    decided_ = false;
  }
  void on_event(const Event& event, Orders&) override {
    if (event.kind != EventKind::Bar) return;
    last_[event.instrument] = event.price.value;
    barred_ = true;
  }
  void on_slice(Nanos, Orders& orders) override {
    if (!barred_) return;
    barred_ = false;
    std::ranges::copy(
        last_, history_.begin() + static_cast<std::ptrdiff_t>(slices_ % depth_ * last_.size()));
    ++slices_;
    ++since_decision_;
    if (orders.warming_up()) return portfolio_.trade(orders);
    if (slices_ >= depth_ && (!decided_ || since_decision_ >= params_.rebalance_every)) {
      decide();
      decided_ = true;
      since_decision_ = 0;
    }
    portfolio_.trade(orders);
  }

  void state(Archive& archive) { archive(last_, history_, portfolio_, slices_, since_decision_, barred_, decided_); }

 private:
  struct Ranked {
    double score;
    InstrumentId instrument;
  };

  /// Close of an instrument `ago` bars ago; 0 where it had none.
  [[nodiscard]] std::int64_t close(InstrumentId id, std::int64_t ago) const {
    return history_[(slices_ - 1 - static_cast<std::size_t>(ago)) % depth_ * last_.size() + id];
  }

  void decide() {
    ranked_.clear();
    for (InstrumentId id = 0; id < last_.size(); ++id) {
      portfolio_.want(id, 0);
      const std::int64_t from = close(id, params_.lookback), to = close(id, params_.skip);
      if (from > 0 && to > 0)
        ranked_.push_back({static_cast<double>(to) / static_cast<double>(from), id});
    }
    std::ranges::sort(ranked_, [](const Ranked& a, const Ranked& b) {
      return a.score != b.score ? a.score > b.score : a.instrument < b.instrument;
    });
    if (ranked_.empty()) return;
    // 0.3 x 10 instruments are 3, whatever the last bits of the product.
    const auto wanted =
        static_cast<std::size_t>(params_.top * static_cast<double>(ranked_.size()) + 1e-9);
    std::size_t count = std::clamp<std::size_t>(wanted, 1, ranked_.size());
    if (params_.shorting) count = std::min(count, ranked_.size() / 2);
    if (count == 0) return;
    const double share = (params_.shorting ? 0.5 : 1.0) / static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i) {
      portfolio_.want(ranked_[i].instrument, share);
      if (params_.shorting) portfolio_.want(ranked_[ranked_.size() - 1 - i].instrument, -share);
    }
  }

  Params params_;
  std::size_t depth_;
  std::vector<std::int64_t> last_;     // latest close by instrument, 0 before the first
  std::vector<std::int64_t> history_;  // ring of slices, each all instruments
  std::vector<Ranked> ranked_;
  Portfolio portfolio_;
  std::size_t slices_ = 0;
  std::int64_t since_decision_ = 0;
  bool barred_ = false, decided_ = false;
};

}  // namespace

void add_cross_sectional_rules(StrategyRegistry& registry) {
  registry.add<Momentum>("momentum",
                         "Holds the instruments that rose most, leaving out the latest bars "
                         "(cross-sectional momentum).");
}

}  // namespace walras::strategies
