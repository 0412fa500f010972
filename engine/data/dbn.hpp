#pragma once
// Databento Binary Encoding, versions 1 to 3: metadata and records in memory, without copies. Knows the layout of records,
// not what a book makes of them. Layout: reference "databento_dbn". All integers are little-endian; prices count 1e-9.
#include "engine/base/units.hpp"
#include "engine/market/types.hpp"

#include <bit>
#include <cstddef>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras::engine {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::int64_t kDbnNoPrice = std::numeric_limits<std::int64_t>::max();

/// What a file says of itself.
struct DbnMetadata {
  int version = 0;
  std::string dataset;
  std::uint16_t schema = 0xFFFF;
  bool ts_out = false;                            ///< eight more bytes after each record
  std::size_t symbol_length = 22;
  std::vector<std::string> symbols;
  std::map<std::uint32_t, std::string> names;     ///< instrument id -> symbol asked for
};

/// Reads the metadata at the front of a file. Returns nothing when `bytes` do not hold all of it yet; `used` is its length.
/// Throws Error{Data} naming `file` when it is no DBN or its lengths contradict each other.
std::optional<DbnMetadata> read_dbn_metadata(std::span<const std::byte> bytes, const std::string& file, std::size_t& used);

/// A view of one record.
class DbnRecord {
 public:
  explicit DbnRecord(const std::byte* at) : at_(at) {}
  [[nodiscard]] std::size_t length() const { return std::size_t{4} * get<std::uint8_t>(0); }
  [[nodiscard]] std::uint8_t type() const { return get<std::uint8_t>(1); }
  [[nodiscard]] std::uint16_t publisher() const { return get<std::uint16_t>(2); }
  [[nodiscard]] std::uint32_t instrument() const { return get<std::uint32_t>(4); }
  [[nodiscard]] std::uint64_t ts_event() const { return get<std::uint64_t>(8); }
  template <class T>
  [[nodiscard]] T get(std::size_t offset) const {
    T value;
    std::memcpy(&value, at_ + offset, sizeof value);
    return value;
  }
  [[nodiscard]] std::string_view text(std::size_t offset, std::size_t most) const {
    const auto* from = reinterpret_cast<const char*>(at_ + offset);
    return {from, ::strnlen(from, most)};
  }
  [[nodiscard]] const std::byte* data() const { return at_; }

 private:
  const std::byte* at_;
};

inline constexpr std::uint8_t kDbnMbo = 0xA0, kDbnTrade = 0x00, kDbnMbp1 = 0x01, kDbnMbp10 = 0x0A;
inline constexpr std::uint8_t kDbnFlagLast = 0x80, kDbnFlagSnapshot = 0x20, kDbnFlagBadReceive = 0x08, kDbnFlagDoubtful = 0x04;

/// Market-by-order fields of a record of type kDbnMbo.
struct DbnMbo {
  explicit DbnMbo(const DbnRecord& record)
      : order(record.get<std::uint64_t>(16)), price(record.get<std::int64_t>(24)), size(record.get<std::uint32_t>(32)),
        flags(record.get<std::uint8_t>(36)), action(record.get<char>(38)), side(record.get<char>(39)) {}
  std::uint64_t order;
  std::int64_t price;
  std::uint32_t size;
  std::uint8_t flags;
  char action, side;
};

/// Throws Error{Data} for a record that cannot be.
[[noreturn]] void refuse_dbn(const std::string& file, std::uint64_t byte, const std::string& text);
/// Bytes that a record of this type has at least; 0 = any.
[[nodiscard]] std::size_t dbn_least_length(std::uint8_t type);

/// Calls visit(const DbnRecord&, byte offset) for every whole record. Returns the bytes read; a record cut off is left.
template <class Visit>
std::size_t read_dbn(std::span<const std::byte> bytes, bool ts_out, const std::string& file, std::uint64_t base, Visit&& visit) {
  std::size_t at = 0;
  while (at + 16 <= bytes.size()) {
    const DbnRecord record(bytes.data() + at);
    const std::size_t length = record.length();
    if (length < 16) [[unlikely]] refuse_dbn(file, base + at, "expected a record of 16 bytes or more, found fewer");
    const std::size_t whole = length + (ts_out ? 8 : 0);
    if (at + whole > bytes.size()) break;
    if (record.type() != kDbnMbo || length < 56) [[unlikely]] {
      if (length < dbn_least_length(record.type())) refuse_dbn(file, base + at, "expected the length of its type, found a shorter record");
    }
    visit(record, base + at);
    at += whole;
  }
  return at;
}

}  // namespace walras::engine
