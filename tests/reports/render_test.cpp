#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "reports/format.hpp"
#include "reports/report.hpp"
#include "tests/reports/demo.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <limits>
#include <unistd.h>

using namespace walras;
using namespace walras::reports;

namespace {

/// The page's text as a reader gets it: markup dropped, entities resolved.
std::string text_of(std::string_view html) {
  const std::size_t body = html.find("<body>"), end = html.find("<script type=\"application/json\"");
  std::string out;
  for (std::size_t i = body; i < end; ++i) {
    if (html[i] == '<') {
      i = html.find('>', i);
      out += '\n';
    } else if (html[i] == '&') {
      const std::size_t stop = html.find(';', i);
      const std::string_view entity = html.substr(i + 1, stop - i - 1);
      out += entity == "lt" ? "<" : entity == "gt" ? ">" : entity == "amp" ? "&" : entity == "quot" ? "\"" : entity == "#39" ? "'" : "?";
      i = stop;
    } else {
      out += html[i];
    }
  }
  return out;
}

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// Stands for ECharts where a test only looks at the page around it.
constexpr std::string_view kNoCharts = "var echarts;";

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("walras-reports-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

std::filesystem::path echarts_of_tree() { return find_echarts({}, tests::source_root(), {}); }

bool in_ci() {
  const char* ci = std::getenv("CI");
  return ci != nullptr && std::string_view(ci) == "true";
}

}  // namespace

TEST_CASE("every text of the document stands on the page, in order") {
  const tests::Demo made = tests::demo();
  const Document document = run_report(tests::input_of(made));
  const std::string page = text_of(to_html(document, kNoCharts));
  std::size_t at = 0, missing = 0;
  std::vector<std::string> said = texts(document);
  REQUIRE(said.size() > 500);
  said.erase(said.begin(), said.begin() + 2);  // title and subtitle stand in the header
  for (const std::string& text : said) {
    const std::size_t found = page.find(text, at);
    if (found == std::string::npos) {
      MESSAGE("missing or out of order: " << text);
      ++missing;
    } else {
      at = found;
    }
  }
  CHECK(missing == 0);
}

TEST_CASE("figures are printed as their evidence says") {
  const tests::Demo made = tests::demo();
  const std::string page = text_of(to_html(run_report(tests::input_of(made)), kNoCharts));
  for (const StrategyReport& strategy : made.input.strategies)
    for (const stats::Evidence& evidence : strategy.out_of_sample_metrics) {
      CAPTURE(evidence.name);
      CHECK(page.find(estimate(evidence)) != std::string::npos);
    }
}

TEST_CASE("the verdict comes first and repeats what must be known") {
  const tests::Demo made = tests::demo();
  const Document document = run_report(tests::input_of(made));
  REQUIRE(std::holds_alternative<VerdictStrip>(document.blocks.front().content));
  const auto& strip = std::get<VerdictStrip>(document.blocks.front().content);
  CHECK(strip.headline == "No strategy has shown skill");
  REQUIRE(strip.notes.size() == 1);
  CHECK(strip.notes[0].find("hindsight") != std::string::npos);
  const std::string page = text_of(to_html(document, kNoCharts));
  CHECK(page.find("Verdict") < page.find("Provenance\n"));
  std::size_t at = page.rfind("No strategy has shown skill");
  for (const char* chapter : {"\nProvenance\n", "\nPerformance\n", "\nReturns\n", "\nPositions and exposure\n", "\nTrades\n", "\nCosts: from gross to net\n", "\nWalk-forward\n",
                              "\nSignificance\n", "\nAppendix\n"}) {
    CAPTURE(chapter);
    const std::size_t found = page.find(chapter, at);
    CHECK(found != std::string::npos);
    at = found;
  }
}

TEST_CASE("hostile names stay text") {
  tests::Demo made = tests::demo(64);
  const std::string hostile = "</script><img src=x onerror=alert(1)>\"'&\x01\xff";
  made.input.title = hostile;
  made.input.benchmark = hostile;
  made.input.provenance.version = "*/ } </style><b>" + hostile;
  made.input.scenario["name"] = hostile;
  made.instruments[0].name = hostile;
  for (auto& record : made.records)
    if (record.strategy == made.input.strategies[0].name) record.strategy = hostile;
  made.input.verdict.strategies[0].name = hostile;
  made.input.verdict.strategies[0].words = hostile;
  made.input.strategies[0].name = hostile;
  made.input.scenario = Json::object({{"name", "</script><img>"}});
  const ReportInput input = tests::input_of(made);
  // Bytes that are no UTF-8 cannot be JSON; they are refused there, and replaced in texts.
  std::string html;
  try {
    html = to_html(run_report(input), kNoCharts);
  } catch (const Error&) {
    for (std::string* text : {&made.input.title, &made.input.benchmark, &made.input.strategies[0].name, &made.input.verdict.strategies[0].name, &made.instruments[0].name})
      text->resize(text->size() - 1);
    for (auto& record : made.records)
      if (record.strategy == hostile) record.strategy.resize(record.strategy.size() - 1);
    html = to_html(run_report(tests::input_of(made)), kNoCharts);
  }
  CHECK(html.find("<img") == std::string::npos);
  CHECK(html.find("<b>") == std::string::npos);
  CHECK(occurrences(html, "</script") == 3);
  CHECK(occurrences(html, "</style") == 1);
  CHECK(html.find('\x01') == std::string::npos);
  CHECK(html.find('\xff') == std::string::npos);
}

TEST_CASE("the page asks for nothing from any network") {
  const tests::Demo made = tests::demo(64);
  const std::string html = to_html(run_report(tests::input_of(made)), kNoCharts);
  for (const char* part : {"http:", "https:", " src=", "@import", "url(", "href=\"/", "<link", "<iframe", "fetch("}) {
    CAPTURE(part);
    CHECK(html.find(part) == std::string::npos);
  }
  CHECK(occurrences(html, "href=") == occurrences(html, "href=\"#"));
  CHECK(html.find("default-src 'none'") != std::string::npos);
  CHECK(html.find("'unsafe-eval'") == std::string::npos);
}

TEST_CASE("elements nest and close, names of elements are unique, and every reference has its target") {
  const tests::Demo made = tests::demo(252, 2);
  const std::string html = to_html(run_report(tests::input_of(made)), kNoCharts);
  std::vector<std::string> open, ids, references;
  std::size_t wrong = 0;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const std::size_t end = html.find('>', at);
    const std::string tag = html.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find(' '));
    if (name == "!doctype" || name == "meta") continue;
    if (name[0] == '/') {
      if (open.empty() || "/" + open.back() != name) ++wrong;
      if (!open.empty()) open.pop_back();
      continue;
    }
    open.push_back(name);
    const auto value = [&](const std::string& key) {
      const std::size_t found = tag.find(" " + key + "=\"");
      const std::size_t begin = found + key.size() + 3;
      return found == std::string::npos ? std::string() : tag.substr(begin, tag.find('"', begin) - begin);
    };
    if (const std::string id = value("id"); !id.empty()) {
      if (std::find(ids.begin(), ids.end(), id) != ids.end()) ++wrong;
      ids.push_back(id);
    }
    if (const std::string label = value("aria-labelledby"); !label.empty()) references.push_back(label);
    if (const std::string link = value("href"); !link.empty()) references.push_back(link.substr(1));
    if (name == "script" || name == "style") at = html.find("</" + name, at) - 1;  // their text is no markup
  }
  CHECK(wrong == 0);
  CHECK(open.empty());
  for (const std::string& reference : references) {
    CAPTURE(reference);
    CHECK(std::find(ids.begin(), ids.end(), reference) != ids.end());
  }
  CHECK(occurrences(html, "<table") == occurrences(html, "<caption"));
  CHECK(occurrences(html, "<th ") == occurrences(html, "<th scope="));
  CHECK(occurrences(html, "class=\"plot\"") == occurrences(html, "class=\"plot\" role=\"img\" aria-label="));
}

TEST_CASE("ordinary edges: no trades, one day, constant returns, nothing at all") {
  const auto sound = [](const ReportInput& input) {
    const std::string html = to_html(run_report(input), kNoCharts);
    const std::string page = text_of(html);
    for (const std::string bad : {"\nnan", " nan", "\u2212nan", "-nan", "NaN", " inf\n", "\ninf", "Infinity"}) {
      CAPTURE(bad);
      CHECK(page.find(bad) == std::string::npos);
    }
    return page;
  };
  SUBCASE("no trades") {
    tests::Demo made = tests::demo(252, 1);
    for (auto& record : made.records) record.fills.clear(), record.positions.clear(), record.costs = {};
    CHECK(sound(tests::input_of(made)).find("No trades.") != std::string::npos);
  }
  SUBCASE("one day") {
    tests::Demo made = tests::demo(64, 1);
    for (Returns* part : {&made.input.strategies[0].out_of_sample}) {
      part->times.resize(1), part->net.resize(1), part->gross.resize(1), part->benchmark.resize(1);
    }
    made.input.strategies[0].in_sample = {};
    sound(tests::input_of(made));
  }
  SUBCASE("constant returns") {
    for (const double value : {0.0, 0.001, -1.0}) {
      tests::Demo made = tests::demo(252, 1);
      for (double& change : made.input.strategies[0].out_of_sample.net) change = value;
      sound(tests::input_of(made));
    }
  }
  SUBCASE("one trade that never closes") {
    tests::Demo made = tests::demo(64, 1);
    made.records.resize(1);
    made.records[0].fills.resize(1);
    CHECK(sound(tests::input_of(made)).find("still open") != std::string::npos);
  }
  SUBCASE("no strategies, no records") {
    CHECK(sound(ReportInput{}).find("Nothing to judge") != std::string::npos);
  }
  SUBCASE("figures without a value say why") {
    tests::Demo made = tests::demo(64, 1);
    made.input.strategies[0].out_of_sample_metrics = {stats::without_estimate("sharpe", "1/sqrt(year)", "the returns have no variance")};
    made.input.verdict.strategies.clear();
    CHECK(sound(tests::input_of(made)).find("the returns have no variance") != std::string::npos);
  }
  SUBCASE("markets generated from several seeds: times start again") {
    tests::Demo made = tests::demo(252, 2);
    for (auto& strategy : made.input.strategies)
      for (std::size_t i = 0; i < strategy.out_of_sample.times.size(); ++i)
        strategy.out_of_sample.times[i] = Nanos{static_cast<std::int64_t>(i % 50) * kNanosPerSecond};
    CHECK(sound(tests::input_of(made)).find("several generated markets") != std::string::npos);
  }
}

TEST_CASE("a return that is no number is refused by name") {
  tests::Demo made = tests::demo(64, 1);
  made.input.strategies[0].out_of_sample.net[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(run_report(tests::input_of(made)), "Buy and hold: expected finite net returns, was nan at period 3", Error);
}

TEST_CASE("without ECharts the page is whole and says how to get the charts") {
  const tests::Demo made = tests::demo(64, 1);
  const std::string html = to_html(run_report(tests::input_of(made)), "");
  CHECK(html.find("echarts.min.js was not found") != std::string::npos);
  CHECK(html.find("class=\"plot\"") == std::string::npos);
  CHECK(html.find("Deepest fall below the former peak") != std::string::npos);
}

TEST_CASE("many strategies: tables have all of them, pages only the best") {
  const tests::Demo made = tests::demo(64, 20);
  const Document document = run_report(tests::input_of(made));
  CHECK(std::get<VerdictStrip>(document.blocks.front().content).rows.size() == 6);
  CHECK(text_of(to_html(document, kNoCharts)).find("Variant 19") != std::string::npos);
}

TEST_CASE("runs side by side show each one's figures from its summary") {
  const Json summary = Json::parse(R"json({"scenario": "a", "seed": 1, "walras": "0.1.0", "record_hash": "0123456789abcdef0123",
    "strategies": [{"name": "trend", "kind": "moving_average", "out_of_sample": {"sharpe": {"estimate": 0.8125, "unit": "1/sqrt(year)", "interval": [0.2, 1.4]},
      "max_drawdown": {"estimate": 0.25, "unit": "fraction of the peak", "range": [0.1, 0.5]}}}],
    "verdict": {"text": "Not shown.", "strategies": [{"name": "trend", "verdict": "not shown"}]}})json");
  const std::string page = text_of(to_html(compare_report({{"first", summary, {}}, {"second", summary, {}}}), kNoCharts));
  for (const char* part : {"first", "second", "0.81", "0.20 to 1.40", "25.0\u00a0%", "range 10.0\u00a0% to 50.0\u00a0%", "not shown"}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
}

TEST_CASE("Chromium prints the page: a PDF of several pages with its text") {
  const std::filesystem::path echarts = echarts_of_tree();
  if (echarts.empty()) {
    const std::string text = "echarts.min.js not found in .deps/echarts: the page is printed without charts";
    if (in_ci()) FAIL(text);
    std::cerr << "\n*** " << text << " ***\n\n";
  }
  const Folder folder;
  const tests::Demo made = tests::demo();
  const std::filesystem::path html = folder.path / "report.html", pdf = folder.path / "report.pdf";
  write_html(run_report(tests::input_of(made)), html, echarts);
  try {
    write_pdf(html, pdf);
  } catch (const Error& error) {
    if (error.fault() != Fault::Unavailable || in_ci()) throw;
    std::cerr << "\n*** TEST LEFT OUT: " << error.what() << " ***\n\n";
    return;
  }
  const std::string bytes = read_text(pdf);
  CHECK(bytes.starts_with("%PDF-"));
  CHECK(occurrences(bytes, "/Type /Page\n") > 3);
  if (std::system("command -v pdftotext >/dev/null") != 0) {
    std::cerr << "\n*** pdftotext not found: the PDF's text is not looked at ***\n\n";
    return;
  }
  REQUIRE(std::system(("pdftotext -layout '" + pdf.string() + "' '" + (folder.path / "text").string() + "'").c_str()) == 0);
  const std::string text = read_text(folder.path / "text");
  for (const char* part : {"No strategy has shown skill", "Moving averages", "Romano-Wolf", "Resolved scenario", "hindsight"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("a page that cannot be read leaves the old PDF as it was") {
  const Folder folder;
  const std::filesystem::path pdf = folder.path / "report.pdf";
  write_atomically(pdf, "old");
  CHECK_THROWS_AS(write_pdf(folder.path / "none.html", pdf), Error);
  CHECK(read_text(pdf) == "old");
}
