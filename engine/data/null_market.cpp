#include "engine/data/null_market.hpp"

#include "engine/base/error.hpp"
#include "engine/base/random.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>

namespace walras::engine {
namespace {

constexpr double kLeast = 0.02;  // a move never takes a price below this share of the last close

/// One bar's prices over the close before it.
struct Move {
  double open = 1, high = 1, low = 1, close = 1;
  Lots volume;
};

Move mirrored(const Move& move, double drift, bool turn) {
  if (!turn) return {move.open - drift, move.high - drift, move.low - drift, move.close - drift, move.volume};
  const auto turned = [&](double x) { return 1 - (x - 1 - drift); };
  return {turned(move.open), turned(move.low), turned(move.high), turned(move.close), move.volume};
}

/// One instrument's bars, or a companion's returns, by date.
struct Column {
  std::vector<std::uint32_t> date;      // of each move
  std::vector<Move> moves;
  std::vector<std::uint32_t> next;      // by date: the move of that date, else of the next one that has one, round the end
  double mean = 0;                      // of close - 1
  double beta = 0, own = 0;             // loading on the common factor; deviation of the rest

  [[nodiscard]] const Move& at(std::uint32_t day) const { return moves[next[day]]; }
  void index(std::size_t dates) {
    next.assign(dates, 0);
    std::size_t move = moves.size();
    for (std::size_t day = dates; day-- > 0;) {
      if (move > 0 && date[move - 1] == day) --move;
      next[day] = static_cast<std::uint32_t>(move < moves.size() ? move : 0);
    }
    for (const Move& one : moves) mean += (one.close - 1) / static_cast<double>(moves.size());
  }
};

/// What happens at each date of one world.
struct Plan {
  std::vector<std::uint32_t> from;   // whose moves, or whose shapes of bars
  std::vector<char> turn;            // mirrored
  std::vector<double> common;        // factor
  std::vector<double> scale;         // volatility of the day over the usual one
};

}  // namespace

struct NullMarketMaker::Data {
  std::shared_ptr<const Tape> tape;
  Destruction kind;
  std::size_t block;
  std::vector<Nanos> dates;
  std::vector<Column> columns;               // instruments, then companions
  std::vector<std::vector<std::uint32_t>> bars;  // of each instrument, in order of time
};

namespace {

using Data = NullMarketMaker::Data;

[[noreturn]] void refuse(const std::string& where, const std::string& found) {
  fail(Fault::Scenario, where, fmt::format("expected a market of recorded bars at prices above 0, was {}; name a \"market\" without alpha instead", found));
}

void collect_moves(Data& data, const std::string& where) {
  const Tape& tape = *data.tape;
  data.columns.resize(tape.instruments.size());
  data.bars.resize(tape.instruments.size());
  std::vector<double> dividend(tape.instruments.size(), 0), split(tape.instruments.size(), 1);
  for (const Event& event : tape.events) {
    if (event.kind == EventKind::Dividend) {
      dividend[event.instrument] += static_cast<double>(event.price.value);
      continue;
    }
    if (event.kind == EventKind::Split) {
      split[event.instrument] *= static_cast<double>(event.quantity.value) / event.payload;
      continue;
    }
    if (event.kind == EventKind::Funding) continue;
    if (event.kind != EventKind::Bar) refuse(where, "a recorded order book");
    const Bar& bar = tape.bars[event.payload];
    const std::string& name = tape.instruments[event.instrument].name;
    if (bar.low.value <= 0) refuse(where, fmt::format("{} at {} ticks", name, bar.low.value));
    std::vector<std::uint32_t>& bars = data.bars[event.instrument];
    const auto day = static_cast<std::uint32_t>(std::lower_bound(data.dates.begin(), data.dates.end(), bar.close_time) - data.dates.begin());
    if (!bars.empty()) {
      const auto last = static_cast<double>(tape.bars[bars.back()].close.value);
      const auto ratio = [&](Ticks price) { return (static_cast<double>(price.value) + dividend[event.instrument]) * split[event.instrument] / last; };
      Column& column = data.columns[event.instrument];
      column.date.push_back(day);
      column.moves.push_back({ratio(bar.open), ratio(bar.high), ratio(bar.low), ratio(bar.close), bar.volume});
    }
    dividend[event.instrument] = 0;
    split[event.instrument] = 1;
    bars.push_back(event.payload);
  }
  for (std::size_t i = 0; i < data.columns.size(); ++i) {
    if (data.columns[i].moves.size() < 2) refuse(where, fmt::format("{} with {} bars", tape.instruments[i].name, data.bars[i].size()));
  }
}

/// A factor of variance 1 with loadings that give each column its mean covariance with the others: for all i,
/// loading_i (sum of the others' loadings) = sum of its covariances with them. What a loading leaves of the variance is own.
void fit_factor(Data& data) {
  std::vector<double> sum(data.dates.size(), 0);
  for (const Column& column : data.columns) {
    for (std::size_t i = 0; i < column.moves.size(); ++i) sum[column.date[i]] += column.moves[i].close - 1 - column.mean;
  }
  const std::size_t count = data.columns.size();
  std::vector<double> variance(count, 0), shared(count, 0), loading(count, 0);
  double total = 0;
  for (std::size_t c = 0; c < count; ++c) {
    const Column& column = data.columns[c];
    const auto n = static_cast<double>(column.moves.size());
    for (std::size_t i = 0; i < column.moves.size(); ++i) {
      const double x = column.moves[i].close - 1 - column.mean;
      variance[c] += x * x / n;
      shared[c] += x * (sum[column.date[i]] - x) / n;
    }
    total += shared[c];
  }
  if (total > 0) {  // else nothing is shared
    const double others = static_cast<double>(count - 1);
    for (std::size_t c = 0; c < count; ++c) loading[c] = std::sqrt(std::max(shared[c], 0.0) / others);
    for (int round = 0; round < 200; ++round) {
      const double all = std::accumulate(loading.begin(), loading.end(), 0.0);
      for (std::size_t c = 0; c < count; ++c) {
        const double rest = all - loading[c];
        const double bound = std::sqrt(variance[c]);
        const double next = rest > 0 ? std::clamp(shared[c] / rest, -bound, bound) : 0;
        loading[c] = (loading[c] + next) / 2;  // halfway: full steps swing from side to side
      }
    }
  }
  for (std::size_t c = 0; c < count; ++c) {
    data.columns[c].beta = loading[c];
    data.columns[c].own = std::sqrt(std::max(0.0, variance[c] - loading[c] * loading[c]));
  }
}

/// Student's t with 6 degrees, variance 1.
double shock(Rng& random) { return random.student_t(6) * std::sqrt(4.0 / 6.0); }

Plan plan_world(const Data& data, Rng random) {
  const std::size_t count = data.dates.size();
  Plan plan;
  plan.from.resize(count);
  std::iota(plan.from.begin(), plan.from.end(), 0U);
  plan.turn.assign(count, 0);
  if (data.kind == Destruction::Shuffled) {
    // The first date has no move. A random first cut, so that no place is always the edge of a block.
    const std::size_t cut = 1 + random.below(data.block);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> blocks;
    for (std::size_t begin = 1, end = std::min(cut, count); begin < count; begin = end, end = std::min(begin + data.block, count)) {
      if (end > begin) blocks.emplace_back(begin, end);
    }
    std::vector<std::uint32_t> order(blocks.size());
    std::iota(order.begin(), order.end(), 0U);
    random.shuffle(order);
    std::size_t at = 1;
    for (const std::uint32_t i : order) {
      for (std::uint32_t day = blocks[i].first; day < blocks[i].second; ++day) plan.from[at++] = day;
    }
  } else if (data.kind == Destruction::Signs) {
    const std::size_t cut = random.below(data.block);
    bool turn = false;
    for (std::size_t day = 1; day < count; ++day) {
      if (day == 1 || (day + cut) % data.block == 0) turn = random.bernoulli(0.5);
      plan.turn[day] = turn ? 1 : 0;
    }
  } else {
    double variance = 1;
    plan.common.assign(count, 0);
    plan.scale.assign(count, 1);
    for (std::size_t day = 1; day < count; ++day) {
      plan.from[day] = static_cast<std::uint32_t>(1 + random.below(count - 1));
      const double z = shock(random);
      plan.scale[day] = std::sqrt(variance);
      plan.common[day] = plan.scale[day] * z;
      variance = 0.02 + 0.07 * variance * z * z + 0.91 * variance;
    }
  }
  return plan;
}

/// The shape of a recorded bar around a simulated close.
Move shaped(const Move& shape, double close, bool turn) {
  Move move;
  move.close = std::max(close, kLeast);
  move.open = std::max(kLeast, turn ? 2 - shape.open : shape.open);
  move.high = std::max(move.open, move.close) * std::max(1.0, shape.high / std::max(shape.open, shape.close));
  move.low = std::min(move.open, move.close) * std::min(1.0, shape.low / std::min(shape.open, shape.close));
  move.volume = shape.volume;
  return move;
}

std::vector<Move> moved(const Data& data, const Column& column, const Plan& plan, Rng random) {
  std::vector<Move> moves;
  moves.reserve(column.moves.size());
  for (const std::uint32_t day : column.date) {
    const Move& source = column.at(plan.from[day]);
    if (data.kind == Destruction::Shuffled) {
      moves.push_back(source);
    } else if (data.kind == Destruction::Signs) {
      moves.push_back(mirrored(source, column.mean, plan.turn[day] != 0));
    } else {
      const double close = 1 + column.beta * plan.common[day] + column.own * plan.scale[day] * shock(random);
      moves.push_back(shaped(source, close, random.bernoulli(0.5)));
    }
    Move& move = moves.back();
    for (double* part : {&move.open, &move.high, &move.low, &move.close}) *part = std::max(*part, kLeast);
  }
  return moves;
}

/// Writes an instrument's moves as bars in ticks. Where the path would fall below the lowest price recorded it starts
/// higher, so that ticks stay as fine as they were.
void write_bars(const Data& data, std::size_t instrument, const std::vector<Move>& moves, Tape& tape) {
  const std::vector<std::uint32_t>& bars = data.bars[instrument];
  double level = 1, lowest = 1;
  std::int64_t recorded = tape.bars[bars.front()].low.value;
  for (const Move& move : moves) {
    lowest = std::min(lowest, level * move.low);
    level *= move.close;
  }
  for (const std::uint32_t bar : bars) recorded = std::min(recorded, data.tape->bars[bar].low.value);
  const auto first = static_cast<double>(data.tape->bars[bars.front()].close.value);
  const double scale = std::max(1.0, static_cast<double>(recorded) / (first * lowest));
  const auto ticks = [](double price) { return Ticks{std::max<std::int64_t>(1, std::llround(std::min(price, 9e15)))}; };
  const bool close_only = tape.instruments[instrument].close_only;
  double close = first * scale;
  Bar& start = tape.bars[bars.front()];
  for (Ticks* price : {&start.open, &start.high, &start.low, &start.close}) *price = ticks(static_cast<double>(price->value) * scale);
  for (std::size_t i = 0; i < moves.size(); ++i) {
    Bar& bar = tape.bars[bars[i + 1]];
    const Move& move = moves[i];
    bar.close = ticks(close * move.close);
    bar.open = close_only ? bar.close : ticks(close * move.open);
    bar.high = close_only ? bar.close : std::max({bar.open, bar.close, ticks(close * move.high)});
    bar.low = close_only ? bar.close : std::min({bar.open, bar.close, ticks(close * move.low)});
    bar.volume = move.volume;
    close *= move.close;
  }
}

}  // namespace

std::vector<Nanos> NullMarketMaker::dates(const Tape& tape) {
  std::vector<Nanos> times;
  for (const Event& event : tape.events) {
    if (event.kind == EventKind::Bar && (times.empty() || times.back() != event.exchange_time)) times.push_back(event.exchange_time);
  }
  return times;
}

NullMarketMaker::NullMarketMaker(std::shared_ptr<const Tape> tape, Destruction kind, std::size_t block,
                                 std::vector<std::vector<double>> companions, const std::string& where) {
  expects(block >= 1, "a block of at least one date");
  auto data = std::make_unique<Data>();
  data->tape = std::move(tape);
  data->kind = kind;
  data->block = block;
  data->dates = dates(*data->tape);
  if (data->dates.size() < 3) refuse(where, fmt::format("{} dates", data->dates.size()));
  collect_moves(*data, where);
  for (const std::vector<double>& returns : companions) {
    expects(returns.size() == data->dates.size(), "a companion's return on each date");
    Column column;
    for (std::size_t day = 1; day < returns.size(); ++day) {
      column.date.push_back(static_cast<std::uint32_t>(day));
      const double ratio = std::max(1 + returns[day], kLeast);
      column.moves.push_back({ratio, ratio, ratio, ratio, Lots{}});
    }
    data->columns.push_back(std::move(column));
  }
  for (Column& column : data->columns) column.index(data->dates.size());
  fit_factor(*data);
  data_ = std::move(data);
}

NullMarketMaker::~NullMarketMaker() = default;

NullMarket NullMarketMaker::draw(std::uint64_t seed, std::uint64_t world) const {
  const Rng random(seed, "null market", world);
  const Plan plan = plan_world(*data_, random.child("dates"));
  Tape tape;
  tape.instruments = data_->tape->instruments;
  tape.bars = data_->tape->bars;
  for (const Event& event : data_->tape->events) {
    if (event.kind == EventKind::Bar) tape.events.push_back(event);
  }
  NullMarket market;
  for (std::size_t c = 0; c < data_->columns.size(); ++c) {
    const std::vector<Move> moves = moved(*data_, data_->columns[c], plan, random.child("column", c));
    if (c < data_->bars.size()) {
      write_bars(*data_, c, moves, tape);
      continue;
    }
    std::vector<double> returns{0};
    for (const Move& move : moves) returns.push_back(move.close - 1);
    market.companions.push_back(std::move(returns));
  }
  for (Event& event : tape.events) {
    event.price = tape.bars[event.payload].close;
    event.quantity = tape.bars[event.payload].volume;
  }
  market.tape = finish_tape(std::move(tape));
  return market;
}

}  // namespace walras::engine
