#include "engine/base/store.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"

#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sys/wait.h>
#include <unistd.h>

using namespace walras;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("walras_store_" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

/// A linear congruential draw below n: enough to spread damage and kills.
std::size_t below(std::uint64_t& state, std::size_t n) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::size_t>(state >> 33) % n;
}

Store example(std::int64_t mark = 7) {
  Store store;
  store.attributes = Json::object({{"title", "an example"}, {"mark", mark}, {"share", 0.25}, {"nested", Json::array({1, "two"})}, {"flag", true}, {"long", std::string(200000, 0x78)}});
  store.tables.push_back({"b/orders",
                          {{"time", "ns", std::vector<std::int64_t>{1, 2, 3}},
                           {"price", "USD", std::vector<double>{0.1, 1e300, -0.0}},
                           {"name", "", std::vector<std::string>{"x", "", "\xc3\xa9t\xc3\xa9"}},
                           {"side", "", std::vector<std::uint8_t>{0, 1, 255}},
                           {"fold", "", std::vector<std::int32_t>{-1, 0, 1}}},
                          Json::object({{"capital", 5}})});
  store.tables.push_back({"a", {{"empty", "", std::vector<double>{}}}, {}});
  return store;
}

}  // namespace

TEST_CASE("a store reads back what was written, in its order") {
  const Folder folder;
  const auto file = folder.path / "s.h5";
  example().write(file);
  const Store back = Store::read(file);
  const Store written = example();
  CHECK(back.attributes == example().attributes);
  REQUIRE(back.tables.size() == 2);
  const Table& orders = back.at("b/orders");
  CHECK(back.tables[0].name == "b/orders");
  CHECK(orders.attributes == example().tables[0].attributes);
  for (std::size_t i = 0; i < orders.columns.size(); ++i) {
    const NamedColumn& was = written.tables[0].columns[i];
    CHECK(orders.columns[i].name == was.name);
    CHECK(orders.columns[i].unit == was.unit);
    CHECK(orders.columns[i].values == was.values);
  }
  CHECK(back.at("a").rows() == 0);
  CHECK(Store::read(file, {"a"}).tables.size() == 1);
  CHECK_THROWS_AS((void)back.at("missing"), Error);
}

TEST_CASE("same contents, same bytes") {
  const Folder folder;
  example().write(folder.path / "1.h5");
  ::sleep(1);  // a time stamp inside would show
  example().write(folder.path / "2.h5");
  CHECK(sha256_file(folder.path / "1.h5") == sha256_file(folder.path / "2.h5"));
}

TEST_CASE("every damaged byte and every cut is refused before the HDF5 library sees it") {
  const Folder folder;
  const auto file = folder.path / "s.h5";
  example().write(file);
  const std::string good = read_text(file);
  std::uint64_t state = 1;
  for (int i = 0; i < 200; ++i) {
    std::string bad = good;
    if (i % 2) {
      bad.resize(below(state, good.size()));
    } else {
      // The rest of the user block is padding that nothing reads.
      std::size_t at = below(state, good.size());
      if (at >= 79 && at < 512) at = 512;
      bad[at] = static_cast<char>(bad[at] ^ (1 << below(state, 8)));
    }
    std::ofstream(file, std::ios::binary) << bad;
    CHECK_THROWS_AS((void)Store::read(file), Error);
  }
  std::ofstream(file) << "not a store at all, and a good deal longer than the user block of 512 bytes" << std::string(600, 'x');
  CHECK_THROWS_WITH_AS((void)Store::read(file), doctest::Contains("expected a file written by walras"), Error);
}

TEST_CASE("a place that cannot be written to is named, and nothing is left behind") {
  CHECK_THROWS_AS(example().write("/proc/walras/s.h5"), Error);
  if (fs::exists("/dev/full")) {
    const Folder folder;
    CHECK_THROWS_AS(example().write(folder.path / "missing" / "s.h5"), Error);
    CHECK(fs::is_empty(folder.path));
  }
}

TEST_CASE("a writer killed at any moment leaves the old file or the new one") {
  const Folder folder;
  const auto file = folder.path / "s.h5";
  Store big = example(0);
  big.tables.push_back({"filler", {{"x", "", std::vector<std::int64_t>(200'000, 3)}}, {}});
  big.write(file);
  std::uint64_t state = 2;
  for (std::int64_t round = 1; round <= 100; ++round) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (std::int64_t k = 0;; ++k) {
        big.attributes["mark"] = round * 1'000'000 + k;
        big.write(file);
        if (k == 0 && ::write(ends[1], "x", 1) != 1) ::_exit(1);
      }
    }
    // Every second writer is killed only after its first file is there, however slow the machine.
    const bool wait = round % 2 == 0;
    char done = 0;
    if (wait) REQUIRE(::read(ends[0], &done, 1) == 1);
    ::usleep(static_cast<useconds_t>(below(state, 10'000)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    ::close(ends[1]);
    const Store back = Store::read(file);
    if (wait) REQUIRE(back.attributes.at("mark").as_integer() >= round * 1'000'000);
    REQUIRE(back.at("filler").rows() == 200'000);
  }
}

TEST_CASE("h5py reads a store") {
  if (std::system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0) {
    std::cerr << "SKIPPED: h5py is not installed (Debian: python3-h5py); the store was not read by another library\n";
    CHECK_MESSAGE(std::getenv("CI") == nullptr, "CI must have h5py");
    return;
  }
  const Folder folder;
  example().write(folder.path / "s.h5");
  const std::string script =
      "import h5py,sys\n"
      "f=h5py.File(sys.argv[1])\n"
      "o=f['b/orders']\n"
      "assert list(o['time'][:])==[1,2,3], o['time'][:]\n"
      "assert o['time'].attrs['unit'] in ('ns', b'ns')\n"
      "assert o['price'][1]==1e300\n"
      "assert o['name'][2].decode()=='\\u00e9t\\u00e9'\n"
      "assert f.attrs['mark']==7 and f.attrs['share']==0.25\n"
      "assert f['a/empty'].shape==(0,)\n";
  std::ofstream(folder.path / "read.py") << script;
  const std::string command =
      "/usr/bin/python3 " + (folder.path / "read.py").string() + " " + (folder.path / "s.h5").string();
  CHECK(std::system(command.c_str()) == 0);
}
