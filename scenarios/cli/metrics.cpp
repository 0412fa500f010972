#include "scenarios/cli/metrics.hpp"

#include "engine/base/error.hpp"
#include "scenarios/cli/catalog.hpp"
#include "stats/peer_names.hpp"
#include "stats/tear_sheet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace walras::scenarios {
namespace {

struct Figure {
  std::string name, group, unit, formula, assumptions, source;
  std::string resampling;  ///< "interval", "range" or empty
  bool benchmark = false;
};

/// A tear sheet of a made-up record names what is not in the lists of metrics: diagnostics and inference.
std::vector<stats::Evidence> sample_sheet() {
  stats::TearSheetInput input;
  input.net = {"sample", {}, {}, 252, {}};
  for (int t = 0; t < 300; ++t) {
    input.net.times.push_back(Nanos{(18'262LL + t) * kNanosPerDay});
    input.net.returns.push_back(0.01 * std::sin(t * 1.7) + 0.002 * std::sin(t * 0.3));
  }
  const stats::ReturnSeries benchmark = input.net;
  input.benchmark = &benchmark;
  input.trading = stats::TradingFigures{};
  input.resamples.replicates = 0;
  return stats::tear_sheet(input);
}

std::vector<Figure> figures() {
  std::vector<stats::MetricInfo> listed = stats::metric_list();
  const std::vector<stats::MetricInfo> trading = stats::trading_metric_list();
  listed.insert(listed.end(), trading.begin(), trading.end());
  std::vector<Figure> all;
  for (const stats::Evidence& evidence : sample_sheet()) {
    Figure figure{evidence.name, "inference", evidence.unit, evidence.formula, evidence.assumptions, evidence.source, "", false};
    const auto info = std::ranges::find(listed, evidence.name, &stats::MetricInfo::name);
    if (info != listed.end()) {
      figure.group = info->group;
      figure.benchmark = info->needs_benchmark;
      figure.resampling = info->resampling == stats::Resampling::Interval ? "interval" : info->resampling == stats::Resampling::Range ? "range" : "";
    }
    all.push_back(std::move(figure));
  }
  return all;
}

constexpr std::pair<const char*, const char*> kGroups[] = {
    {"return", "What was earned"}, {"risk", "How much returns vary"}, {"ratio", "Return against risk"}, {"drawdown", "Falls below a former peak"},
    {"tail", "Tails"}, {"benchmark", "Against a benchmark"}, {"inference", "Tests and corrections"}, {"trading", "Trading"}};

std::string elsewhere(const std::string& name) {
  std::string text;
  for (const stats::PeerName& peer : stats::peer_names()) {
    const std::string ours = fmt::format(", {}, ", peer.ours);
    if (ours.find(", " + name + ", ") == std::string::npos) continue;
    text += fmt::format("{}{} {}{}", text.empty() ? "" : "; ", peer.library, peer.name, peer.note.empty() ? "" : fmt::format(" ({})", peer.note));
  }
  return text;
}

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\|");
  return text;
}

}  // namespace

std::vector<std::string> figure_names() {
  std::vector<std::string> names;
  for (const Figure& figure : figures()) names.push_back(figure.name);
  return names;
}

std::string figures_text(const std::string& name) {
  std::string out;
  const std::vector<Figure> all = figures();
  if (!name.empty()) {
    const auto found = std::ranges::find(all, name, &Figure::name);
    if (found == all.end()) {
      const std::string near = nearest(name, figure_names());
      fail(Fault::Usage, "walras list metrics", fmt::format("expected one of `walras list metrics`, was '{}'{}", name, near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    out = fmt::format("{}\n  formula      {}\n  unit         {}\n", found->name, found->formula, found->unit);
    if (!found->assumptions.empty()) out += fmt::format("  assumes      {}\n", found->assumptions);
    if (!found->resampling.empty()) out += fmt::format("  resampled    {}\n", found->resampling == "interval" ? "95 % interval" : "range over resampled paths of this length");
    if (found->benchmark) out += "  needs        a benchmark\n";
    if (!found->source.empty()) out += fmt::format("  source       {} (docs/references.bib)\n", found->source);
    if (const std::string names = elsewhere(found->name); !names.empty()) out += fmt::format("  elsewhere    {}\n", names);
    return out;
  }
  for (const auto& [group, title] : kGroups) {
    out += fmt::format("{}{}\n", out.empty() ? "" : "\n", title);
    for (const Figure& figure : all) {
      if (figure.group == group) out += fmt::format("  {:<30} {}\n", figure.name, figure.formula);
    }
  }
  return out;
}

Json figures_json() {
  Json out = Json::object();
  for (const Figure& figure : figures()) {
    out[figure.name] = Json::object({{"group", figure.group}, {"unit", figure.unit}, {"formula", figure.formula}, {"assumptions", figure.assumptions},
                                     {"source", figure.source}, {"resampling", figure.resampling}, {"benchmark", figure.benchmark}});
  }
  return out;
}

std::string figures_documentation() {
  std::string out = "# Figures\n\nWritten by `walras list metrics --docs`; do not edit. Every figure of summary.json, the report and `walras stats`. "
                    "r are simple returns a period, p periods a year, n periods, rf the risk-free rate and MAR the minimum acceptable return a period, "
                    "b the benchmark's returns, `tail` 5 %. Resampled: a 95 % interval, or the range of paths of this length; a figure without either "
                    "is an estimate alone. Sources are keys of [references.bib](references.bib). [statistics.md](statistics.md) says which figure answers which question.\n";
  const std::vector<Figure> all = figures();
  for (const auto& [group, title] : kGroups) {
    out += fmt::format("\n## {}\n\n| figure | formula | unit | assumes | resampled | source |\n|---|---|---|---|---|---|\n", title);
    for (const Figure& figure : all) {
      if (figure.group != group) continue;
      out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", figure.name, cell(figure.formula), cell(figure.unit), cell(figure.assumptions), figure.resampling, figure.source);
    }
  }
  out += "\n## Where figures of other libraries are found\n\n| library | its figure | here | to know |\n|---|---|---|---|\n";
  for (const stats::PeerName& peer : stats::peer_names()) {
    std::string ours;
    for (const char c : peer.ours) ours += c == ',' ? std::string("`,") : c == ' ' ? std::string(" `") : std::string(1, c);
    out += fmt::format("| {} | `{}` | {} | {} |\n", peer.library, peer.name, ours.empty() ? "left out" : "`" + ours + "`", cell(std::string(peer.note)));
  }
  return out;
}

}  // namespace walras::scenarios
