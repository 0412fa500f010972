#pragma once
// Risk rules: what may go out, checked before every order and change of a participant, and a watch
// over its equity that blocks it, cancels its orders or closes its positions. They see what the
// participant knows (reported fills, delivered prices) and count what is on its way at its worst:
// no sequence of orders ends beyond a position limit. They refuse, and never alter an order; who
// wants to know how much would pass asks Orders::allowed().
#include "engine/base/config.hpp"
#include "engine/ledger/account.hpp"
#include "engine/ledger/run_record.hpp"

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace walras {
class Archive;
}

namespace walras::engine {

class TradingCalendar;

/// What a breach of a loss, drawdown or refusal limit sets off.
enum class OnBreach : std::uint8_t { Block, Cancel, Flatten };

/// The scenario's "risk". What is absent is not limited.
struct RiskParams {
  std::optional<double> position;
  std::map<std::string, double> positions;
  std::optional<double> position_value, gross_value;
  std::optional<double> order_quantity, order_value, price_band;
  std::optional<std::int64_t> orders;
  double orders_window_s = 1;
  std::optional<double> daily_loss, loss, drawdown;
  std::optional<std::int64_t> refusals;
  OnBreach on_breach = OnBreach::Cancel;
  std::optional<double> weight, sector_weight;
  std::map<std::string, std::string> sectors;
  std::optional<double> gross_leverage, net_leverage, turnover;

  static void fields(auto&& field) {
    field("position", &RiskParams::position, {.unit = "shares", .min = 0, .max = 1e15, .doc = "Largest position in one instrument, long or short."});
    field("positions", &RiskParams::positions, {.unit = "shares", .min = 0, .max = 1e15, .doc = "The same for single instruments by name, in place of position."});
    field("position_value", &RiskParams::position_value, {.unit = "currency", .min = 0, .max = 1e15, .doc = "Largest value of a position in one instrument."});
    field("gross_value", &RiskParams::gross_value, {.unit = "currency", .min = 0, .max = 1e15, .doc = "Largest sum of the values of all positions, long and short."});
    field("order_quantity", &RiskParams::order_quantity, {.unit = "shares", .min = 0, .max = 1e15, .doc = "Largest order: fat fingers."});
    field("order_value", &RiskParams::order_value, {.unit = "currency", .min = 0, .max = 1e15, .doc = "Largest value of an order: fat fingers."});
    field("price_band", &RiskParams::price_band, {.unit = "x price", .min = 0, .max = 10, .doc = "How far above the last known price a buy's limit may lie, and below it a sell's: fat fingers."});
    field("orders", &RiskParams::orders, {.min = 1, .max = 100'000, .doc = "New orders and changes in any stretch of orders_window_s; cancels are free."});
    field("orders_window_s", &RiskParams::orders_window_s, {.unit = "s", .min = 1e-6, .max = 1e7, .doc = "Length of the stretch."});
    field("daily_loss", &RiskParams::daily_loss, {.unit = "x equity", .min = 1e-6, .max = 1, .doc = "Loss since the end of the day before (session of the venue's calendar, else UTC day) at which trading ends for the day."});
    field("loss", &RiskParams::loss, {.unit = "x capital", .min = 1e-6, .max = 1, .doc = "Loss since the start at which trading ends."});
    field("drawdown", &RiskParams::drawdown, {.unit = "x equity", .min = 1e-6, .max = 1, .doc = "Fall from the highest equity so far at which trading ends."});
    field("refusals", &RiskParams::refusals, {.min = 1, .max = 1e9, .doc = "Orders and changes refused by these rules within a day at which trading ends for the day."});
    field("on_breach", &RiskParams::on_breach, {.doc = "How trading ends. block: only orders that reduce a position are taken; cancel: the kill switch, own orders are cancelled too; flatten: positions are closed by market orders too, and nothing else is taken."});
    field("weight", &RiskParams::weight, {.unit = "x equity", .min = 0, .max = 1000, .doc = "Largest value of one instrument's position as a share of equity."});
    field("sector_weight", &RiskParams::sector_weight, {.unit = "x equity", .min = 0, .max = 1000, .doc = "Largest sum of the values of one sector's positions, long and short, as a share of equity."});
    field("sectors", &RiskParams::sectors, {.doc = "Sector by instrument; instruments that are not named belong to none."});
    field("gross_leverage", &RiskParams::gross_leverage, {.unit = "x equity", .min = 0, .max = 1000, .doc = "Largest sum of the values of all positions, long and short."});
    field("net_leverage", &RiskParams::net_leverage, {.unit = "x equity", .min = 0, .max = 1000, .doc = "Largest difference between long and short."});
    field("turnover", &RiskParams::turnover, {.unit = "x equity/day", .min = 0, .max = 1e6, .doc = "Value traded in a day, and what open orders may add, as a share of the equity at its start; reducing orders are free."});
  }
};

/// Throws Error{Scenario} where names are no instruments, sectors lack their limit, or a setting would change nothing. `where`: of the "risk" object.
void check_risk(const RiskParams& params, std::span<const Instrument> instruments, const std::string& where);

class RiskRules {
 public:
  /// What the participant knows when it decides.
  struct Sight {
    Nanos now;
    const Account& account;
    std::span<const Ticks> marks;
  };
  static constexpr bool is_ours(Reject why) { return why >= Reject::PositionLimit && why <= Reject::Portfolio; }

  /// `calendar`: when days end; null: at midnight UTC. Borrowed.
  RiskRules(const RiskParams& params, std::span<const Instrument> instruments, const TradingCalendar* calendar, Money capital, Nanos begin);

  /// Whether an order, or a changed one beside what it was, may go out.
  [[nodiscard]] Reject check(const OrderRequest& request, const Sight& sight) const;
  /// The largest quantity up to the request's that check() takes.
  [[nodiscard]] Lots allowed(OrderRequest request, const Sight& sight);
  /// Begins a new day where one has passed. Called before check(), watch() and refused().
  void roll(Nanos now, const Account& account);
  /// Whether equity must be shown to watch() after each slice of events.
  [[nodiscard]] bool watches() const { return watches_; }
  /// The limit that this equity breaches, None where it breaches none or trading has ended already.
  [[nodiscard]] Reject watch(Money equity);
  /// Counts a refusal; whether it is one too many.
  bool refused(Reject why, bool change);
  /// Trading ends. `cancelled`: own orders that are taken back.
  void fire(Nanos now, Reject cause, Money equity, std::int64_t cancelled);
  /// An order of the venue's own: it counts, but not for the order rate.
  void forced(const OrderRequest& order, Lots& counted) {
    counted = order.quantity;
    place(open_[order.instrument], order) += counted.value;
  }
  [[nodiscard]] bool fired() const { return fired_ != Reject::None; }
  [[nodiscard]] OnBreach on_breach() const { return params_.on_breach; }
  /// Whether positions are to be closed now; at most once a second.
  [[nodiscard]] bool closes(Nanos now);
  /// What orders that only reduce may still sell (or buy) of the instrument.
  [[nodiscard]] std::int64_t reducing(InstrumentId instrument, Side side) const { return open_[instrument].reducing[static_cast<std::size_t>(side)]; }

  // What may still fill. `counted` belongs to the order: how much of it is counted here.

  void sent(const OrderRequest& order, Lots& counted, Nanos now);
  /// A change to `quantity` is on its way; both count until its answer is known. `request`: a number that rises.
  void changing(const OrderRequest& order, Lots& counted, OrderId id, Lots quantity, std::uint64_t request, Nanos now);
  /// An answer is known that leaves the order alive; `replaced`: its new open quantity, none where the change was refused.
  void answered(const OrderRequest& order, Lots& counted, OrderId id, std::uint64_t request, std::optional<Lots> replaced);
  void filled(const OrderRequest& order, Lots& counted, Lots quantity);
  void ended(const OrderRequest& order, Lots& counted, OrderId id);

  [[nodiscard]] const std::vector<SwitchRow>& switches() const { return switches_; }
  void add_warnings(std::vector<std::string>& warnings) const;
  void state(Archive& archive);

 private:
  /// By side: 0 buys, 1 sells.
  struct Open {
    std::array<std::int64_t, 2> market{}, other{}, reducing{};
  };
  struct Change {
    OrderId order;
    Lots quantity;
    std::uint64_t request;
  };
  /// Highest and lowest position that open orders can lead to.
  struct Ends {
    std::int64_t high, low;
    [[nodiscard]] std::int64_t widest() const { return std::max(high < 0 ? -high : high, low < 0 ? -low : low); }
  };
  [[nodiscard]] static Ends worst(std::int64_t position, const Open& open);
  [[nodiscard]] static Ends likely(std::int64_t position, const Open& open);
  [[nodiscard]] std::int64_t& place(Open& open, const OrderRequest& order) const;
  [[nodiscard]] bool reduces(const OrderRequest& request, std::int64_t position) const;
  [[nodiscard]] Reject check_size(const OrderRequest& request, const Sight& sight) const;
  [[nodiscard]] Reject check_value(const OrderRequest& request, const Sight& sight, const Open& after) const;
  [[nodiscard]] Reject check_portfolio(const OrderRequest& request, const Sight& sight, const Open& after) const;
  [[nodiscard]] double value(InstrumentId instrument, const Sight& sight, const OrderRequest* request) const;
  void count(Nanos now);

  RiskParams params_;
  const TradingCalendar* calendar_;
  std::vector<std::int64_t> limits_;      // of positions, in lots
  std::vector<std::int64_t> largest_;     // orders, in lots
  std::vector<std::int32_t> sector_;      // -1: none
  bool watches_ = false;

  std::vector<Open> open_;
  std::vector<Change> changes_;           // on their way, in order
  std::vector<Nanos> times_;              // of the last orders: a ring
  std::size_t oldest_ = 0, recent_ = 0;
  Nanos day_end_{Nanos::min()}, closed_{Nanos::min()};
  Money capital_, equity_, day_equity_, peak_, day_turnover_;
  std::int64_t refused_today_ = 0, cut_ = 0;
  Reject fired_ = Reject::None;
  bool for_today_ = false;                // what fired ends with the day
  static constexpr std::size_t kReasons = static_cast<std::size_t>(Reject::Portfolio) - static_cast<std::size_t>(Reject::PositionLimit) + 1;
  std::array<std::int64_t, kReasons> refused_orders_{}, refused_changes_{};
  std::vector<SwitchRow> switches_;
};

}  // namespace walras::engine

template <>
struct walras::EnumNames<walras::engine::OnBreach> {
  static constexpr std::array<std::pair<engine::OnBreach, std::string_view>, 3> names{
      {{engine::OnBreach::Block, "block"}, {engine::OnBreach::Cancel, "cancel"}, {engine::OnBreach::Flatten, "flatten"}}};
};
