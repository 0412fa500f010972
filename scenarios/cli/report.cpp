#include "reports/report.hpp"

#include "engine/base/error.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"
#include "scenarios/locations.hpp"
#include "scenarios/report_store.hpp"

#include <fmt/format.h>

#include <iostream>

namespace walras::scenarios {
namespace {

struct FinishedRun {
  std::filesystem::path file;
  std::vector<engine::RunRecord> records;
  std::vector<engine::Instrument> instruments;
  reports::ReportInput input;
};

/// From record.h5, or from the folder of a run.
FinishedRun load_run(std::filesystem::path file) {
  if (std::filesystem::is_directory(file)) file /= "record.h5";
  FinishedRun run;
  run.file = file;
  const Store store = Store::read(file);
  run.records = engine::records_from_store(store, run.instruments);
  run.input = report_from_store(store);
  return run;
}

void write_pages(const reports::Document& document, const std::filesystem::path& html, bool pdf) {
  std::error_code problem;
  if (!html.parent_path().empty()) std::filesystem::create_directories(html.parent_path(), problem);
  if (problem) fail(Fault::Io, html.parent_path().string(), "expected a folder to write to, was refused: " + problem.message());
  reports::write_html(document, html, echarts_file());
  std::cout << "wrote " << html.string() << '\n';
  if (!pdf) return;
  std::filesystem::path printed = html;
  printed.replace_extension(".pdf");
  reports::write_pdf(html, printed);
  std::cout << "wrote " << printed.string() << '\n';
}

void compare(const std::vector<std::string>& files, const Arguments& arguments) {
  if (files.size() < 2) fail(Fault::Usage, "walras report --compare", "expected at least two records, was one");
  std::vector<reports::ComparedRun> compared;
  for (const std::string& name : files) {
    FinishedRun run = load_run(name);
    reports::ComparedRun entry{std::filesystem::is_directory(name) ? std::filesystem::path(name).lexically_normal().string() : name,
                               Json::read(run.file.parent_path() / "summary.json"), {}};
    for (reports::StrategyReport& strategy : run.input.strategies) {
      entry.out_of_sample.emplace_back(strategy.name, std::move(strategy.out_of_sample));
    }
    compared.push_back(std::move(entry));
  }
  const std::filesystem::path out = arguments.text("--out", ".");
  write_pages(reports::compare_report(compared), out / "comparison.html", arguments.has("--pdf"));
}

int report(const Arguments& arguments) {
  const std::vector<std::string> files = arguments.all("RECORD");
  if (arguments.has("--compare")) {
    compare(files, arguments);
    return 0;
  }
  if (files.size() > 1 && arguments.has("--out")) {
    fail(Fault::Usage, "--out", "expected one record with it, were several; without --out each report lies beside its record");
  }
  for (const std::string& name : files) {
    FinishedRun run = load_run(name);
    run.input.records = run.records;
    run.input.instruments = run.instruments;
    const std::filesystem::path folder = arguments.text("--out", run.file.parent_path().string());
    write_pages(reports::run_report(run.input), folder / "report.html", arguments.has("--pdf"));
  }
  return 0;
}

}  // namespace

Command report_command() {
  return {"report", "write the report of finished runs again, or compare them", {{"RECORD", "record.h5, or the folder of a run", true, true}},
          {{"--pdf", "", "print the PDF too"},
           {"--compare", "", "one page with all of them side by side: comparison.html"},
           {"--out", "DIR", "where the pages go (default: beside the record; compared: here)"}},
          {"walras report results/quickstart --pdf", "walras report results/a results/b --compare"}, report};
}

}  // namespace walras::scenarios
