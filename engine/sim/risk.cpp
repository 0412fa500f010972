#include "engine/sim/risk.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/market/calendar.hpp"
#include "engine/market/order_rules.hpp"
#include "engine/market/sessions.hpp"
#include "engine/sim/state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace walras::engine {
namespace {

constexpr double kLastBits = 1 + 1e-9;  // a rounded share may miss its bound by the last bits of a double
constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

/// Whole lots within a quantity.
std::int64_t lots_within(double quantity, const Instrument& instrument) {
  return static_cast<std::int64_t>(std::min(std::floor(quantity / instrument.lot_size * kLastBits), 9e18));
}

const Instrument* named(std::span<const Instrument> instruments, const std::string& name) {
  const auto found = std::ranges::find(instruments, name, &Instrument::name);
  return found == instruments.end() ? nullptr : &*found;
}

std::size_t reason(Reject why) { return static_cast<std::size_t>(why) - static_cast<std::size_t>(Reject::PositionLimit); }

const char* words(Reject why) {
  switch (why) {
    case Reject::PositionLimit: return "the position limit";
    case Reject::NotionalLimit: return "the limit on the value of positions";
    case Reject::OrderRate: return "the order rate";
    case Reject::LossLimit: return "the loss limit";
    case Reject::DrawdownLimit: return "the drawdown limit";
    case Reject::FatFinger: return "the size or price of an order (fat finger)";
    case Reject::KillSwitch: return "the kill switch";
    default: return "the limits of the portfolio";
  }
}

}  // namespace

void check_risk(const RiskParams& params, std::span<const Instrument> instruments, const std::string& where) {
  const auto require = [&](const std::string& name, const char* member) {
    if (named(instruments, name)) return;
    fail(Fault::Scenario, where + "/" + member + "/" + escape_pointer(name),
         fmt::format("expected the name of an instrument of this market, was {}; the first is {}", name,
                     instruments.empty() ? "none" : instruments.front().name));
  };
  for (const auto& [name, unused] : params.positions) require(name, "positions");
  for (const auto& [name, unused] : params.sectors) require(name, "sectors");
  if (params.sector_weight.has_value() == params.sectors.empty()) {
    fail(Fault::Scenario, where + "/sector_weight",
         params.sectors.empty() ? "expected sectors beside sector_weight, found none; say which instrument belongs to which"
                                : "expected a limit for the sectors, found none; give sector_weight or remove sectors");
  }
  const RiskParams usual;
  if (params.orders_window_s != usual.orders_window_s && !params.orders)
    fail(Fault::Scenario, where + "/orders_window_s", "expected orders beside it, found none: it would change nothing; remove it or say how many orders the stretch may hold");
  if (params.on_breach != usual.on_breach && !params.daily_loss && !params.loss && !params.drawdown && !params.refusals)
    fail(Fault::Scenario, where + "/on_breach", "expected daily_loss, loss, drawdown or refusals beside it, found none: nothing would set it off; remove it or give a limit");
}

RiskRules::RiskRules(const RiskParams& params, std::span<const Instrument> instruments, const TradingCalendar* calendar, Money capital, Nanos begin)
    : params_(params),
      calendar_(calendar),
      watches_(params.daily_loss || params.loss || params.drawdown || params.turnover),
      open_(instruments.size()),
      capital_(capital),
      equity_(capital),
      day_equity_(capital),
      peak_(capital) {
  check_risk(params, instruments, "/account/risk");
  std::map<std::string, std::int32_t> numbers;
  for (const auto& [name, sector] : params.sectors) numbers.emplace(sector, static_cast<std::int32_t>(numbers.size()));
  for (const Instrument& instrument : instruments) {
    const auto own = params.positions.find(instrument.name);
    const std::optional<double> limit = own != params.positions.end() ? std::optional(own->second) : params.position;
    limits_.push_back(limit ? lots_within(*limit, instrument) : kUnlimited);
    largest_.push_back(params.order_quantity ? lots_within(*params.order_quantity, instrument) : kUnlimited);
    const auto sector = params.sectors.find(instrument.name);
    sector_.push_back(sector != params.sectors.end() ? numbers.at(sector->second) : -1);
  }
  times_.resize(static_cast<std::size_t>(params.orders.value_or(0)));
  changes_.reserve(64);
  switches_.reserve(64);
  day_end_ = begin;  // the first look at `begin` or later starts the first day
}

// What may still fill.

std::int64_t& RiskRules::place(Open& open, const OrderRequest& order) const {
  auto& sides = order.reduce_only ? open.reducing : order.type == OrderType::Market ? open.market : open.other;
  return sides[index(order.side)];
}

// Orders that only reduce bring a position to zero at the most; what the others do then starts there.
RiskRules::Ends RiskRules::worst(std::int64_t position, const Open& open) {
  return {position + open.market[0] + open.other[0] + std::min(open.reducing[0], std::max<std::int64_t>(-position, 0)),
          position - open.market[1] - open.other[1] - std::min(open.reducing[1], std::max<std::int64_t>(position, 0))};
}

// Market orders as filled, of the others those of the worse side: as buying power is reckoned, so that what is sold makes
// room for what is bought.
RiskRules::Ends RiskRules::likely(std::int64_t position, const Open& open) {
  const std::int64_t settled = position + open.market[0] - open.market[1];
  return {settled + open.other[0], settled - open.other[1]};
}

void RiskRules::sent(const OrderRequest& order, Lots& counted, Nanos now) {
  counted = order.quantity;
  place(open_[order.instrument], order) += counted.value;
  count(now);
}

void RiskRules::changing(const OrderRequest& order, Lots& counted, OrderId id, Lots quantity, std::uint64_t request, Nanos now) {
  counted += quantity;
  place(open_[order.instrument], order) += quantity.value;
  changes_.push_back({id, quantity, request});
  count(now);
}

void RiskRules::answered(const OrderRequest& order, Lots& counted, OrderId id, std::uint64_t request, std::optional<Lots> replaced) {
  Lots answers{0}, under_way{0};
  for (const Change& change : changes_) {
    if (change.order == id) (change.request <= request ? answers : under_way) += change.quantity;
  }
  Lots remains = counted - answers - under_way;  // as it was before the changes
  // An order that hangs on another grows as that one fills, up to what was asked for.
  if (replaced) remains = order.parent != 0 ? remains + answers : *replaced;
  std::erase_if(changes_, [&](const Change& change) { return change.order == id && change.request <= request; });
  const Lots after = remains + under_way;
  place(open_[order.instrument], order) += (after - counted).value;
  counted = after;
}

void RiskRules::filled(const OrderRequest& order, Lots& counted, Lots quantity) {
  const Lots less = std::min(quantity, counted);
  place(open_[order.instrument], order) -= less.value;
  counted -= less;
}

void RiskRules::ended(const OrderRequest& order, Lots& counted, OrderId id) {
  filled(order, counted, counted);
  std::erase_if(changes_, [&](const Change& change) { return change.order == id; });
}

void RiskRules::count(Nanos now) {
  if (times_.empty()) return;
  times_[(oldest_ + recent_) % times_.size()] = now;
  if (recent_ < times_.size()) ++recent_;
  else oldest_ = (oldest_ + 1) % times_.size();
}

// What may go out.

bool RiskRules::reduces(const OrderRequest& request, std::int64_t position) const {
  if (request.reduce_only) return true;
  if (position == 0 || (position > 0) == (request.side == Side::Buy)) return false;
  const Open& open = open_[request.instrument];
  const std::size_t side = index(request.side);
  return open.market[side] + open.other[side] + open.reducing[side] + request.quantity.value <= std::abs(position);
}

double RiskRules::value(InstrumentId instrument, const Sight& sight, const OrderRequest* request) const {
  Ticks price = sight.marks[instrument];
  if (price.value == 0 && request) price = request->price.value != 0 ? request->price : request->trigger_price;
  return sight.account.tick_value(instrument).units() * std::abs(static_cast<double>(price.value));
}

Reject RiskRules::check(const OrderRequest& request, const Sight& sight) const {
  const InstrumentId instrument = request.instrument;
  const std::int64_t position = sight.account.position(instrument).value;
  const bool harmless = reduces(request, position);
  if (fired_ != Reject::None && !(params_.on_breach == OnBreach::Flatten ? request.reduce_only : harmless))
    return params_.on_breach == OnBreach::Block ? fired_ : Reject::KillSwitch;
  if (const Reject why = check_size(request, sight); why != Reject::None) return why;
  Open after = open_[instrument];
  place(after, request) += request.quantity.value;
  const Ends before = worst(position, open_[instrument]), ends = worst(position, after);
  const std::int64_t limit = limits_[instrument];
  if ((ends.high > limit && ends.high > before.high) || (-ends.low > limit && ends.low < before.low)) return Reject::PositionLimit;
  if (!harmless) {
    if (const Reject why = check_value(request, sight, after); why != Reject::None) return why;
    if (const Reject why = check_portfolio(request, sight, after); why != Reject::None) return why;
  }
  const bool full = recent_ > 0 && recent_ == times_.size();
  if (full && static_cast<double>((sight.now - times_[oldest_]).value) < params_.orders_window_s * 1e9) return Reject::OrderRate;
  return Reject::None;
}

Reject RiskRules::check_size(const OrderRequest& request, const Sight& sight) const {
  const InstrumentId instrument = request.instrument;
  if (request.quantity.value > largest_[instrument]) return Reject::FatFinger;
  const double mark = static_cast<double>(sight.marks[instrument].value);
  const auto limit = static_cast<double>(request.price.value);
  if (params_.order_value) {
    double each = value(instrument, sight, &request);
    if (has_limit(request.type)) each = std::max(each, sight.account.tick_value(instrument).units() * std::abs(limit));
    if (each * static_cast<double>(request.quantity.value) > *params_.order_value * kLastBits) return Reject::FatFinger;
  }
  if (params_.price_band && has_limit(request.type) && !(request.type == OrderType::Pegged && limit == 0)) {
    const bool at_trigger = waits(request.type) && request.trigger_price.value != 0;
    const double reference = at_trigger ? static_cast<double>(request.trigger_price.value) : mark;
    const double beyond = (limit - reference) * static_cast<double>(sign(request.side));
    if (reference != 0 && beyond > *params_.price_band * std::abs(reference) * kLastBits) return Reject::FatFinger;
  }
  return Reject::None;
}

Reject RiskRules::check_value(const OrderRequest& request, const Sight& sight, const Open& after) const {
  if (!params_.position_value && !params_.gross_value) return Reject::None;
  const InstrumentId here = request.instrument;
  const Ends ends = worst(sight.account.position(here).value, after);
  if (params_.position_value) {
    const std::int64_t towards = request.side == Side::Buy ? ends.high : -ends.low;
    if (static_cast<double>(towards) * value(here, sight, &request) > *params_.position_value * kLastBits) return Reject::NotionalLimit;
  }
  if (!params_.gross_value) return Reject::None;
  double gross = 0;
  for (InstrumentId i = 0; i < open_.size(); ++i) {
    const Ends those = i == here ? ends : worst(sight.account.position(i).value, open_[i]);
    if (const std::int64_t lots = those.widest(); lots != 0) gross += static_cast<double>(lots) * value(i, sight, i == here ? &request : nullptr);
  }
  return gross > *params_.gross_value * kLastBits ? Reject::NotionalLimit : Reject::None;
}

Reject RiskRules::check_portfolio(const OrderRequest& request, const Sight& sight, const Open& after) const {
  const RiskParams& p = params_;
  if (!p.weight && !p.sector_weight && !p.gross_leverage && !p.net_leverage && !p.turnover) return Reject::None;
  const InstrumentId here = request.instrument;
  const double equity = std::max(0.0, sight.account.equity().units());
  const std::int64_t position = sight.account.position(here).value;
  const Ends before = likely(position, open_[here]), ends = likely(position, after);
  const bool wider = ends.widest() > before.widest();
  const auto beyond = [&](double sum, const std::optional<double>& share) { return share && sum > *share * equity * kLastBits; };
  if (wider && beyond(static_cast<double>(ends.widest()) * value(here, sight, &request), p.weight)) return Reject::Portfolio;
  double gross = 0, sector = 0, high = 0, low = 0, traded = 0;
  for (InstrumentId i = 0; i < open_.size(); ++i) {
    const Open& open = i == here ? after : open_[i];
    const Ends those = i == here ? ends : likely(sight.account.position(i).value, open);
    const std::int64_t sent = open.market[0] + open.market[1] + open.other[0] + open.other[1];
    if (those.high == 0 && those.low == 0 && sent == 0) continue;
    const double each = value(i, sight, i == here ? &request : nullptr);
    const double widest = static_cast<double>(those.widest()) * each;
    gross += widest;
    if (sector_[i] == sector_[here]) sector += widest;
    high += static_cast<double>(those.high) * each;
    low += static_cast<double>(those.low) * each;
    traded += static_cast<double>(sent) * each;
  }
  if (wider && beyond(gross, p.gross_leverage)) return Reject::Portfolio;
  if (wider && sector_[here] >= 0 && beyond(sector, p.sector_weight)) return Reject::Portfolio;
  if (beyond(request.side == Side::Buy ? high : -low, p.net_leverage)) return Reject::Portfolio;
  if (p.turnover) {
    traded += (sight.account.turnover() - day_turnover_).units();
    if (traded > *p.turnover * day_equity_.units() * kLastBits) return Reject::Portfolio;
  }
  return Reject::None;
}

Lots RiskRules::allowed(OrderRequest request, const Sight& sight) {
  if (request.quantity.value <= 0) return {0};
  request.quantity = std::min(request.quantity, kMostLots);
  if (check(request, sight) == Reject::None) return request.quantity;
  ++cut_;
  std::int64_t good = 0, bad = request.quantity.value;
  while (bad - good > 1) {
    request.quantity.value = good + (bad - good) / 2;
    (check(request, sight) == Reject::None ? good : bad) = request.quantity.value;
  }
  return {good};
}

// When trading ends.

void RiskRules::roll(Nanos now, const Account& account) {
  if (now < day_end_) return;
  day_end_ = calendar_ ? calendar_->day_end(now) : start_of_day(day_of(now) + 1);
  day_equity_ = equity_;
  day_turnover_ = account.turnover();
  refused_today_ = 0;
  if (for_today_) fired_ = Reject::None;
  for_today_ = false;
}

Reject RiskRules::watch(Money equity) {
  equity_ = equity;
  peak_ = std::max(peak_, equity);
  if (fired_ != Reject::None) return Reject::None;
  const auto lost = [&](Money from, const std::optional<double>& share) { return share && equity.units() <= from.units() * (1 - *share); };
  if (lost(capital_, params_.loss)) return Reject::LossLimit;
  if (lost(peak_, params_.drawdown)) return Reject::DrawdownLimit;
  if (lost(day_equity_, params_.daily_loss)) {
    for_today_ = true;
    return Reject::LossLimit;
  }
  return Reject::None;
}

bool RiskRules::refused(Reject why, bool change) {
  ++(change ? refused_changes_ : refused_orders_)[reason(why)];
  ++refused_today_;
  if (!params_.refusals || refused_today_ != *params_.refusals || fired_ != Reject::None) return false;
  for_today_ = true;
  return true;
}

void RiskRules::fire(Nanos now, Reject cause, Money equity, std::int64_t cancelled) {
  fired_ = cause;
  closed_ = Nanos::min();
  switches_.push_back({now, cause, equity.micros(), cancelled});
}

bool RiskRules::closes(Nanos now) {
  if (fired_ == Reject::None || params_.on_breach != OnBreach::Flatten) return false;
  if (closed_ != Nanos::min() && now < closed_ + Nanos{kNanosPerSecond}) return false;
  closed_ = now;
  return true;
}

void RiskRules::add_warnings(std::vector<std::string>& warnings) const {
  for (std::size_t i = 0; i < kReasons; ++i) {
    const auto why = static_cast<Reject>(i + static_cast<std::size_t>(Reject::PositionLimit));
    if (refused_orders_[i] > 0) warnings.push_back(fmt::format("{} orders were refused by the risk rules: {}", refused_orders_[i], words(why)));
    if (refused_changes_[i] > 0) warnings.push_back(fmt::format("{} changes of orders were refused by the risk rules: {}", refused_changes_[i], words(why)));
  }
  if (cut_ > 0) warnings.push_back(fmt::format("{} orders were made smaller or left out to keep within the risk rules", cut_));
  if (switches_.empty()) return;
  constexpr const char* kActions[] = {"only reducing orders were taken", "own orders were cancelled", "orders were cancelled and positions closed"};
  const SwitchRow& first = switches_.front();
  const std::string when = switches_.size() == 1 ? "" : fmt::format("{} times, first ", switches_.size());
  warnings.push_back(fmt::format("risk rules ended trading {}at {} by {}, with equity {:.2f}: {}", when, format_bar_end(first.time), words(first.cause),
                                 static_cast<double>(first.equity_micros) / 1e6, kActions[static_cast<std::size_t>(params_.on_breach)]));
}

void RiskRules::state(Archive& archive) {
  archive(open_, changes_, times_, oldest_, recent_, day_end_, closed_, equity_, day_equity_, peak_, day_turnover_, refused_today_, cut_, fired_,
          for_today_, refused_orders_, refused_changes_, switches_);
}

// The simulation's side.

Reject Simulation::State::check_risk(const Player& player, const OrderRequest& request) const {
  return player.risk->check(request, {now, player.view, marks});
}

void Simulation::State::watch_risk(Player& player) {
  if (over) return;
  RiskRules& rules = *player.risk;
  rules.roll(now, player.view);
  if (rules.watches()) {
    const Money equity = player.view.equity();
    if (const Reject cause = rules.watch(equity); cause != Reject::None) return end_trading(player, cause);
  }
  if (rules.closes(now)) close_risks(player, false);
}

void Simulation::State::end_trading(Player& player, Reject cause) {
  std::int64_t cancelled = 0;
  if (player.risk->on_breach() != OnBreach::Block) {
    // By number, not by row: closing may add rows.
    for (std::size_t row = 0; row < player.orders.size(); ++row) {
      const OrderId id = player.orders[row].order;
      if (!orders[id - 1].known_live || orders[id - 1].forced) continue;
      cancel(player, id);
      ++cancelled;
    }
  }
  player.risk->fire(now, cause, player.view.equity(), cancelled);
  if (player.risk->closes(now)) close_risks(player, true);
}

// Orders that only reduce, so that fills on their way cannot turn a position around. They arrive after the cancels.
void Simulation::State::close_risks(Player& player, bool first) {
  if (player.margin && player.margin->liquidating) return;  // the venue closes already; what it leaves is looked at again
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    const auto instrument = static_cast<InstrumentId>(i);
    const std::int64_t position = player.view.position(instrument).value;
    if (position == 0 || marks[i].value == 0) continue;
    OrderRequest request;
    request.instrument = instrument;
    request.side = position > 0 ? Side::Sell : Side::Buy;
    request.quantity = {std::abs(position)};
    request.reduce_only = true;
    if (first || player.risk->reducing(instrument, request.side) == 0) enter(player, request, Reject::None);
  }
}

void Simulation::State::count_refusal(Player& player, Reject why, bool change) {
  if (!player.risk || !RiskRules::is_ours(why)) return;
  if (player.risk->refused(why, change)) end_trading(player, Reject::KillSwitch);
}

}  // namespace walras::engine
