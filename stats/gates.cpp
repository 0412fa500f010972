// The gates of verdict.hpp: a comparison is read, looked up among the figures, and answered in
// words.
#include "stats/verdict.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace walras::stats {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

[[noreturn]] void refuse(std::string_view expression, std::string_view why) {
  fail(Fault::Usage, fmt::format("--fail-if '{}'", expression),
       fmt::format("expected NAME[.low|.high|.p_value] <, <=, >, >=, == or != NUMBER, {}", why));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string nearest(std::string_view name, std::span<const Evidence> evidence) {
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (const Evidence& entry : evidence)
    ranked.emplace_back(edit_distance(name, entry.name), entry.name);
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, ranked.size()); ++i) {
    text += (text.empty() ? "" : ", ") + ranked[i].second;
  }
  return text;
}

bool holds(double value, Gate::Comparison comparison, double threshold) {
  switch (comparison) {
    case Gate::Comparison::Less:
      return value < threshold;
    case Gate::Comparison::LessEqual:
      return value <= threshold;
    case Gate::Comparison::Greater:
      return value > threshold;
    case Gate::Comparison::GreaterEqual:
      return value >= threshold;
    case Gate::Comparison::Equal:
      return value == threshold;
    case Gate::Comparison::NotEqual:
      return value != threshold;
  }
  return true;
}

std::string_view suffix(Gate::Part part) {
  switch (part) {
    case Gate::Part::Estimate:
      return "";
    case Gate::Part::Low:
      return ".low";
    case Gate::Part::High:
      return ".high";
    case Gate::Part::PValue:
      return ".p_value";
  }
  return "";
}

}  // namespace

Gate parse_gate(std::string_view expression) {
  using enum Gate::Comparison;
  Gate gate;
  gate.expression = trimmed(expression);
  const std::size_t at = expression.find_first_of("<>=!");
  if (at == std::string_view::npos) refuse(expression, "was no comparison");
  std::size_t length = 1;
  const char first = expression[at];
  const bool with_equals = at + 1 < expression.size() && expression[at + 1] == '=';
  if (with_equals) length = 2;
  if (first == '<') gate.comparison = with_equals ? LessEqual : Less;
  if (first == '>') gate.comparison = with_equals ? GreaterEqual : Greater;
  if (first == '=' || first == '!') {
    if (!with_equals) refuse(expression, fmt::format("was '{}'", first));
    gate.comparison = first == '=' ? Equal : NotEqual;
  }

  std::string_view name = trimmed(expression.substr(0, at));
  constexpr std::array kParts{Gate::Part::Low, Gate::Part::High, Gate::Part::PValue};
  for (const Gate::Part part : kParts) {
    if (!name.ends_with(suffix(part))) continue;
    gate.part = part;
    name.remove_suffix(suffix(part).size());
    break;
  }
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!plain)
    refuse(expression, fmt::format("was the name '{}'", trimmed(expression.substr(0, at))));
  gate.metric = name;

  const std::string_view number = trimmed(expression.substr(at + length));
  const char* end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, gate.threshold);
  if (error != std::errc() || stop != end || !std::isfinite(gate.threshold)) {
    refuse(expression, fmt::format("was the number '{}'", number));
  }
  return gate;
}

GateResult evaluate(const Gate& gate, std::span<const Evidence> evidence) {
  const auto found = std::find_if(evidence.begin(), evidence.end(),
                                  [&](const Evidence& entry) { return entry.name == gate.metric; });
  if (found == evidence.end()) {
    fail(Fault::Usage, fmt::format("--fail-if '{}'", gate.expression),
         fmt::format("expected the name of a figure, was {}; did you mean {}?", gate.metric,
                     nearest(gate.metric, evidence)));
  }
  GateResult result{gate.expression, true, ""};
  const std::string name = gate.metric + std::string(suffix(gate.part));
  std::optional<double> value = found->estimate;
  const std::optional<Bounds>& bounds = found->interval ? found->interval : found->range;
  if (gate.part == Gate::Part::Low) value = bounds ? std::optional(bounds->low) : std::nullopt;
  if (gate.part == Gate::Part::High) value = bounds ? std::optional(bounds->high) : std::nullopt;
  if (gate.part == Gate::Part::PValue) value = found->p_value;
  if (!value) {
    // A figure that cannot be computed gives no comfort: the gate is shut.
    result.found = fmt::format(
        "no {}: {}", name, found->reason.empty() ? "the figure has no such part" : found->reason);
    return result;
  }
  result.failed = holds(*value, gate.comparison, gate.threshold);
  result.found = fmt::format("{} = {:.6g}", name, *value);
  return result;
}

}  // namespace walras::stats
