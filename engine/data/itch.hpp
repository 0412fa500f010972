#pragma once
// NASDAQ TotalView-ITCH 5.0: the messages of a day in memory, one by one, without copies. Hides framing (a two-byte length
// before each message, or zero there, as some writers leave it) and byte order; knows nothing of books.
// Layout: reference "nasdaq_itch50".
#include "engine/base/units.hpp"
#include "engine/market/types.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace walras::engine {

/// Bytes of a message by its type; 0 = not a type of version 5.0.
inline constexpr std::array<std::uint8_t, 128> kItchLength = [] {
  std::array<std::uint8_t, 128> length{};
  for (const auto& [type, bytes] : std::initializer_list<std::pair<char, int>>{
           {'S', 12}, {'R', 39}, {'H', 25}, {'Y', 20}, {'L', 26}, {'V', 35}, {'W', 12}, {'K', 28}, {'J', 35}, {'h', 21},
           {'N', 20}, {'A', 36}, {'F', 40}, {'E', 31}, {'C', 36}, {'X', 23}, {'D', 19}, {'U', 35}, {'P', 44}, {'Q', 40},
           {'B', 19}, {'I', 50}, {'O', 48}}) {
    length[static_cast<std::size_t>(type)] = static_cast<std::uint8_t>(bytes);
  }
  return length;
}();

/// A view of one message, at least as long as its type says. Members are of the types that have them.
class ItchMessage {
 public:
  explicit ItchMessage(const std::byte* at) : at_(at) {}
  [[nodiscard]] char type() const { return character(0); }
  [[nodiscard]] std::uint16_t locate() const { return big<std::uint16_t>(1); }
  /// Since midnight, New York.
  [[nodiscard]] Nanos of_day() const {
    return {static_cast<std::int64_t>((std::uint64_t{big<std::uint16_t>(5)} << 32) | big<std::uint32_t>(7))};
  }
  [[nodiscard]] std::uint64_t reference() const { return big<std::uint64_t>(11); }      ///< A F E C X D P; U: the old one
  [[nodiscard]] std::uint64_t new_reference() const { return big<std::uint64_t>(19); }  ///< U
  [[nodiscard]] Side side() const { return character(19) == 'B' ? Side::Buy : Side::Sell; }  ///< A F P
  [[nodiscard]] bool side_known() const { return character(19) == 'B' || character(19) == 'S'; }
  [[nodiscard]] std::uint32_t shares() const { return big<std::uint32_t>(20); }         ///< A F P
  [[nodiscard]] std::uint32_t part() const { return big<std::uint32_t>(19); }           ///< E C X
  [[nodiscard]] std::uint32_t new_shares() const { return big<std::uint32_t>(27); }     ///< U
  [[nodiscard]] std::uint32_t new_price() const { return big<std::uint32_t>(31); }      ///< U, 1e-4
  [[nodiscard]] std::uint32_t price() const { return big<std::uint32_t>(32); }          ///< A F C P, 1e-4
  [[nodiscard]] bool printable() const { return character(31) == 'Y'; }                 ///< C
  [[nodiscard]] std::uint64_t cross_shares() const { return big<std::uint64_t>(11); }   ///< Q
  [[nodiscard]] std::uint32_t cross_price() const { return big<std::uint32_t>(27); }    ///< Q, 1e-4
  [[nodiscard]] char trading_state() const { return character(19); }                    ///< H: H, P, Q or T
  /// Name without its padding; at 11 (R H Y), 24 (A F P) or 19 (Q).
  [[nodiscard]] std::string_view stock(std::size_t offset) const {
    std::string_view name(reinterpret_cast<const char*>(at_ + offset), 8);
    while (name.ends_with(' ')) name.remove_suffix(1);
    return name;
  }
  [[nodiscard]] char character(std::size_t offset) const { return static_cast<char>(at_[offset]); }

 private:
  template <class T>
  [[nodiscard]] T big(std::size_t offset) const {
    T value;
    std::memcpy(&value, at_ + offset, sizeof value);
    static_assert(std::endian::native == std::endian::little);
    if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
    else if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
    else return __builtin_bswap64(value);
  }
  const std::byte* at_;
};

/// Throws Error{Data} for a frame that cannot be: "<file>, byte <n>: expected ...".
[[noreturn]] void refuse_itch(const std::string& file, std::uint64_t byte, std::size_t length, unsigned char type);

/// Calls visit(const ItchMessage&, byte offset) for every whole message. Types that are not known are visited too when their
/// length is told. `base`: offset of bytes[0] in the file. Returns the number of bytes read; a message cut off is left.
template <class Visit>
std::size_t read_itch(std::span<const std::byte> bytes, const std::string& file, std::uint64_t base, Visit&& visit) {
  std::size_t at = 0;
  while (at + 3 <= bytes.size()) {
    std::size_t length = std::to_integer<std::size_t>(bytes[at]) << 8 | std::to_integer<std::size_t>(bytes[at + 1]);
    const auto type = std::to_integer<unsigned char>(bytes[at + 2]);
    const std::size_t known = type < kItchLength.size() ? kItchLength[type] : 0;
    if (length == 0) length = known;
    if (length < known || length == 0 || (known == 0 && length < 11)) [[unlikely]]
      refuse_itch(file, base + at, length, type);
    if (at + 2 + length > bytes.size()) break;
    visit(ItchMessage(bytes.data() + at + 2), base + at);
    at += 2 + length;
  }
  return at;
}

}  // namespace walras::engine
