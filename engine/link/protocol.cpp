#include "engine/link/protocol.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

namespace walras::engine::protocol {
namespace {

using detail::HasFields;
using detail::Integer;
using detail::NamedEnum;
using detail::Vector;

[[noreturn]] void refuse(const std::string& where, const std::string& message) { fail(Fault::Data, where, message); }

// JSON.

template <class Number>
void put_number(std::string& out, Number number) {
  std::array<char, 32> text;
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

template <class M>
void put_members(std::string& out, const M& message);

template <class T>
void put_json(std::string& out, const T& value) {
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (Integer<T> || std::floating_point<T>) {
    put_number(out, value);
  } else if constexpr (std::same_as<T, std::string>) {
    out += Json(value).dump();
  } else if constexpr (NamedEnum<T>) {
    out += '"';
    out += EnumNames<T>::names.at(static_cast<std::size_t>(value)).second;
    out += '"';
  } else if constexpr (std::same_as<T, Json>) {
    out += value.dump();
  } else if constexpr (Vector<T>) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ',';
      put_json(out, value[i]);
    }
    out += ']';
  } else {
    out += '{';
    put_members(out, value);
    out += '}';
  }
}

template <class M>
void put_members(std::string& out, const M& message) {
  bool first = true;
  M::fields([&](std::string_view name, auto member, const Field& = {}) {
    if (!first) out += ',';
    first = false;
    out += '"';
    out += name;
    out += "\":";
    put_json(out, message.*member);
  });
}

// Bytes, little-endian.

template <class T>
void put_raw(std::string& out, T value) {
  static_assert(std::endian::native == std::endian::little);
  std::array<char, sizeof(T)> bytes;
  std::memcpy(bytes.data(), &value, sizeof(T));
  out.append(bytes.data(), bytes.size());
}

void put_block(std::string& out, std::string_view text) {
  put_raw(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

template <class T>
void put_bytes(std::string& out, const T& value) {
  if constexpr (std::same_as<T, bool> || NamedEnum<T>) {
    out += static_cast<char>(value);
  } else if constexpr (Integer<T> || std::floating_point<T>) {
    put_raw(out, value);
  } else if constexpr (std::same_as<T, std::string>) {
    put_block(out, value);
  } else if constexpr (std::same_as<T, Json>) {
    put_block(out, value.dump());
  } else if constexpr (Vector<T>) {
    put_raw(out, static_cast<std::uint32_t>(value.size()));
    for (const typename T::value_type& item : value) put_bytes(out, item);
  } else {
    T::fields([&](std::string_view, auto member, const Field& = {}) { put_bytes(out, value.*member); });
  }
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

/// Takes values off the front of some bytes.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

  template <class T>
  void read(T& value, const std::string& where, const Field& field) {
    if constexpr (std::same_as<T, bool> || NamedEnum<T>) {
      std::size_t last = 1;
      if constexpr (NamedEnum<T>) last = EnumNames<T>::names.size() - 1;
      const auto byte = raw<std::uint8_t>(where);
      if (byte > last) refuse(where, fmt::format("expected a byte of 0 to {}, was {}", last, byte));
      value = static_cast<T>(byte);
    } else if constexpr (Integer<T> || std::floating_point<T>) {
      value = raw<T>(where);
      const auto number = static_cast<double>(value);
      if (!(number >= field.min && number <= field.max))
        refuse(where, fmt::format("expected {} to {}, was {}", field.min, field.max, value));
    } else if constexpr (std::same_as<T, std::string>) {
      value = block(where);
      if (!is_utf8(value)) refuse(where, "expected text in UTF-8, was something else");
    } else if constexpr (std::same_as<T, Json>) {
      value = Json::parse(block(where), where);
    } else if constexpr (Vector<T>) {
      const auto items = raw<std::uint32_t>(where);
      if (items > left()) refuse(where, fmt::format("expected a list within the message, was one of {} items with {} bytes left", items, left()));
      value.clear();
      for (std::uint32_t i = 0; i < items; ++i) {
        typename T::value_type item{};
        read(item, where, field);
        value.push_back(std::move(item));
      }
    } else {
      T::fields([&](std::string_view name, auto member, const Field& of_member = {}) {
        read(value.*member, where + '/' + std::string(name), of_member);
      });
    }
  }

 private:
  std::string_view take(std::size_t size, const std::string& where) {
    if (size > left()) refuse(where, fmt::format("expected {} bytes, but the message ends after {}", size, left()));
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  template <class T>
  T raw(const std::string& where) {
    T value;
    std::memcpy(&value, take(sizeof(T), where).data(), sizeof(T));
    return value;
  }
  std::string_view block(const std::string& where) { return take(raw<std::uint32_t>(where), where); }

  std::string_view bytes_;
};

// Messages.

template <class Variant>
void encode_any(const Variant& any, Wire wire, std::string& out) {
  std::visit(
      [&]<class M>(const M& message) {
        if (wire == Wire::Json) {
          out += "{\"type\":\"";
          out += M::kType;
          out += "\",";
          put_members(out, message);
          out += "}\n";
          return;
        }
        const std::size_t frame = out.size();
        put_raw(out, std::uint32_t{0});
        out += static_cast<char>(M::kTag);
        put_bytes(out, message);
        const auto size = static_cast<std::uint32_t>(out.size() - frame - sizeof(std::uint32_t));
        std::memcpy(out.data() + frame, &size, sizeof size);
      },
      any);
}

template <class M>
M read_bytes(std::string_view bytes) {
  M message;
  Reader reader(bytes);
  const std::string where(M::kType);
  reader.read(message, where, {});
  if (reader.left() > 0) refuse(where, fmt::format("expected the message to end, but {} bytes are left", reader.left()));
  return message;
}

template <class Variant, std::size_t... I>
std::optional<Variant> decode_bytes(std::string_view bytes, std::index_sequence<I...>) {
  const auto tag = static_cast<std::uint8_t>(bytes.front());
  std::optional<Variant> found;
  const auto try_one = [&]<class M>() {
    if (M::kTag == tag) found = read_bytes<M>(bytes.substr(1));
    return found.has_value();
  };
  (try_one.template operator()<std::variant_alternative_t<I, Variant>>() || ...);
  return found;
}

template <class Variant, std::size_t... I>
std::optional<Variant> decode_json(const Json& json, std::string_view type, std::index_sequence<I...>) {
  std::optional<Variant> found;
  const auto try_one = [&]<class M>() {
    if (M::kType == type) found = load<M>(json, std::string(type));
    return found.has_value();
  };
  (try_one.template operator()<std::variant_alternative_t<I, Variant>>() || ...);
  return found;
}

template <class Variant, std::size_t... I>
std::vector<std::string_view> types(std::index_sequence<I...>) {
  return {std::variant_alternative_t<I, Variant>::kType...};
}

template <class Variant>
Variant decode_any(std::string_view bytes, Wire wire) {
  constexpr std::make_index_sequence<std::variant_size_v<Variant>> kAll;
  if (bytes.empty()) refuse("message", "expected at least one byte, was empty");
  try {
    if (wire == Wire::Binary) {
      if (auto message = decode_bytes<Variant>(bytes, kAll)) return std::move(*message);
      refuse("message", fmt::format("expected the tag of a message, was {}", static_cast<std::uint8_t>(bytes.front())));
    }
    Json json = Json::parse(bytes, "message");
    const Json* type = json.find("type");
    if (type == nullptr || !type->is_string()) refuse("message", fmt::format("expected an object with a \"type\", was {}", json.is_object() ? "one without" : json.type_name()));
    const std::string name = type->as_string();
    std::erase_if(json.as_object(), [](const Json::Member& member) { return member.first == "type"; });
    if (auto message = decode_json<Variant>(json, name, kAll)) return std::move(*message);
    refuse("message/type", unknown_name(name.size() <= 40 ? name : name.substr(0, 40) + "...", types<Variant>(kAll)));
  } catch (const Error& error) {
    if (error.fault() == Fault::Data) throw;
    throw Error(Fault::Data, error.where(), error.message());
  }
}

template <class Variant, std::size_t... I>
void document(std::string& text, std::index_sequence<I...>) {
  const auto one = [&]<class M>() {
    text += fmt::format("\n### `{}`\n\n{} Tag {}.\n\n", M::kType, M::kDoc, M::kTag);
    text += fields_table(schema<M>());
  };
  (one.template operator()<std::variant_alternative_t<I, Variant>>(), ...);
}

}  // namespace

void encode(const ToPeer& message, Wire wire, std::string& out) { encode_any(message, wire, out); }
void encode(const FromPeer& message, Wire wire, std::string& out) { encode_any(message, wire, out); }
FromPeer decode_from_peer(std::string_view bytes, Wire wire) { return decode_any<FromPeer>(bytes, wire); }
ToPeer decode_to_peer(std::string_view bytes, Wire wire) { return decode_any<ToPeer>(bytes, wire); }

std::string documentation() {
  std::string text = "## Messages to the program\n";
  document<ToPeer>(text, std::make_index_sequence<std::variant_size_v<ToPeer>>{});
  text += "\n## Messages from the program\n";
  document<FromPeer>(text, std::make_index_sequence<std::variant_size_v<FromPeer>>{});
  return text;
}

void Framer::add(std::string_view bytes) {
  if (begin_ > 0) {
    bytes_.erase(0, begin_);
    searched_ -= std::min(searched_, begin_);
    begin_ = 0;
  }
  bytes_ += bytes;
}

std::optional<std::string_view> Framer::next() {
  const std::string_view rest = std::string_view(bytes_).substr(begin_);
  const auto too_long = [&](std::size_t size) {
    refuse("message", fmt::format("expected at most {} bytes, was {}{}", most_, wire_ == Wire::Json ? "a line of at least " : "", size));
  };
  if (wire_ == Wire::Binary) {
    std::uint32_t size = 0;
    if (rest.size() < sizeof size) return std::nullopt;
    std::memcpy(&size, rest.data(), sizeof size);
    if (size > most_) too_long(size);
    if (size == 0) refuse("message", "expected at least one byte, was empty");
    if (rest.size() - sizeof size < size) return std::nullopt;
    begin_ += sizeof size + size;
    return rest.substr(sizeof size, size);
  }
  const std::size_t end = bytes_.find('\n', std::max(begin_, searched_));
  if (end == std::string::npos) {
    searched_ = bytes_.size();
    if (rest.size() > most_) too_long(rest.size());
    return std::nullopt;
  }
  std::string_view line = std::string_view(bytes_).substr(begin_, end - begin_);
  if (line.size() > most_) too_long(line.size());
  begin_ = searched_ = end + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) refuse("message", "expected an object on each line, was an empty line");
  return line;
}

}  // namespace walras::engine::protocol
