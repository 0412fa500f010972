// A scenario to start from: ten lines that run as they are.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"

#include <fmt/format.h>

#include <array>
#include <iostream>

namespace walras::scenarios {
namespace {

struct Template { std::string_view name, doc, text; };

constexpr std::array<Template, 4> kTemplates{{
    {"library", "daily prices from the data library (walras data fetch sp500)", R"({{
  "walras": 1,
  "name": "{}",
  "instruments": ["AAPL", "MSFT", "XOM"],
  "market": {{"mode": "replay", "source": {{"kind": "library", "name": "sp500"}}}},
  "venue": {{"fees": {{"kind": "basis_points", "bps": 5}}}},
  "strategies": [
    {{"kind": "moving_average", "grid": {{"fast": [10, 20], "slow": [50, 100]}}}}
  ]
}}
)"},
    {"bars", "a CSV of bars of your own", R"({{
  "walras": 1,
  "name": "{}",
  "market": {{"mode": "replay", "source": {{"kind": "ohlcv_csv", "path": "prices.csv"}}}},
  "venue": {{"fees": {{"kind": "basis_points", "bps": 5}}}},
  "strategies": [
    {{"kind": "moving_average", "grid": {{"fast": [10, 20], "slow": [50, 100]}}}}
  ]
}}
)"},
    {"lobster", "an order-book day in the LOBSTER format", R"({{
  "walras": 1,
  "name": "{}",
  "market": {{"mode": "replay", "source": {{"kind": "lobster", "path": "lobster.zip"}}}},
  "strategies": [
    {{"kind": "market_maker"}}
  ]
}}
)"},
    {"generated", "a market that is generated: no data needed", R"({{
  "walras": 1,
  "name": "{}",
  "market": {{"mode": "generated", "generator": {{"kind": "zero_intelligence"}}}},
  "strategies": [
    {{"kind": "market_maker"}}
  ]
}}
)"}}};

int write_new(const Arguments& arguments) {
  const std::filesystem::path file = arguments.text("FILE");
  const std::string kind = arguments.text("--from", "library");
  const Template* chosen = nullptr;
  std::vector<std::string_view> names;
  for (const Template& one : kTemplates) {
    names.push_back(one.name);
    if (one.name == kind) chosen = &one;
  }
  if (chosen == nullptr) fail(Fault::Usage, "--from", fmt::format("expected one of {}, was '{}'", fmt::join(names, ", "), kind));
  if (std::filesystem::exists(file)) fail(Fault::Usage, file.string(), "expected a new file, was there already; nothing was changed");
  write_atomically(file, fmt::format(fmt::runtime(chosen->text), file.stem().string()));
  std::cout << fmt::format("wrote {} ({})\nNext: walras check {}, then walras run {}\n", file.string(), chosen->doc, file.string(), file.string());
  return 0;
}

}  // namespace

Command new_command() {
  return {"new", "write a scenario to start from", {{"FILE", "the file to write"}},
          {{"--from", "KIND", "library, bars, lobster or generated (default: library)"}},
          {"walras new my_study.json", "walras new book.json --from generated"}, write_new};
}

}  // namespace walras::scenarios
