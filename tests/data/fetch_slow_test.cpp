// Needs a package index: in the slow suite.
#include "engine/data/fetch.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

TEST_CASE("sp500 is fetched, and equals the panel in the shared market data") {
  const TemporaryFolder folder;
  const Library library(folder / "library");
  CHECK(fetch("sp500", library) == std::vector<std::string>{"sp500", "sp500_index"});
  CHECK(library.names() == std::vector<std::string>{"sp500", "sp500_index"});
  const auto tape = library.load("sp500");
  CHECK(tape->bars.size() == 20 * 8313);
  CHECK(library.list().as_array()[0].at("hindsight").as_string().find("hindsight") != std::string::npos);
  const auto shared = market_data("daily_panel");
  if (shared.empty()) return;
  CHECK(tape->content_hash == read_sp500_panel(shared / "skfolio_sp500_20_close_1990-2022.csv.gz")->content_hash);
  CHECK(library.load("sp500_index")->content_hash ==
        read_sp500_index(shared / "skfolio_sp500_index_1990-2022.csv.gz")->content_hash);
}
