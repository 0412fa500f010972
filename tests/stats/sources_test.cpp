// Every source that a statistic cites is in docs/references.bib.
#include "engine/base/files.hpp"
#include "stats/performance.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>
#include <regex>
#include <set>

using namespace walras;

TEST_CASE("every source cited by a statistic is in the list of references") {
  const std::string references = read_text(tests::source_root() / "docs" / "references.bib");
  std::set<std::string> cited;
  for (const stats::MetricInfo& metric : stats::metric_list()) {
    if (!metric.source.empty()) cited.insert(std::string(metric.source));
  }
  const std::regex key("[A-Z][A-Za-z]+(19|20)[0-9][0-9]\\b");
  for (const auto& entry : std::filesystem::directory_iterator(tests::source_root() / "stats")) {
    const std::string text = read_text(entry.path());
    for (std::sregex_iterator match(text.begin(), text.end(), key), end; match != end; ++match) cited.insert(match->str());
  }
  CHECK(cited.size() > 20);
  for (const std::string& source : cited) {
    CAPTURE(source);
    CHECK(references.find("{" + source + ",") != std::string::npos);
  }
}
