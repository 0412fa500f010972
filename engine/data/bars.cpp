#include "engine/data/bars.hpp"

#include "engine/base/error.hpp"
#include "engine/market/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace walras::engine {
namespace {

constexpr int kMostDecimals = 8;  // of a detected tick or lot size
constexpr std::int64_t kSecond = kNanosPerSecond;

/// Distance from bar to bar.
struct Spacing {
  enum class Unit : std::uint8_t { Time, Day, Week, Month, Days };
  Unit unit = Unit::Day;
  Nanos interval{kNanosPerDay};
  bool stamp_is_first = true;  ///< the stamp names the start of the bar
  std::string stamp_text;
};

/// Differences of successive stamps, with how often each occurs.
std::map<std::int64_t, std::size_t> differences(const std::vector<RawSeries>& all) {
  constexpr std::size_t kEnough = 200'000;
  std::map<std::int64_t, std::size_t> counts;
  std::size_t seen = 0;
  for (const RawSeries& series : all) {
    for (std::size_t i = 1; i < series.bars.size() && seen < kEnough; ++i, ++seen) {
      ++counts[(series.bars[i].stamp - series.bars[i - 1].stamp).value];
    }
  }
  return counts;
}

std::int64_t median(const std::map<std::int64_t, std::size_t>& counts) {
  std::size_t total = 0;
  for (const auto& [value, count] : counts) total += count;
  std::size_t below = 0;
  for (const auto& [value, count] : counts) {
    below += count;
    if (2 * below >= total) return value;
  }
  return kNanosPerDay;
}

std::int64_t most_frequent(const std::map<std::int64_t, std::size_t>& counts) {
  const auto best = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
    return a.second < b.second;
  });
  return best->first;
}

bool all_at_midnight(const std::vector<RawSeries>& all) {
  for (const RawSeries& series : all) {
    for (const RawBar& bar : series.bars) {
      if (bar.stamp.value % kNanosPerDay != 0) return false;
    }
  }
  return true;
}

/// Bars after a break in trading tell which end is stamped: a session opens on a quarter of an hour, so the first
/// stamp is such a time when it names the open, and one interval later when it names the close.
bool sessions_say_close(const std::vector<RawSeries>& all, std::int64_t interval) {
  constexpr std::int64_t kQuarter = 900 * kSecond;
  if (interval >= kQuarter) return false;
  std::size_t breaks = 0, open = 0, close = 0;
  for (const RawSeries& series : all) {
    for (std::size_t i = 1; i < series.bars.size(); ++i) {
      const std::int64_t stamp = series.bars[i].stamp.value;
      if (stamp - series.bars[i - 1].stamp.value < 2 * kQuarter) continue;
      ++breaks;
      open += stamp % kQuarter == 0 ? 1 : 0;
      close += (stamp - interval) % kQuarter == 0 ? 1 : 0;
    }
  }
  return breaks >= 5 && close > open && 2 * close >= breaks;
}

/// Share of stamps on the given weekday (0 = Sunday), or on the first of a month for -1.
double share(const std::vector<RawSeries>& all, int day) {
  std::size_t total = 0, hits = 0;
  for (const RawSeries& series : all) {
    for (const RawBar& bar : series.bars) {
      const std::int64_t days = day_of(bar.stamp);
      hits += (day >= 0 ? weekday(days) == day : civil_from_days(days).day == 1) ? 1 : 0;
      ++total;
    }
  }
  return total == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(total);
}

Spacing detect_spacing(const std::vector<RawSeries>& all, const BarLayout& layout,
                       const std::string& file) {
  Spacing spacing;
  const auto counts = differences(all);
  const bool dates = layout.dates || all_at_midnight(all);
  if (layout.interval_s) {
    spacing.interval = {*layout.interval_s * kSecond};
  } else if (!counts.empty()) {
    spacing.interval = {dates ? median(counts) : most_frequent(counts)};
  } else if (!dates) {
    fail(Fault::Data, file, "expected two rows or interval_s, found one row of unknown duration");
  }
  if (!dates) {
    spacing.unit = Spacing::Unit::Time;
    const bool close = layout.stamp == StampMeaning::Close ||
                       (layout.stamp == StampMeaning::Auto &&
                        sessions_say_close(all, spacing.interval.value));
    spacing.stamp_is_first = !close;
    spacing.stamp_text = fmt::format(
        "bar {}{}", close ? "close" : "open",
        layout.stamp != StampMeaning::Auto ? ", as given"
        : close                            ? ", detected from the first bars of sessions"
                                           : ", assumed: bars are never seen early");
    return spacing;
  }
  const auto days = spacing.interval.value / kNanosPerDay;
  if (days <= 4) {
    spacing.unit = Spacing::Unit::Day;
    spacing.interval = {kNanosPerDay};
    spacing.stamp_text = "day: bars end with their UTC day";
    return spacing;
  }
  spacing.unit = days <= 8                 ? Spacing::Unit::Week
                 : days >= 26 && days < 33 ? Spacing::Unit::Month
                                           : Spacing::Unit::Days;
  spacing.stamp_is_first = layout.stamp == StampMeaning::Open;
  if (layout.stamp == StampMeaning::Auto) {
    spacing.stamp_is_first = spacing.unit == Spacing::Unit::Week ? share(all, 1) > 0.5
                                                                 : share(all, -1) > 0.5;
  }
  spacing.stamp_text = spacing.stamp_is_first ? "first day of the bar" : "last day of the bar";
  return spacing;
}

std::string interval_text(const Spacing& spacing) {
  switch (spacing.unit) {
    case Spacing::Unit::Day: return "1 day";
    case Spacing::Unit::Week: return "1 week";
    case Spacing::Unit::Month: return "1 month";
    case Spacing::Unit::Days:
      return fmt::format("{} days", spacing.interval.value / kNanosPerDay);
    case Spacing::Unit::Time: break;
  }
  return fmt::format("{} s", static_cast<double>(spacing.interval.value) /
                                 static_cast<double>(kSecond));
}

/// 252 or 365 days a year by whether Saturdays trade; within the day times the bars seen on a trading day.
double periods_per_year(const std::vector<RawSeries>& all, const Spacing& spacing) {
  switch (spacing.unit) {
    case Spacing::Unit::Week: return 52;
    case Spacing::Unit::Month: return 12;
    case Spacing::Unit::Days:
      return std::round(365.25 * static_cast<double>(kNanosPerDay) /
                        static_cast<double>(spacing.interval.value));
    case Spacing::Unit::Day:
    case Spacing::Unit::Time: break;
  }
  const double days_a_year = share(all, 6) > 0.01 ? 365 : 252;
  if (spacing.unit == Spacing::Unit::Day) return days_a_year;
  const auto longest =
      std::max_element(all.begin(), all.end(), [](const RawSeries& a, const RawSeries& b) {
        return a.bars.size() < b.bars.size();
      });
  const std::int64_t first = day_of(longest->bars.front().stamp);
  const std::int64_t last = day_of(longest->bars.back().stamp);
  const bool inner_only = last - first >= 4;  // the first and last day are usually cut
  std::size_t bars = 0, days = 0;
  std::int64_t previous = first - 1;
  for (const RawBar& bar : longest->bars) {
    const std::int64_t day = day_of(bar.stamp);
    if (inner_only && (day == first || day == last)) continue;
    ++bars;
    const int of_week = weekday(day);
    if (day != previous && (days_a_year == 365 || (of_week != 0 && of_week != 6))) ++days;
    previous = day;
  }
  const double whole_day = static_cast<double>(kNanosPerDay) /
                           static_cast<double>(spacing.interval.value);
  double bars_a_day = days == 0 ? whole_day : static_cast<double>(bars) / static_cast<double>(days);
  if (days_a_year == 365 && bars_a_day >= 0.9 * whole_day) bars_a_day = whole_day;
  return days_a_year * bars_a_day;
}

/// Decimals of a number once it is rounded to `most`; trailing zeros do not count.
int decimals_within(const Decimal& number, int most) {
  if (number.decimals() <= most) return number.decimals();
  const auto rounded = scale(number, Decimal{1, -most});
  if (!rounded) return 0;
  std::int64_t count = rounded->count;
  int decimals = most;
  for (; decimals > 0 && count % 10 == 0; --decimals) count /= 10;
  return decimals;
}

struct Sizes {
  Decimal tick{1, 0}, lot{1, 0};
};

Sizes choose_sizes(const RawSeries& series, const InstrumentTerms& terms, const BarLayout& layout) {
  Sizes sizes;
  if (terms.tick_size) {
    sizes.tick = shortest_decimal(*terms.tick_size);
  } else {
    int most = 0;
    const auto consider = [&](const Decimal& price) {
      if (most < kMostDecimals) most = std::max(most, decimals_within(price, kMostDecimals));
    };
    for (const RawBar& bar : series.bars) {
      consider(layout.scale ? bar.adjusted : bar.close);
      if (layout.close_only || layout.scale) continue;
      consider(bar.open);
      consider(bar.high);
      consider(bar.low);
    }
    for (const RawAction& action : series.actions) {
      if (action.kind == EventKind::Dividend) consider(action.value);  // paid in ticks
    }
    sizes.tick = {1, -most};
  }
  if (terms.lot_size) {
    sizes.lot = shortest_decimal(*terms.lot_size);
  } else if (layout.volume) {
    // A tick of a lot must be a whole number of 1e-12 currency units.
    const int room = 12 - sizes.tick.decimals() - shortest_decimal(terms.multiplier).decimals();
    const int cap = std::clamp(room, 0, kMostDecimals);
    int most = 0;
    Decimal largest;
    for (const RawBar& bar : series.bars) {
      if (most < cap) most = std::max(most, decimals_within(bar.volume, cap));
      if (compare(largest, bar.volume) < 0) largest = bar.volume;
    }
    while (most > 0 && largest.value() * std::pow(10.0, most) > 1e15) --most;
    sizes.lot = {1, -most};
  }
  return sizes;
}

class Rounding {
 public:
  Rounding(const std::string& file, const std::string& instrument)
      : file_(file), instrument_(instrument) {}

  std::int64_t operator()(const Decimal& value, const Decimal& step, const RawBar& bar,
                          std::string_view what) {
    const auto scaled = scale(value, step);
    if (!scaled) {
      fail(Fault::Data, file_,
           fmt::format("expected a {} of {} at {} that fits 64-bit counts of {}, was {}; choose a "
                       "larger {}",
                       what, instrument_, format_time(bar.stamp), step.value(), value.value(),
                       what == "price" ? "tick_size" : "lot_size"));
    }
    if (!scaled->exact) {
      // 14.312999999999999 for 14.313 is noise of binary numbers, not a loss.
      const double written = value.value();
      const double kept = static_cast<double>(scaled->count) * step.value();
      rounded_ += std::abs(kept - written) > 1e-12 * std::abs(written) ? 1 : 0;
    }
    return scaled->count;
  }
  [[nodiscard]] std::size_t rounded() const { return rounded_; }

 private:
  const std::string& file_;
  const std::string& instrument_;
  std::size_t rounded_ = 0;
};

/// Times of bar i.
std::pair<Nanos, Nanos> bar_times(const std::vector<RawBar>& bars, std::size_t i,
                                  const Spacing& spacing) {
  const Nanos stamp = bars[i].stamp;
  const Nanos next = i + 1 < bars.size() ? bars[i + 1].stamp : Nanos::max();
  const bool calendar = spacing.unit != Spacing::Unit::Time;
  Nanos begin = stamp, end = stamp;  // [begin, end)
  if (spacing.unit == Spacing::Unit::Day) {
    end = stamp + Nanos{kNanosPerDay};
  } else if (spacing.stamp_is_first) {
    end = stamp + spacing.interval;
    if (spacing.unit == Spacing::Unit::Month) {
      const CivilDate date = civil_from_days(day_of(stamp));
      end = stamp + Nanos{days_in_month(date.year, date.month) * kNanosPerDay};
    }
    end = std::min(end, next);
  } else {
    end = calendar ? stamp + Nanos{kNanosPerDay} : stamp;
    begin = end - spacing.interval;
    if (i > 0) {
      const Nanos before = bars[i - 1].stamp + Nanos{calendar ? kNanosPerDay : 0};
      begin = calendar ? before : std::max(begin, before);
    }
  }
  return {begin, end - Nanos{1}};
}

/// Puts what happens before bar `raw` opens on the tape.
void append_actions(Tape& tape, InstrumentId id, const RawSeries& series, std::size_t& next, const RawBar& raw, Nanos time, const std::string& file) {
  const Instrument& instrument = tape.instruments[id];
  for (; next < series.actions.size() && series.actions[next].stamp <= raw.stamp; ++next) {
    const RawAction& action = series.actions[next];
    Event event;
    event.exchange_time = event.local_time = time;
    event.instrument = id;
    event.kind = action.kind;
    if (action.kind == EventKind::Dividend) {
      event.price = instrument.ticks(action.value.value());
      if (event.price.value == 0) continue;
    } else if (action.kind == EventKind::Split) {
      const auto ratio = split_ratio(action.value);
      if (!ratio) {
        fail(Fault::Data, file,
             fmt::format("expected a split of {} at {} as new shares for each old one, up to 6 digits, was {}", series.name, format_time(action.stamp), action.value.value()));
      }
      event.payload = static_cast<std::uint32_t>(ratio->from);
      event.quantity = {ratio->to};
    } else {
      event.quantity = {std::llround(action.value.value() * 1e9)};
    }
    tape.events.push_back(event);
  }
}

Bar convert(const RawBar& raw, const Sizes& sizes, const BarLayout& layout, Rounding& prices,
            Rounding& volumes) {
  Bar bar{};
  if (layout.scale) {
    // The adjusted close itself is exact; the other three follow in proportion and are kept around it.
    const double factor = raw.adjusted.value() / raw.close.value();
    const auto scaled = [&](const Decimal& price) {
      return prices(shortest_decimal(price.value() * factor), sizes.tick, raw, "price");
    };
    bar.close = {prices(raw.adjusted, sizes.tick, raw, "price")};
    bar.open = {scaled(raw.open)};
    bar.high = std::max({Ticks{scaled(raw.high)}, bar.open, bar.close});
    bar.low = std::min({Ticks{scaled(raw.low)}, bar.open, bar.close});
  } else {
    bar.close = {prices(raw.close, sizes.tick, raw, "price")};
    bar.open = bar.high = bar.low = bar.close;
    if (!layout.close_only) {
      bar.open = {prices(raw.open, sizes.tick, raw, "price")};
      bar.high = {prices(raw.high, sizes.tick, raw, "price")};
      bar.low = {prices(raw.low, sizes.tick, raw, "price")};
    }
  }
  if (layout.volume) bar.volume = {volumes(raw.volume, sizes.lot, raw, "volume")};
  return bar;
}

}  // namespace

std::optional<SplitRatio> split_ratio(const Decimal& value) {
  SplitRatio ratio{1, value.mantissa};
  for (int i = 0; i < value.exponent; ++i) ratio.to = ratio.to > 1'000'000 ? ratio.to : ratio.to * 10;
  for (int i = value.exponent; i < 0; ++i) ratio.from = ratio.from > 1'000'000'000'000 ? ratio.from : ratio.from * 10;
  const std::int64_t common = std::gcd(ratio.from, ratio.to);
  if (common == 0) return std::nullopt;
  ratio.from /= common;
  ratio.to /= common;
  if (ratio.to <= 0 || ratio.to > 1'000'000 || ratio.from > 1'000'000) return std::nullopt;
  return ratio;
}

Json append_bars(Tape& tape, std::vector<RawSeries> series, const InstrumentTerms& terms,
                 const BarLayout& layout, const std::string& file) {
  std::erase_if(series, [](const RawSeries& one) { return one.bars.empty(); });
  if (series.empty()) fail(Fault::Data, file, "expected rows with values, found none");
  const Spacing spacing = detect_spacing(series, layout, file);
  const double a_year = terms.periods_per_year.value_or(periods_per_year(series, spacing));
  Json detected = Json::object({{"interval", interval_text(spacing)},
                                {"stamp", spacing.stamp_text},
                                {"periods_per_year", a_year}});
  Json by_instrument = Json::object();
  std::size_t total = 0;
  for (const RawSeries& one : series) total += one.bars.size();
  tape.bars.reserve(tape.bars.size() + total);
  tape.events.reserve(tape.events.size() + total);
  for (const RawSeries& one : series) {
    const Sizes sizes = choose_sizes(one, terms, layout);
    Rounding prices(file, one.name), volumes(file, one.name);
    Instrument instrument;
    instrument.name = one.name;
    instrument.currency = terms.currency;
    instrument.tick_size = sizes.tick.value();
    instrument.lot_size = sizes.lot.value();
    instrument.multiplier = terms.multiplier;
    instrument.negative_prices = terms.negative_prices;
    instrument.close_only = layout.close_only;
    instrument.total_return = terms.total_return || layout.scale;
    instrument.periods_per_year = a_year;
    if (!terms.metadata.is_null()) instrument.metadata = terms.metadata.dump();
    const auto id = static_cast<InstrumentId>(tape.instruments.size());
    tape.instruments.push_back(std::move(instrument));
    std::size_t action = 0;
    for (std::size_t i = 0; i < one.bars.size(); ++i) {
      const RawBar& raw = one.bars[i];
      Bar bar = convert(raw, sizes, layout, prices, volumes);
      if (bar.low.value <= 0 && !terms.negative_prices) {
        fail(Fault::Data, file,
             fmt::format("expected prices of {} of at least half a tick of {}, was {} at {}; give "
                         "a smaller tick_size",
                         one.name, sizes.tick.value(), raw.low.value(), format_time(raw.stamp)));
      }
      std::tie(bar.open_time, bar.close_time) = bar_times(one.bars, i, spacing);
      append_actions(tape, id, one, action, raw, bar.open_time, file);
      tape.append(id, bar);
    }
    by_instrument[one.name] = Json::object({{"bars", one.bars.size()},
                                            {"tick_size", sizes.tick.value()},
                                            {"lot_size", sizes.lot.value()},
                                            {"prices_rounded", prices.rounded()},
                                            {"volumes_rounded", volumes.rounded()}});
  }
  detected["instruments"] = std::move(by_instrument);
  return detected;
}

}  // namespace walras::engine
