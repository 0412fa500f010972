#include "engine/data/source.hpp"

#include "engine/market/calendar.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace walras::engine {
namespace {

constexpr std::array<std::string_view, 12> kKindNames{
    "bars", "adds", "reductions", "deletions", "executions", "hidden executions",
    "halts", "depth changes", "trades", "dividends", "splits", "fundings"};
constexpr std::size_t kLargestMoves = 5;

struct Move {
  double change = 0;
  Nanos time;
};

struct Summary {
  std::array<std::size_t, kKindNames.size()> kinds{};
  Nanos first{}, last{};
  std::size_t rows = 0, no_volume = 0;
  std::int64_t lowest = 0, highest = 0;
  Ticks previous_close;
  Nanos previous_time{};
  std::vector<Move> moves;                           // the largest so far, largest first
  std::map<std::int64_t, std::size_t> distances;     // ns between closes
  std::int64_t longest = 0;
  Nanos longest_from{};
};

void add_move(std::vector<Move>& moves, Move move) {
  if (moves.size() == kLargestMoves && std::abs(move.change) <= std::abs(moves.back().change)) return;
  const auto at = std::find_if(moves.begin(), moves.end(), [&](const Move& other) {
    return std::abs(other.change) < std::abs(move.change);
  });
  moves.insert(at, move);
  if (moves.size() > kLargestMoves) moves.pop_back();
}

void add_bar(Summary& summary, const Bar& bar) {
  summary.no_volume += bar.volume.value == 0 ? 1 : 0;
  if (summary.kinds[0] > 1) {
    if (summary.previous_close.value > 0) {
      add_move(summary.moves, {static_cast<double>(bar.close.value) /
                                       static_cast<double>(summary.previous_close.value) - 1,
                               bar.close_time});
    }
    const std::int64_t distance = (bar.close_time - summary.previous_time).value;
    ++summary.distances[distance];
    if (distance > summary.longest) {
      summary.longest = distance;
      summary.longest_from = summary.previous_time;
    }
  }
  summary.previous_close = bar.close;
  summary.previous_time = bar.close_time;
}

/// Distances longer than the usual one, beyond what weekends and holidays explain for days.
std::size_t count_gaps(const Summary& summary) {
  if (summary.distances.empty()) return 0;
  const auto usual =
      std::max_element(summary.distances.begin(), summary.distances.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; })->first;
  const std::int64_t allowed = usual < kNanosPerDay    ? usual
                               : usual == kNanosPerDay ? 4 * kNanosPerDay
                                                       : usual + usual / 2;
  std::size_t gaps = 0;
  for (const auto& [distance, count] : summary.distances) gaps += distance > allowed ? count : 0;
  return gaps;
}

Json to_json(const Instrument& instrument, const Summary& summary) {
  Json json = Json::object({{"name", instrument.name},
                            {"rows", summary.rows},
                            {"first", format_bar_end(summary.first)},
                            {"last", format_bar_end(summary.last)},
                            {"currency", instrument.currency},
                            {"tick_size", instrument.tick_size},
                            {"lot_size", instrument.lot_size},
                            {"periods_per_year", instrument.periods_per_year},
                            {"close_only", instrument.close_only},
                            {"total_return", instrument.total_return}});
  if (summary.rows > 0) {
    json["lowest_price"] = instrument.price({summary.lowest});
    json["highest_price"] = instrument.price({summary.highest});
  }
  if (summary.kinds[0] > 0) {
    if (!instrument.close_only) json["bars_without_volume"] = summary.no_volume;
    json["gaps"] = count_gaps(summary);
    if (summary.longest > 0) {
      json["longest_gap"] = Json::object(
          {{"after", format_bar_end(summary.longest_from)},
           {"days", static_cast<double>(summary.longest) / static_cast<double>(kNanosPerDay)}});
    }
    Json moves = Json::array();
    for (const Move& move : summary.moves) {
      moves.push_back(Json::object({{"time", format_bar_end(move.time)}, {"change", move.change}}));
    }
    json["largest_moves"] = std::move(moves);
  } else {
    Json kinds = Json::object();
    for (std::size_t i = 0; i < kKindNames.size(); ++i) {
      if (summary.kinds[i] > 0) kinds[kKindNames[i]] = summary.kinds[i];
    }
    json["events"] = std::move(kinds);
  }
  if (!instrument.metadata.empty()) json["metadata"] = Json::parse(instrument.metadata, instrument.name);
  return json;
}

}  // namespace

Json describe(const Tape& tape) {
  std::vector<Summary> summaries(tape.instruments.size());
  for (const Event& event : tape.events) {
    Summary& summary = summaries[event.instrument];
    if (summary.rows++ == 0) summary.first = event.exchange_time;
    summary.last = event.exchange_time;
    const auto kind = static_cast<std::size_t>(event.kind);
    if (kind < kKindNames.size()) ++summary.kinds[kind];
    std::int64_t low = event.price.value, high = event.price.value;
    if (event.kind == EventKind::Halt || event.kind >= EventKind::Dividend) continue;
    if (event.kind == EventKind::Bar) {
      const Bar& bar = tape.bars[event.payload];
      low = bar.low.value;
      high = bar.high.value;
      add_bar(summary, bar);
    }
    const bool first_price = summary.rows == 1 || (summary.lowest == 0 && summary.highest == 0);
    summary.lowest = first_price ? low : std::min(summary.lowest, low);
    summary.highest = first_price ? high : std::max(summary.highest, high);
  }
  Json instruments = Json::array();
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    instruments.push_back(to_json(tape.instruments[i], summaries[i]));
  }
  Json json = Json::object({{"instruments", std::move(instruments)}, {"rows", tape.events.size()}});
  if (!tape.events.empty()) {
    json["first"] = format_bar_end(tape.events.front().exchange_time);
    json["last"] = format_bar_end(tape.events.back().exchange_time);
  }
  json["content_hash"] = tape.content_hash;
  json["provenance"] = tape.provenance;
  return json;
}

}  // namespace walras::engine
