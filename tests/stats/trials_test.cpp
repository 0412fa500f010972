#include "stats/trials.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "tests/stats/samples.hpp"
#include "tests/support/folder.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <limits>
#include <thread>

using namespace walras;
using namespace walras::stats;

namespace {

Trial trial(const std::string& key, std::size_t n = 50, double mean = 0.001, std::uint64_t seed = 1) {
  ReturnSeries series = spaced(normals(n, mean, 0.01, seed), 252);
  return {key, "strategy " + key, series.times, series.returns, series.returns, 252};
}

TrialInputs inputs() {
  return {"study", Json::parse(R"({"strategy": {"kind": "a", "params": {"x": 1, "y": 2}}, "venue": {}})"), "d", "", 7};
}

}  // namespace

TEST_CASE("a trial's key depends on everything it ran under, and not on the order of members") {
  const std::string key = trial_key(inputs());
  CHECK(key.size() == 64);
  TrialInputs other = inputs();
  other.resolved = Json::parse(R"({"venue": {}, "strategy": {"params": {"y": 2, "x": 1}, "kind": "a"}})");
  CHECK(trial_key(other) == key);
  other.resolved = Json::parse(R"({"venue": {}, "strategy": {"params": {"y": 2, "x": 3}, "kind": "a"}})");
  CHECK(trial_key(other) != key);
  for (int part = 0; part < 4; ++part) {
    other = inputs();
    if (part == 0) other.study = "other";
    if (part == 1) other.data_hash = "e";
    if (part == 2) other.plugin_hash = "p";
    if (part == 3) other.seed = 8;
    CHECK(trial_key(other) != key);
  }
  other = inputs();  // a letter moved from one part to the next
  other.study = "stud";
  CHECK(trial_key(other) != key);
}

TEST_CASE("repeats add nothing, and a changed record replaces its own") {
  Recorded first = merge_trials({"s", {}}, std::vector<Trial>{trial("b"), trial("a")});
  CHECK(first.added == 2);
  CHECK(first.ledger.trials.front().key == "a");
  const std::string hash = first.ledger.hash();
  const Recorded again = merge_trials(first.ledger, std::vector<Trial>{trial("a")});
  CHECK(again.added == 0);
  CHECK(again.repeated == 1);
  CHECK(again.ledger.hash() == hash);
  const Recorded changed = merge_trials(first.ledger, std::vector<Trial>{trial("a", 50, 0.002)});
  CHECK(changed.replaced == 1);
  CHECK(changed.ledger.size() == 2);
  CHECK(changed.ledger.hash() != hash);
}

TEST_CASE("the ledger is kept beside the scenario and comes back the same") {
  const tests::TemporaryFolder folder;
  const std::filesystem::path file = ledger_path(folder / "quickstart.json", "my study/1");
  CHECK(file == folder.path() / ".walras" / "my%20study%2F1.h5");
  CHECK(ledger_path("x.json", "..").filename() == "%2E..h5");
  CHECK(read_ledger(file, "my study/1").size() == 0);
  const std::vector<Trial> trials{trial("a"), trial("b", 50, 0, 2), trial("c", 30, 0, 3)};
  const Recorded written = record_trials(file, "my study/1", trials);
  CHECK(written.added == 3);
  const TrialLedger back = read_ledger(file, "my study/1");
  CHECK(back.hash() == written.ledger.hash());
  CHECK(back.find("b")->net == trials[1].net);
  CHECK(back.find("b")->times == trials[1].times);
  CHECK(back.find("c")->strategy == "strategy c");
  CHECK(back.find("d") == nullptr);
  const auto groups = back.groups();
  REQUIRE(groups.size() == 2);
  CHECK(groups[0] == std::vector<std::size_t>{0, 1});
  CHECK(back.effective() > 2.5);
  const std::string bytes = sha256_file(file);
  CHECK(record_trials(file, "my study/1", trials).repeated == 3);
  CHECK(sha256_file(file) == bytes);
}

TEST_CASE("another study's ledger, a damaged file and a bad record are refused") {
  const tests::TemporaryFolder folder;
  const std::filesystem::path file = folder / "s.h5";
  record_trials(file, "s", std::vector<Trial>{trial("a")});
  CHECK_THROWS_AS((void)read_ledger(file, "t"), Error);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  CHECK_THROWS_AS((void)read_ledger(file, "s"), Error);
  CHECK_THROWS_AS(record_trials(file, "s", std::vector<Trial>{trial("b")}), Error);
  Trial bad = trial("a");
  bad.net[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(merge_trials({"s", {}}, std::vector<Trial>{bad}), Error);
  bad = trial("a");
  bad.excess.pop_back();
  CHECK_THROWS_AS(merge_trials({"s", {}}, std::vector<Trial>{bad}), Error);
  bad = trial("a");
  std::swap(bad.times[0], bad.times[1]);
  CHECK_THROWS_AS(merge_trials({"s", {}}, std::vector<Trial>{bad}), Error);
  std::ofstream(folder / "blocked") << "a file where a folder should be";
  CHECK_THROWS_AS(record_trials(folder / "blocked" / "s.h5", "s", std::vector<Trial>{trial("a")}), Error);
}

TEST_CASE("runs that record at once lose no trial") {
  const tests::TemporaryFolder folder;
  const std::filesystem::path file = folder / "s.h5";
  std::vector<std::thread> runs;
  for (int run = 0; run < 4; ++run) {
    runs.emplace_back([&, run] {
      for (int i = 0; i < 3; ++i) {
        record_trials(file, "s", std::vector<Trial>{trial("run " + std::to_string(run) + " " + std::to_string(i), 5)});
      }
    });
  }
  for (std::thread& run : runs) run.join();
  CHECK(read_ledger(file, "s").size() == 12);
}
