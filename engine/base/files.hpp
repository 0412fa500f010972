#pragma once
// Files: whole-file reads and atomic writes, SHA-256, and streams that decompress what they read
// (gzip, zstd, xz, zip members) through libarchive (files.cpp includes it alone).
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras {

/// SHA-256 in lower-case hex.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  void update_integer(std::int64_t value);  ///< 8 bytes, little-endian
  [[nodiscard]] std::string hex();          ///< ends the computation
 private:
  struct State;
  std::unique_ptr<State> state_;
};
[[nodiscard]] std::string sha256_file(const std::filesystem::path& file);

/// Whole text of a file. Throws Error{Data} where it is not there or beyond `limit` bytes, Error{Io} where it cannot be read.
[[nodiscard]] std::string read_text(const std::filesystem::path& file, std::size_t limit = std::size_t{1} << 30);
/// Writes beside the target, fsyncs and renames: either the old file or the new one. Throws Error{Io}.
void write_atomically(const std::filesystem::path& file, std::string_view contents);

/// A folder among the temporary ones, called walras-PURPOSE-..., that goes away with all it holds. Throws Error{Io}.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::string_view purpose);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// One member of an archive, or the one content of a plain or compressed file.
class InputStream {
 public:
  /// Opens plain, .gz, .zst, .xz or .zip input, told by content, not by name. For a zip, `member` selects the first
  /// entry whose name contains it ("" = the only entry). Throws Error{Io} or Error{Data}.
  explicit InputStream(const std::filesystem::path& file, std::string_view member = "");
  ~InputStream();
  InputStream(InputStream&&) noexcept;
  /// Next line without its end ("\n" or "\r\n"); false at the end. The view is valid until the next call.
  /// Throws Error{Data} with the row on truncated or corrupt input and on lines over 1 MiB.
  bool line(std::string_view& text);
  /// Up to buffer.size() bytes; 0 at the end.
  std::size_t read(std::span<std::byte> buffer);
  [[nodiscard]] std::size_t row() const;  ///< of the last line, from 1
  [[nodiscard]] const std::string& name() const;  ///< file, or file:member, for messages
 private:
  struct State;
  std::unique_ptr<State> state_;
};
/// Names of the members of a zip; empty for other files.
[[nodiscard]] std::vector<std::string> archive_members(const std::filesystem::path& file);

}  // namespace walras
