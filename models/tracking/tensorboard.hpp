#pragma once
// TensorBoard event files: scalars by step, readable by TensorBoard and by what syncs its folders.
// Torch-free. Source: the record and event formats of tensorboard/summary/writer.
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace walras::models {

/// CRC-32C (Castagnoli), and as TensorFlow's records mask it.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);
[[nodiscard]] std::uint32_t masked_crc32c(std::string_view bytes);

/// One event as a record: length, its checksum, protobuf, checksum.
[[nodiscard]] std::string scalar_record(double wall_time, std::int64_t step, std::string_view tag,
                                        float value);

class EventFile {
 public:
  /// Makes FOLDER/events.out.tfevents.SECONDS.NAME. `wall_time` in seconds since 1970 is the
  /// caller's. Throws Error{Io}.
  EventFile(const std::filesystem::path& folder, std::string_view name, double wall_time);
  /// Throws Error{Io} when the disk is full.
  void scalar(std::string_view tag, std::int64_t step, double value, double wall_time);
  void flush();
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void append(const std::string& record);
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace walras::models
