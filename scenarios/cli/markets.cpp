// Markets as such, without a trader in them: flows fitted to a recorded day, and the facts of
// markets side by side.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/catalog.hpp"
#include "engine/data/library.hpp"
#include "engine/flow/calibrate.hpp"
#include "engine/market/tape.hpp"
#include "engine/sim/simulation.hpp"
#include "reports/charts.hpp"
#include "reports/report.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"
#include "scenarios/locations.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>

namespace walras::scenarios {
namespace {

using engine::MarketView;

struct Seen {
  std::string name;
  MarketView view;
};

std::shared_ptr<const engine::Tape> read_book(const std::filesystem::path& file) {
  engine::SourceRegistry registry("source");
  engine::add_sources(registry);
  const Json section =
      Json::object({{"kind", "lobster"}, {"path", std::filesystem::absolute(file).string()}});
  return engine::load_tape(section, "", registry,
                           {std::filesystem::current_path(), engine::Library::default_folder()});
}

/// A recorded day, or one path of a scenario's generated book.
Seen look_at(const std::string& what, std::uint64_t seed) {
  const std::filesystem::path file(what);
  if (file.extension() != ".json") {
    const auto tape = read_book(file);
    return {tape->instruments[0].name, engine::observe(*tape, 0)};
  }
  Scenario scenario = read_scenario(file, {});
  MarketView view;
  with_file(file, [&] {
    if (const Json* mode = scenario.market.find("mode");
        mode == nullptr || *mode != Json("generated")) {
      fail(Fault::Scenario, "/market/mode",
           "expected generated, was another: name the recorded file itself");
    }
    const LoadedRegistries loaded = load_registries(scenario, file);
    const auto plan =
        engine::build_market(scenario.market, scenario.venue, nullptr, loaded.registries->engine);
    view = engine::observe(*plan, seed, 0);
  });
  return {scenario.name, std::move(view)};
}

/// One path of the fitted market, as long as the day but at most two hours.
MarketView play_fitted(const engine::Calibration& fitted, const MarketView& day,
                       std::uint64_t seed) {
  const double length_s = std::min(day.end_s - day.begin_s, 7200.0);
  const Json market = Json::object({{"mode", "generated"},
                                    {"generator", fitted.generator},
                                    {"duration_s", std::floor(length_s)}});
  return engine::observe(
      *engine::build_market(market, Json::object(), nullptr, engine::engine_catalog()), seed, 0);
}

Json scenario_of(const engine::Calibration& fitted, const std::string& name) {
  return Json::object(
      {{"walras", 1},
       {"name", name},
       {"description", "A market fitted to a recorded day by `walras data calibrate`."},
       {"market",
        Json::object(
            {{"mode", "generated"}, {"generator", fitted.generator}, {"duration_s", 3600}})},
       {"strategies", Json::array({Json::object({{"kind", "market_maker"}})})}});
}

int calibrate(const Arguments& arguments) {
  const std::filesystem::path file = arguments.text("FILE");
  const std::string kind = arguments.text("--flow", "hawkes");
  const std::uint64_t seed =
      static_cast<std::uint64_t>(arguments.integer("--seed", 0, 1'000'000'000).value_or(1));
  const Seen day = look_at(file.string(), seed);
  const engine::Calibration fitted = engine::calibrate(day.view, kind);
  const auto far = engine::distances(day.view, play_fitted(fitted, day.view, seed));
  if (arguments.has("--out"))
    write_atomically(arguments.text("--out"),
                     scenario_of(fitted, day.name + "_" + kind).dump(2) + "\n");
  if (arguments.has("--json")) {
    Json parameters = Json::array(), apart = Json::array();
    for (const auto& p : fitted.parameters) {
      parameters.push_back(Json::object({{"name", p.name},
                                         {"unit", p.unit},
                                         {"value", p.value},
                                         {"error", p.error},
                                         {"events", static_cast<std::int64_t>(p.events)}}));
    }
    for (const auto& d : far)
      apart.push_back(Json::object({{"measure", d.measure},
                                    {"method", d.method},
                                    {"model", d.model},
                                    {"halves", d.halves}}));
    print_json("calibration", Json::object({{"market", day.name},
                                            {"flow", kind},
                                            {"generator", fitted.generator},
                                            {"parameters", parameters},
                                            {"distances", apart}}));
    return 0;
  }
  TextTable table({"parameter", "value", "standard error", "unit", "events"}, true);
  for (const auto& p : fitted.parameters)
    table.add({p.name, figure(p.value), figure(p.error), p.unit, std::to_string(p.events)});
  std::cout << fmt::format("{}: {} limit orders and cancels, {} market orders in {:.0f} s\n\n",
                           day.name, day.view.orders.size(), day.view.market_orders.size(),
                           day.view.end_s - day.view.begin_s)
            << table.str() << '\n';
  TextTable apart({"distance", "model to day", "halves of the day", "measured by"}, true);
  std::size_t within = 0;
  for (const auto& d : far) {
    within += d.model <= d.halves ? 1 : 0;
    apart.add({d.measure, figure(d.model), figure(d.halves), d.method});
  }
  std::cout << apart.str()
            << fmt::format(
                   "\nno further from the day than its halves from each other: {} of {} measures\n",
                   within, far.size());
  if (arguments.has("--out")) std::cout << "wrote " << arguments.text("--out") << '\n';
  return 0;
}

std::vector<reports::Point> points(const std::vector<double>& values, double first = 1) {
  std::vector<reports::Point> all;
  for (std::size_t i = 0; i < values.size(); ++i)
    all.push_back({static_cast<double>(i) + first, values[i]});
  return all;
}

/// Share of values larger than x, at a hundred of them.
std::vector<reports::Point> tail(std::vector<double> values, double scale) {
  std::sort(values.begin(), values.end());
  std::vector<reports::Point> all;
  const std::size_t step = std::max<std::size_t>(1, values.size() / 200);
  for (std::size_t i = 0; i < values.size(); i += step) {
    if (values[i] > 0 && scale > 0)
      all.push_back(
          {values[i] / scale, 1 - static_cast<double>(i) / static_cast<double>(values.size())});
  }
  return all;
}

double deviation(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return values.empty() ? 0 : std::sqrt(sum / static_cast<double>(values.size()));
}

reports::Document page(const std::vector<Seen>& seen,
                       const std::vector<engine::MarketSamples>& samples) {
  using namespace reports;
  Document document;
  document.title = "Facts of markets";
  document.about = "What recorded markets have in common, and what generated ones have of it.";
  document.foot = "walras facts";
  TableBlock table{"In numbers",
                   {{"market", Align::Left},
                    {"market orders"},
                    {"limit orders and cancels"},
                    {"mean spread", Align::Right, "ticks"},
                    {"excess kurtosis of 10 s moves"},
                    {"sign autocorrelation, lag 10"},
                    {"of |moves|, lag 5"},
                    {"of moves, lag 1"}},
                   {}};
  const auto at = [](const std::vector<double>& values, std::size_t i) {
    return i < values.size() ? fmt::format("{:.3f}", values[i]) : std::string("-");
  };
  for (std::size_t m = 0; m < seen.size(); ++m) {
    const engine::MarketSamples& s = samples[m];
    const double spread = s.spreads.empty()
                              ? 0
                              : std::accumulate(s.spreads.begin(), s.spreads.end(), 0.0) /
                                    static_cast<double>(s.spreads.size());
    table.rows.push_back({{seen[m].name},
                          {std::to_string(seen[m].view.market_orders.size())},
                          {std::to_string(seen[m].view.orders.size())},
                          {fmt::format("{:.2f}", spread)},
                          {fmt::format("{:.2f}", s.kurtosis)},
                          {at(s.signs, 9)},
                          {at(s.squares, 4)},
                          {at(s.returns, 0)}});
  }
  document.add(std::move(table));
  const auto chart = [&](const char* title, const char* x, const char* y, auto of) {
    std::vector<Curve> curves;
    for (std::size_t m = 0; m < seen.size(); ++m) {
      if (std::vector<Point> line = of(samples[m]); line.size() > 1)
        curves.push_back({seen[m].name, std::move(line)});
    }
    if (!curves.empty()) document.add(line_chart(curves, title, x, y));
  };
  using S = engine::MarketSamples;
  document.add(Heading{2, "Orders"});
  chart("Signs of market orders remember", "market orders between", "autocorrelation",
        [](const S& s) { return points(s.signs); });
  chart("Impact of a market order", "doublings of the number of market orders after it", "ticks",
        [](const S& s) { return points(s.impact, 0); });
  chart("Waiting times cluster", "multiples of the mean wait", "share of longer ones",
        [](const S& s) {
          return tail(s.waits_s,
                      std::accumulate(s.waits_s.begin(), s.waits_s.end(), 0.0) /
                          static_cast<double>(std::max<std::size_t>(1, s.waits_s.size())));
        });
  document.add(Heading{2, "Prices"});
  chart("Moves do not remember", "10-second moves between", "autocorrelation",
        [](const S& s) { return points(s.returns); });
  chart("Their sizes do", "10-second moves between", "autocorrelation of absolute moves",
        [](const S& s) { return points(s.squares); });
  chart("Tails of 10-second moves", "standard deviations", "share of larger ones", [](const S& s) {
    std::vector<double> sizes;
    for (const double move : s.moves) sizes.push_back(std::abs(move));
    return tail(sizes, deviation(s.moves));
  });
  document.add(Heading{2, "Books"});
  chart("Spread", "ticks", "share of time with a wider one",
        [](const S& s) { return tail(s.spreads, 1); });
  chart("Depth by distance from the best price", "ticks from the best price", "lots",
        [](const S& s) { return points(s.profile, 0); });
  return document;
}

int facts(const Arguments& arguments) {
  const std::uint64_t seed =
      static_cast<std::uint64_t>(arguments.integer("--seed", 0, 1'000'000'000).value_or(1));
  std::vector<Seen> seen;
  std::vector<engine::MarketSamples> samples;
  for (const std::string& what : arguments.all("MARKET")) {
    seen.push_back(look_at(what, seed));
    samples.push_back(engine::sample(seen.back().view));
  }
  const std::filesystem::path out = arguments.text("--out", "facts.html");
  reports::write_html(page(seen, samples), out, echarts_file());
  TextTable table({"market", "market orders", "mean wait (s)", "kurtosis", "sign memory, lag 10",
                   "|moves|, lag 5"},
                  true);
  for (std::size_t m = 0; m < seen.size(); ++m) {
    const engine::MarketSamples& s = samples[m];
    const double wait = s.waits_s.empty()
                            ? 0
                            : std::accumulate(s.waits_s.begin(), s.waits_s.end(), 0.0) /
                                  static_cast<double>(s.waits_s.size());
    table.add({seen[m].name, std::to_string(seen[m].view.market_orders.size()), figure(wait),
               figure(s.kurtosis), s.signs.size() > 9 ? figure(s.signs[9]) : "-",
               s.squares.size() > 4 ? figure(s.squares[4]) : "-"});
  }
  std::cout << table.str() << "wrote " << out.string() << '\n';
  return 0;
}

}  // namespace

std::vector<Command> market_commands() {
  return {{"data calibrate",
           "fit a flow to a recorded day, and say how far its market is from it",
           {{"FILE", "a day in LOBSTER's format, or a scenario with a generated book"}},
           {{"--flow", "KIND", "hawkes, zero_intelligence or queue_reactive (default: hawkes)"},
            {"--out", "FILE", "write a scenario with the fitted market"},
            {"--seed", "N", "of the path that is compared (default: 1)"},
            {"--json", "", "print JSON"}},
           {"walras data calibrate GOOG.zip --out goog.json"},
           calibrate},
          {"facts",
           "the facts of markets side by side: tails, memory, impact, spread, depth",
           {{"MARKET", "recorded days and scenarios with generated books", true, true}},
           {{"--out", "FILE", "the page (default: facts.html)"},
            {"--seed", "N", "of generated paths (default: 1)"}},
           {"walras facts GOOG.zip scenarios/hawkes.json"},
           facts}};
}

}  // namespace walras::scenarios
