#include "reports/compose.hpp"

#include "reports/format.hpp"
#include "reports/trades.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace walras::reports {
namespace {

constexpr std::size_t kSamples = 400;  ///< points of a stacked area
constexpr std::size_t kLayers = 7;     ///< instruments shown one by one

/// Samples of a strategy's exposure over its records, joined.
struct Exposure {
  bool calendar = true;
  std::vector<double> x, longs, shorts;             ///< shares of equity; shorts <= 0
  double mean_long = 0, mean_short = 0;             ///< over all rows, not only the samples
  std::map<engine::InstrumentId, std::vector<double>> held;  ///< signed share of equity, one value a sample
};

double units(std::int64_t micros) { return static_cast<double>(micros) / 1e6; }

double value_of(const engine::PositionRow& row, const engine::Instrument& instrument) {
  return instrument.quantity(row.position) * instrument.price(row.mark) * instrument.multiplier;
}

Exposure exposure_of(const std::vector<const engine::RunRecord*>& records, std::span<const engine::Instrument> instruments) {
  Exposure exposure;
  std::size_t rows = 0;
  Nanos last{std::numeric_limits<std::int64_t>::min()};
  for (const auto* record : records) {
    rows += record->equity.size();
    for (const engine::EquityRow& row : record->equity) {
      exposure.calendar = exposure.calendar && row.time >= last;
      last = row.time;
    }
  }
  const std::size_t stride = std::max<std::size_t>(1, rows / kSamples);
  std::size_t index = 0;
  for (const auto* record : records) {
    auto position = record->positions.begin();
    for (std::size_t i = 0; i < record->equity.size(); ++i, ++index) {
      const engine::EquityRow& row = record->equity[i];
      while (position != record->positions.end() && position->time < row.time) ++position;
      const double equity = units(row.equity_micros);
      if (equity <= 0) continue;
      exposure.mean_long += units(row.long_micros) / equity / static_cast<double>(rows);
      exposure.mean_short += units(row.short_micros) / equity / static_cast<double>(rows);
      if (index % stride != 0) continue;
      const std::size_t sample = exposure.x.size();
      exposure.x.push_back(exposure.calendar ? static_cast<double>(row.time.value) / 1e6 : static_cast<double>(index));
      exposure.longs.push_back(units(row.long_micros) / equity);
      exposure.shorts.push_back(-units(row.short_micros) / equity);
      for (auto held = position; held != record->positions.end() && held->time == row.time; ++held) {
        if (held->instrument >= instruments.size()) continue;
        auto& values = exposure.held[held->instrument];
        values.resize(sample + 1, 0);
        values[sample] = value_of(*held, instruments[held->instrument]) / equity;
      }
    }
  }
  for (auto& [id, values] : exposure.held) values.resize(exposure.x.size(), 0);
  if (!exposure.calendar) std::iota(exposure.x.begin(), exposure.x.end(), 0.0);
  return exposure;
}

double mean_size(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::fabs(value);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

void add_exposure(Document& document, const StrategyReport& strategy, const Exposure& exposure, std::span<const engine::Instrument> instruments) {
  const XAxis axis{.calendar = exposure.calendar, .out_of_sample_from = {}, .name = "samples"};
  const double longs = exposure.mean_long, shorts = exposure.mean_short;
  std::vector<std::string> names{"long"};
  std::vector<std::vector<double>> layers{exposure.longs};
  if (shorts > 0) {
    names.emplace_back("short");
    layers.push_back(exposure.shorts);
  }
  Chart chart = stacked_chart(exposure.x, names, layers, axis, "Exposure: " + strategy.name);
  chart.message = fmt::format("On average {} of equity long, {}.", percent(longs), shorts > 0 ? percent(shorts) + " short" : std::string("never short"));
  chart.half = instruments.size() > 1;
  document.add(std::move(chart));
  if (instruments.size() < 2) return;
  std::vector<std::pair<double, engine::InstrumentId>> largest;
  for (const auto& [id, values] : exposure.held) largest.emplace_back(-mean_size(values), id);
  std::sort(largest.begin(), largest.end());
  names.clear();
  layers.clear();
  std::vector<double> others(exposure.x.size(), 0);
  for (std::size_t rank = 0; rank < largest.size(); ++rank) {
    const auto& values = exposure.held.at(largest[rank].second);
    if (rank < kLayers) {
      names.push_back(instruments[largest[rank].second].name);
      layers.push_back(values);
    } else {
      for (std::size_t i = 0; i < values.size(); ++i) others[i] += values[i];
    }
  }
  if (largest.size() > kLayers) {
    names.emplace_back("others");
    layers.push_back(std::move(others));
  }
  if (layers.empty()) return;
  Chart held = stacked_chart(exposure.x, names, layers, axis, "Positions: " + strategy.name);
  held.half = true;
  held.message = fmt::format("Share of equity by instrument; largest on average: {} with {}.", names[0], percent(mean_size(layers[0])));
  document.add(std::move(held));
}

std::string quantity_words(double quantity) { return quantity == std::round(quantity) ? fixed(quantity, 0) : number(quantity); }

std::string price_words(double price, double tick) {
  const int decimals = tick > 0 ? std::clamp(static_cast<int>(std::ceil(-std::log10(tick) - 1e-9)), 0, 4) : 2;
  return fixed(price, std::max(decimals, 2));
}

void add_trade_table(Document& document, const ReportInput& input, const StrategyReport& strategy) {
  std::vector<RoundTrip> trips;
  for (const auto* record : records_of(input, strategy.name)) {
    const auto found = round_trips(*record, input.instruments);
    trips.insert(trips.end(), found.begin(), found.end());
  }
  document.add(Heading{3, strategy.name});
  if (trips.empty()) {
    document.add(Paragraph{"No trades.", Tone::Muted});
    return;
  }
  double profit = 0, best = 0, worst = 0;
  std::size_t won = 0, open = 0;
  std::vector<std::int64_t> held;
  for (const RoundTrip& trip : trips) {
    profit += trip.profit;
    best = std::max(best, trip.profit);
    worst = std::min(worst, trip.profit);
    won += trip.profit > 0;
    open += trip.open;
    held.push_back((trip.exit - trip.entry).value);
  }
  std::nth_element(held.begin(), held.begin() + static_cast<std::ptrdiff_t>(held.size() / 2), held.end());
  document.add(Paragraph{fmt::format("{} round trip{}{}, {} with a profit; {} in all after fees, best {}, worst {}; held for {} (median).",
                                     count(static_cast<std::int64_t>(trips.size())), trips.size() == 1 ? "" : "s",
                                     open > 0 ? fmt::format(" ({} still open at a record's end)", open) : "", percent(static_cast<double>(won) / static_cast<double>(trips.size())),
                                     money(profit, input.currency), money(best, input.currency), money(worst, input.currency), duration(Nanos{held[held.size() / 2]}))});
  const std::size_t all = trips.size(), shown = std::min(all, input.trades_shown);
  if (shown == 0) return;
  std::stable_sort(trips.begin(), trips.end(), [](const RoundTrip& a, const RoundTrip& b) { return std::fabs(a.profit) > std::fabs(b.profit); });
  trips.resize(shown);
  std::stable_sort(trips.begin(), trips.end(), [](const RoundTrip& a, const RoundTrip& b) { return a.entry < b.entry; });
  TableBlock table{.caption = shown == all ? fmt::format("All {} round trips of {}", all, strategy.name)
                                           : fmt::format("The {} of {} round trips with the largest profit or loss: {}", shown, count(static_cast<std::int64_t>(all)), strategy.name),
                   .columns = {{"Entry", Align::Left}, {"Exit", Align::Left}, {"Instrument", Align::Left}, {"Side", Align::Left}, {"Quantity"}, {"Entry price"}, {"Exit price"},
                               {"Profit", Align::Right, input.currency + ", after fees"}, {"Return"}, {"Costs", Align::Right, input.currency}},
                   .rows = {}, .note = {}, .compact = true};
  for (const RoundTrip& trip : trips) {
    const engine::Instrument& instrument = input.instruments[trip.instrument];
    Cell exit{date_time(trip.exit)};
    if (trip.open) exit.small = "open";
    table.rows.push_back({{date_time(trip.entry)}, std::move(exit), {instrument.name}, {trip.side == engine::Side::Buy ? "long" : "short"}, {quantity_words(trip.quantity)},
                          {price_words(trip.entry_price, instrument.tick_size)}, {price_words(trip.exit_price, instrument.tick_size)},
                          {fixed(trip.profit, std::fabs(trip.profit) < 1000 ? 2 : 0)}, {signed_percent(trip.fraction)}, {fixed(trip.costs, std::fabs(trip.costs) < 1000 ? 2 : 0)}});
  }
  document.add(std::move(table));
}

struct CostLine {
  double gross = 0, fees = 0, slippage = 0, borrow = 0, dividends = 0, net = 0, turnover = 0;  // fees: of liquidations too
};

CostLine costs_of(const std::vector<const engine::RunRecord*>& records) {
  CostLine line;
  for (const auto* record : records) {
    line.fees += units(record->costs.fees + record->costs.liquidation);
    line.slippage += units(record->costs.slippage);
    line.borrow += units(record->costs.borrow);
    line.dividends += units(record->costs.dividends);
    line.turnover += units(record->costs.turnover);
    if (!record->equity.empty()) line.net += units(record->equity.back().equity_micros - record->capital_micros);
  }
  line.gross = line.net + line.fees + line.slippage + line.borrow;
  return line;
}

/// Parameters in words: {"fast": 20, "slow": 100} -> "fast 20, slow 100".
std::string chosen_words(const Json& chosen) {
  if (chosen.is_null()) return std::string(kDash);
  if (chosen.is_string()) return chosen.as_string();
  if (!chosen.is_object()) return chosen.is_number() ? number(chosen.as_number()) : chosen.dump();
  std::string text;
  for (const auto& [name, value] : chosen.as_object()) {
    if (name == "kind") continue;
    std::string words = value.is_string() ? value.as_string() : value.is_integer() ? fixed(value.as_number(), 0) : value.is_number() ? number(value.as_number()) : value.dump();
    if (words.size() > 60) words = words.substr(0, 57) + "...";
    text += (text.empty() ? "" : ", ") + name + " " + words;
  }
  return text.empty() ? std::string(kDash) : text;
}

void add_fold_table(Document& document, const StrategyReport& strategy) {
  TableBlock table{.caption = "Folds: " + strategy.name,
                   .columns = {{"Fold", Align::Left}, {"Training", Align::Left}, {"Test", Align::Left}, {"Chosen in training", Align::Left}, {"Tried"},
                               {"Sharpe", Align::Right, "in sample"}, {"Sharpe", Align::Right, "out of sample"}, {"Return", Align::Right, "in sample"},
                               {"Return", Align::Right, "out of sample"}},
                   .rows = {}, .note = {}, .compact = true};
  double before = 0, after = 0;
  std::size_t both = 0;
  std::string notes;
  for (const FoldLine& fold : strategy.folds) {
    const auto span = [](Nanos begin, Nanos end) {
      if (end <= begin) return std::string(kDash);
      return date(begin) == date(end) ? date_time(begin) + " to " + date_time(end) : date(begin) + " to " + date(end);
    };
    if (fold.in_sample_sharpe && fold.out_of_sample_sharpe) before += *fold.in_sample_sharpe, after += *fold.out_of_sample_sharpe, ++both;
    if (!fold.note.empty()) notes += fmt::format("{}Fold {}: {}", notes.empty() ? "" : "; ", fold.fold + 1, fold.note);
    const auto ratio = [](const std::optional<double>& value) { return value ? fixed(*value, 2) : std::string(kDash); };
    table.rows.push_back({{std::to_string(fold.fold + 1)}, {span(fold.train_begin, fold.train_end)}, {span(fold.test_begin, fold.test_end)}, {chosen_words(fold.chosen)},
                          {fold.candidates > 0 ? count(static_cast<std::int64_t>(fold.candidates)) : std::string(kDash)}, {ratio(fold.in_sample_sharpe)},
                          {ratio(fold.out_of_sample_sharpe)}, {percent(fold.in_sample_return)}, {percent(fold.out_of_sample_return)}});
  }
  if (both > 0) {
    const auto n = static_cast<double>(both);
    table.rule_after = table.rows.size();
    table.rows.push_back({{"Mean"}, {""}, {""}, {""}, {""}, {fixed(before / n, 2)}, {fixed(after / n, 2)}, {""}, {""}});
    table.note = fmt::format("The mean Sharpe ratio of the folds goes from {} in sample to {} out of sample.{}", fixed(before / n, 2), fixed(after / n, 2), notes.empty() ? "" : " " + notes);
  } else {
    table.note = notes;
  }
  document.add(std::move(table));
}

}  // namespace

void add_positions(Document& document, const ReportInput& input) {
  document.add(Heading{2, "Positions and exposure", "Positions"});
  bool any = false;
  for (const StrategyReport* strategy : detailed(input)) {
    const Exposure exposure = exposure_of(records_of(input, strategy->name), input.instruments);
    if (exposure.x.empty()) continue;
    any = true;
    add_exposure(document, *strategy, exposure, input.instruments);
  }
  if (!any) document.add(Paragraph{"The record holds no positions.", Tone::Muted});
}

void add_trades(Document& document, const ReportInput& input) {
  document.add(Heading{2, "Trades"});
  document.add(Paragraph{"A round trip goes from flat to flat in one instrument and direction, out of sample; prices are averages weighted by quantity, profits are "
                         "after fees and at the prices paid. All fills are in record.h5; walras export writes them as CSV.", Tone::Muted});
  for (const StrategyReport* strategy : detailed(input)) add_trade_table(document, input, *strategy);
}

void add_costs(Document& document, const ReportInput& input) {
  document.add(Heading{2, "Costs: from gross to net", "Costs"});
  TableBlock table{.caption = "Out of sample, all folds, in " + input.currency,
                   .columns = {{"Strategy", Align::Left}, {"Gross"}, {"Fees"}, {"Spread and impact"}, {"Borrow"}, {"Net"}, {"Dividends", Align::Right, "within gross"}, {"Value traded"},
                               {"Cost", Align::Right, "bp of value traded"}},
                   .rows = {}};
  const auto amount = [](double value) { return fixed(value, std::fabs(value) < 1000 ? 2 : 0); };
  for (const StrategyReport& strategy : input.strategies) {
    const auto records = records_of(input, strategy.name);
    if (records.empty()) continue;
    const CostLine line = costs_of(records);
    const double all = line.fees + line.slippage + line.borrow;
    table.rows.push_back({{strategy.name}, {amount(line.gross)}, {amount(-line.fees)}, {amount(-line.slippage)}, {amount(-line.borrow)}, {amount(line.net)},
                          {amount(line.dividends)}, {amount(line.turnover)}, {line.turnover > 0 ? number(all / line.turnover * 1e4) : std::string(kDash)}});
  }
  if (table.rows.empty()) {
    document.add(Paragraph{"The record holds no costs.", Tone::Muted});
    return;
  }
  for (const StrategyReport* strategy : detailed(input)) {
    const auto records = records_of(input, strategy->name);
    if (records.empty()) continue;
    const CostLine line = costs_of(records);
    std::vector<std::pair<std::string, double>> steps{{"gross", line.gross}, {"fees", -line.fees}, {"slippage", -line.slippage}};
    if (line.borrow != 0) steps.emplace_back("borrow", -line.borrow);
    steps.emplace_back("net", line.net);
    document.add(waterfall_chart(strategy->name, steps, input.currency));
  }
  document.add(std::move(table));
}

void add_walk_forward(Document& document, const ReportInput& input) {
  bool any = false;
  for (const StrategyReport* strategy : detailed(input)) {
    if (strategy->folds.empty()) continue;
    if (!any) {
      document.add(Heading{2, "Walk-forward"});
      document.add(Paragraph{"Every fold is fitted on its training window alone and then trades the test window after it, unseen, from a flat start to a flat end.", Tone::Muted});
    }
    any = true;
    add_fold_table(document, *strategy);
  }
}

}  // namespace walras::reports
