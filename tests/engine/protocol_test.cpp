#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/base/random.hpp"
#include "engine/link/protocol.hpp"
#include "engine/market/order_rules.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace walras;
using namespace walras::engine;
using namespace walras::engine::protocol;

namespace {

/// A random value for every field, whatever it is, within the range that the field states.
template <class T>
void draw(T& value, const Field& field, Rng& random) {
  if constexpr (std::same_as<T, bool>) {
    value = random.below(2) == 1;
  } else if constexpr (detail::NamedEnum<T>) {
    value = static_cast<T>(random.below(EnumNames<T>::names.size()));
  } else if constexpr (detail::Integer<T>) {
    // Half of them small, half as large as the type and the field allow.
    const std::uint64_t bits = random.below(2) == 0 ? random.below(1000) : random.bits();
    value = static_cast<T>(bits);
    if constexpr (std::is_signed_v<T>) {
      if (value < 0 && field.min >= 0) value = static_cast<T>(~value);
    }
    if (static_cast<double>(value) < field.min || static_cast<double>(value) > field.max) value = static_cast<T>(field.max < 1e9 ? field.max : std::max(1.0, field.min));
  } else if constexpr (std::floating_point<T>) {
    value = (random.uniform() - 0.5) * std::pow(10.0, static_cast<double>(random.below(20)) - 8);
  } else if constexpr (std::same_as<T, std::string>) {
    static constexpr std::string_view kAlphabet = "ab \"\\/\n\t\x01\xc3\xa9{}[]:,";
    value.clear();
    for (std::uint64_t left = random.below(12); left > 0; --left) {
      const std::size_t at = random.below(kAlphabet.size());
      if (kAlphabet[at] == '\xc3' || kAlphabet[at] == '\xa9') value += "\xc3\xa9";
      else value += kAlphabet[at];
    }
  } else if constexpr (std::same_as<T, Json>) {
    value = Json::object({{"fast", static_cast<std::int64_t>(random.below(50))}, {"deep", Json::array({1, "x", nullptr})}});
  } else if constexpr (detail::Vector<T>) {
    value.clear();
    for (std::uint64_t left = random.below(4); left > 0; --left) {
      typename T::value_type item{};
      draw(item, field, random);
      value.push_back(std::move(item));
    }
  } else {
    T::fields([&](std::string_view, auto member, const Field& of_member = {}) { draw(value.*member, of_member, random); });
  }
}

template <class Variant, class Decode>
void round_trips(Decode&& decode) {
  Rng random(3, "round_trips");
  for (const Wire wire : {Wire::Json, Wire::Binary}) {
    std::string stream;
    std::vector<std::string> expected;
    const auto send = [&]<std::size_t I>() {
      for (int round = 0; round < 100; ++round) {
        std::variant_alternative_t<I, Variant> message;
        draw(message, {}, random);
        std::string bytes;
        encode(Variant(message), wire, bytes);
        stream += bytes;
        expected.push_back(std::move(bytes));
      }
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) { (send.template operator()<I>(), ...); }(std::make_index_sequence<std::variant_size_v<Variant>>{});
    // In pieces of any size the same messages come out, and say the same.
    Framer framer(wire, 1 << 16);
    std::size_t at = 0, seen = 0;
    while (at < stream.size()) {
      const std::size_t size = std::min<std::size_t>(stream.size() - at, 1 + random.below(random.below(10) == 0 ? 2000 : 20));
      framer.add(std::string_view(stream).substr(at, size));
      at += size;
      while (const auto bytes = framer.next()) {
        const Variant message = decode(*bytes, wire);
        REQUIRE(seen < expected.size());
        std::string again;
        encode(message, wire, again);
        if (again != expected[seen]) {
          CAPTURE(again);
          REQUIRE(again == expected[seen]);
        }
        // Through the other encoding and back it is the same message, too.
        const Wire other = wire == Wire::Json ? Wire::Binary : Wire::Json;
        std::string translated, back;
        encode(message, other, translated);
        Framer one(other, 1 << 16);
        one.add(translated);
        encode(decode(one.next().value(), other), wire, back);
        REQUIRE(back == expected[seen]);
        ++seen;
      }
    }
    CHECK(seen == expected.size());
    CHECK(!framer.within_message());
  }
}

/// What the decoder says of a message from the peer; "" where it takes it.
std::string refusal(std::string_view bytes, Wire wire) {
  try {
    static_cast<void>(decode_from_peer(bytes, wire));
    return "";
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::Data);
    return error.what();
  }
}

template <class E>
void names_agree(std::size_t least) {
  CHECK(EnumNames<E>::names.size() >= least);
  for (std::size_t i = 0; i < EnumNames<E>::names.size(); ++i) CHECK(static_cast<std::size_t>(EnumNames<E>::names[i].first) == i);
}

}  // namespace

TEST_CASE("every message survives both encodings, and the way from one to the other, in pieces of any size") {
  round_trips<ToPeer>([](std::string_view bytes, Wire wire) { return decode_to_peer(bytes, wire); });
  round_trips<FromPeer>([](std::string_view bytes, Wire wire) { return decode_from_peer(bytes, wire); });
}

TEST_CASE("a line of JSON needs no more than what it changes") {
  const auto submit = std::get<Submit>(decode_from_peer(R"({"type": "submit", "ref": 7, "side": "sell", "quantity": 100})", Wire::Json));
  CHECK(submit.ref == 7);
  CHECK(submit.side == Side::Sell);
  CHECK(submit.order_type == OrderType::Market);
  CHECK(submit.quantity == 100);
  const auto subscribe = std::get<Subscribe>(decode_from_peer(R"({"protocol": 1, "type": "subscribe", "turns": ["slice", "fill"], "events": []})", Wire::Json));
  CHECK(subscribe.turns == std::vector{Why::Slice, Why::Fill});
  CHECK(subscribe.events.empty());
  CHECK(subscribe.levels == 10);
}

TEST_CASE("the bytes of a binary message are those of the page") {
  std::string bytes;
  encode(FromPeer(Cancel{0x0102030405060708}), Wire::Binary, bytes);
  CHECK(bytes == std::string("\x09\x00\x00\x00\x22\x08\x07\x06\x05\x04\x03\x02\x01", 13));
}

TEST_CASE("what is wrong with a message is said in words") {
  const std::pair<std::string_view, std::string_view> lines[] = {
      {"hello", "message:1:1"},
      {"{\"type\": \"submit\"", "message:1:"},
      {"[1]", "expected an object with a \"type\", was array"},
      {"{}", "expected an object with a \"type\", was one without"},
      {R"({"type": 5})", "expected an object with a \"type\""},
      {R"({"type": "sumbit"})", "message/type: expected submit, was sumbit"},
      {R"({"type": "hello"})", "message/type: expected one of subscribe, submit, cancel, replace, set_timer, done, was hello"},
      {R"({"type": "submit", "ref": 1, "side": "buy"})", "quantity"},
      {R"({"type": "submit", "ref": 1, "side": "buy", "quantity": "100"})", "submit/quantity: expected an integer (lots), was \"100\""},
      {R"({"type": "submit", "ref": 1, "side": "buy", "quantity": 1.5})", "submit/quantity: expected an integer (lots), was 1.5"},
      {R"({"type": "submit", "ref": 1, "side": "buy", "quantity": NaN})", "message:1:"},
      {R"({"type": "submit", "ref": 1, "side": "buy", "quantity": 1e300})", "submit/quantity: expected"},
      {R"({"type": "submit", "ref": 1, "side": "buy", "quantity": 99999999999999999999})", "message:1:"},
      {R"({"type": "submit", "ref": 0, "side": "buy", "quantity": 1})", "submit/ref: expected 1 to"},
      {R"({"type": "submit", "ref": 1, "side": "up", "quantity": 1})", "submit/side: expected"},
      {R"({"type": "submit", "ref": 1, "side": "buy", "quantity": 1, "instrument": -1})", "submit/instrument: expected 0 to"},
      {R"({"type": "submit", "ref": 1, "side": "buy", "quantity": 1, "pirce": 3})", "submit/pirce: expected price, was pirce"},
      {R"({"type": "done", "turn": 1, "turn": 2})", "turn"},
      {R"({"type": "done", "turn": null})", "done/turn: expected an integer, was null"},
      {R"({"type": "subscribe", "protocol": 1, "turns": ["slices"]})", "subscribe/turns/0: expected slice, was slices"},
      {"{\"type\": \"done\", \"turn\": 1}\xff", "message:1:"},
  };
  for (const auto& line : lines) {
    CAPTURE(line.first);
    const std::string said = refusal(line.first, Wire::Json);
    CAPTURE(said);
    CHECK(said.find(line.second) != std::string::npos);
  }
  std::string deep(1000, '[');
  CHECK(refusal(R"({"type": "subscribe", "protocol": 1, "events": )" + deep, Wire::Json).find("message:1:") == 0);

  using namespace std::string_literals;
  CHECK(refusal("", Wire::Binary) == "message: expected at least one byte, was empty");
  CHECK(refusal("\xee"s, Wire::Binary) == "message: expected the tag of a message, was 238");
  CHECK(refusal("\x22\x01"s, Wire::Binary) == "cancel/ref: expected 8 bytes, but the message ends after 1");
  CHECK(refusal("\x22\x01\0\0\0\0\0\0\0\xff"s, Wire::Binary) == "cancel: expected the message to end, but 1 bytes are left");
  CHECK(refusal("\x22\0\0\0\0\0\0\0\0"s, Wire::Binary).find("cancel/ref: expected 1 to") == 0);
  // A list that claims to be longer than the message.
  CHECK(refusal("\x20\x01\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff"s, Wire::Binary).find("subscribe/events: expected a list within the message") == 0);
  CHECK(refusal("\x20\x01\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x09"s, Wire::Binary) == "subscribe/events: expected a byte of 0 to 5, was 9");
}

TEST_CASE("a stream without an end of a message is refused at the limit, not kept") {
  const auto feed = [](Wire wire, std::string_view bytes) -> std::string {
    Framer framer(wire, 100);
    try {
      framer.add(bytes);
      while (framer.next()) {
      }
      return framer.within_message() ? "waits" : "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  CHECK(feed(Wire::Json, std::string(100, 'x')) == "waits");
  CHECK(feed(Wire::Json, std::string(101, 'x')) == "message: expected at most 100 bytes, was a line of at least 101");
  CHECK(feed(Wire::Json, std::string(101, 'x') + "\n") == "message: expected at most 100 bytes, was a line of at least 101");
  CHECK(feed(Wire::Json, "\n") == "message: expected an object on each line, was an empty line");
  CHECK(feed(Wire::Json, "{}\r\n") == "");
  using namespace std::string_literals;
  CHECK(feed(Wire::Binary, "\xff\xff\xff\xff"s) == "message: expected at most 100 bytes, was 4294967295");
  CHECK(feed(Wire::Binary, "\0\0\0\0"s) == "message: expected at least one byte, was empty");
  CHECK(feed(Wire::Binary, "\x05\0\0"s) == "waits");
  CHECK(feed(Wire::Binary, "\x05\0\0\0abcd"s) == "waits");
  CHECK(feed(Wire::Binary, "\x04\0\0\0abcd"s) == "");
}

TEST_CASE("names are those of exported tables, one for each value in its order") {
  names_agree<OrderType>(10);
  names_agree<TimeInForce>(7);
  names_agree<Reject>(42);
  names_agree<EventKind>(19);
  names_agree<Why>(6);
  names_agree<Feed>(6);
  for (const auto& type : EnumNames<OrderType>::names) CHECK(type.second == name_of(type.first));
  for (const auto& time_in_force : EnumNames<TimeInForce>::names) CHECK(time_in_force.second == name_of(time_in_force.first));
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Reject::NoAuction); ++i) CHECK(EnumNames<Reject>::names[i].second == name_of(static_cast<Reject>(i)));
}

TEST_CASE("docs/gateway.md holds every message as it is") {
  const std::string page = read_text(tests::source_root() / "docs" / "gateway.md");
  const std::string tables = documentation();
  const std::size_t at = page.find("## Messages to the program\n");
  REQUIRE(at != std::string::npos);
  if (page.substr(at) != tables) MESSAGE("expected the page to end with:\n" << tables);
  CHECK((page.substr(at) == tables));
}
