#pragma once
// The little of the protobuf wire format that writing needs: fields as tag and value. Torch-free.
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace walras::models {

class Protobuf {
 public:
  void integer(int field, std::uint64_t value) {
    key(field, 0);
    varint(value);
  }
  void text(int field, std::string_view value) {
    key(field, 2);
    varint(value.size());
    bytes_ += value;
  }
  void message(int field, const Protobuf& value) { text(field, value.bytes_); }
  void number(int field, float value) { fixed(field, 5, value); }
  void number(int field, double value) { fixed(field, 1, value); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void key(int field, int type) { varint(static_cast<std::uint64_t>(field) << 3 | static_cast<unsigned>(type)); }
  void varint(std::uint64_t value) {
    for (; value >= 128; value >>= 7) bytes_ += static_cast<char>(value | 128);
    bytes_ += static_cast<char>(value);
  }
  template <class T>
  void fixed(int field, int type, T value) {
    static_assert(std::endian::native == std::endian::little);
    key(field, type);
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes_.append(raw, sizeof(T));
  }
  std::string bytes_;
};

}  // namespace walras::models
