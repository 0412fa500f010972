#include "engine/base/archive.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace walras;

namespace {

enum class Colour : std::uint8_t { Red, Green };

struct Plain {
  std::int64_t a = 0;
  double b = 0;
  bool operator==(const Plain&) const = default;
};

/// Has no default: made by its owner.
struct Part {
  explicit Part(int made) : fixed(made) {}
  int fixed;
  std::vector<int> kept;
  void state(Archive& archive) { archive(kept); }
};

struct All {
  Colour colour = Colour::Red;
  Plain plain;
  std::string text;
  std::vector<Plain> plains;
  std::vector<bool> bits;
  std::vector<std::vector<int>> nested;
  std::deque<int> queue;
  std::map<int, std::string, std::greater<>> named;
  std::array<std::vector<int>, 2> pair;
  std::optional<std::string> given, absent = "there";
  std::unique_ptr<Plain> owned = std::make_unique<Plain>();
  std::vector<Part> parts{Part(1), Part(2)};
  void state(Archive& archive) {
    archive(colour, plain, text, plains, bits, nested, queue, named, pair, given, absent, *owned, parts);
  }
};

All sample() {
  All all;
  all.colour = Colour::Green;
  all.plain = {-3, 0.25};
  all.text = std::string("a\0b", 3);
  all.plains = {{1, 2}, {3, 4}};
  all.bits = {true, false, true};
  all.nested = {{1}, {}, {2, 3}};
  all.queue = {7, 8};
  all.named = {{1, "one"}, {2, "two"}};
  all.pair[1] = {9};
  all.given = "yes";
  all.absent.reset();
  *all.owned = {5, 6};
  all.parts[1].kept = {4};
  return all;
}

}  // namespace

TEST_CASE("what is saved is loaded, over whatever was there") {
  const All from = sample();
  std::vector<std::byte> bytes;
  save_state(from, bytes);
  bytes.push_back(std::byte{42});
  All to;
  to.plains.resize(9);
  to.named = {{5, "five"}};
  to.queue = {1, 2, 3};
  std::span<const std::byte> rest(bytes);
  load_state(to, rest);
  CHECK(rest.size() == 1);
  CHECK((to.colour == from.colour && to.plain == from.plain && to.text == from.text && to.plains == from.plains));
  CHECK((to.bits == from.bits && to.nested == from.nested && to.queue == from.queue && to.named == from.named));
  CHECK((to.pair == from.pair && to.given == from.given && to.absent == from.absent && *to.owned == *from.owned));
  CHECK((to.parts[0].fixed == 1 && to.parts[1].kept == from.parts[1].kept));
}

TEST_CASE("measuring tells the bytes that saving takes") {
  All all = sample();
  std::size_t size = 0;
  Archive measure(size);
  CHECK(measure.saving());
  measure(all);
  std::vector<std::byte> bytes;
  save_state(all, bytes);
  CHECK(size == bytes.size());
}

TEST_CASE("bytes that end early are refused, wherever they end") {
  std::vector<std::byte> bytes;
  save_state(sample(), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    All to;
    std::span<const std::byte> cut(bytes.data(), size);
    CHECK_THROWS_AS(load_state(to, cut), Error);
  }
}

TEST_CASE("a count that the bytes cannot hold, or that its owner did not make, is refused") {
  std::vector<std::byte> bytes;
  const std::uint64_t count = std::uint64_t{1} << 60;
  save_state(count, bytes);
  std::vector<Plain> plains;
  std::span<const std::byte> rest(bytes);
  CHECK_THROWS_WITH_AS(load_state(plains, rest), "snapshot: expected fewer elements than bytes are left; take the snapshot again with this build", Error);
  CHECK(plains.empty());

  std::vector<Part> two{Part(1), Part(2)}, one{Part(1)};
  bytes.clear();
  save_state(two, bytes);
  rest = bytes;
  CHECK_THROWS_WITH_AS(load_state(one, rest), "snapshot: expected as many parts as there are here; take the snapshot in a market like this one", Error);
}
