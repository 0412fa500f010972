#include "models/tracking/tensorboard.hpp"

#include <fmt/format.h>

#include <array>
#include <system_error>

#include "engine/base/error.hpp"
#include "models/protobuf.hpp"

namespace walras::models {
namespace {

template <class T>
void append_raw(std::string& bytes, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  bytes.append(raw, sizeof(T));
}

std::string record(const std::string& data) {
  std::string length;
  append_raw(length, static_cast<std::uint64_t>(data.size()));
  std::string bytes = length;
  append_raw(bytes, masked_crc32c(length));
  bytes += data;
  append_raw(bytes, masked_crc32c(data));
  return bytes;
}

constexpr std::array<std::uint32_t, 256> kTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0x82F63B78U : 0U);
    table[i] = value;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t value = 0xFFFFFFFFU;
  for (const char byte : bytes) value = value >> 8 ^ kTable[(value ^ static_cast<unsigned char>(byte)) & 0xFFU];
  return ~value;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  const std::uint32_t value = crc32c(bytes);
  return (value >> 15 | value << 17) + 0xA282EAD8U;
}

std::string scalar_record(double wall_time, std::int64_t step, std::string_view tag, float value) {
  Protobuf scalar, summary, event;
  scalar.text(1, tag);
  scalar.number(2, value);
  summary.message(1, scalar);
  event.number(1, wall_time);
  event.integer(2, static_cast<std::uint64_t>(step));
  event.message(5, summary);
  return record(event.bytes());
}

EventFile::EventFile(const std::filesystem::path& folder, std::string_view name, double wall_time)
    : path_(folder / fmt::format("events.out.tfevents.{:010d}.{}",
                                 static_cast<std::int64_t>(wall_time), name)) {
  std::error_code told_when_opening;
  std::filesystem::create_directories(folder, told_when_opening);
  file_.open(path_, std::ios::binary | std::ios::trunc);
  Protobuf version;
  version.number(1, wall_time);
  version.text(3, "brain.Event:2");
  append(record(version.bytes()));
  flush();
}

void EventFile::append(const std::string& bytes) {
  if (!file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    fail(Fault::Io, path_.string(), "expected room for an event, was refused; free the disk or name another folder");
}

void EventFile::scalar(std::string_view tag, std::int64_t step, double value, double wall_time) {
  append(scalar_record(wall_time, step, tag, static_cast<float>(value)));
}

void EventFile::flush() {
  if (!file_.flush())
    fail(Fault::Io, path_.string(), "expected to write events, was refused; free the disk or name another folder");
}

}  // namespace walras::models
