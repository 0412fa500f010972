#pragma once
// Rows of delimited text with a header, streamed and decompressed. Knows columns and places of errors, not their meaning.
#include "engine/base/files.hpp"
#include "engine/market/decimal.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras::engine {

/// A delimited text file whose first line names its columns. Cells may be in double quotes; spaces around cells, a
/// byte-order mark and empty lines at the end are dropped. Every row has as many cells as the header.
class CsvReader {
 public:
  /// `delimiter` 0 = the most frequent of comma, semicolon, tab and "|" in the header.
  /// Throws Error{Data} when there is no header.
  CsvReader(const std::filesystem::path& file, std::string_view member, char delimiter);

  /// As written, without quotes and surrounding spaces.
  [[nodiscard]] const std::vector<std::string>& header() const { return header_; }
  [[nodiscard]] char delimiter() const { return delimiter_; }
  /// Reads the next row; false at the end. Throws Error{Data} on a ragged row, a NUL byte and an empty line amid rows.
  bool next();
  [[nodiscard]] std::string_view cell(std::size_t column) const { return cells_[column]; }
  [[nodiscard]] std::size_t row() const { return stream_.row(); }
  /// "<file>, row <n>", for messages.
  [[nodiscard]] std::string place() const;
  [[nodiscard]] const std::string& name() const { return stream_.name(); }

 private:
  void split(std::string_view line);
  InputStream stream_;
  char delimiter_ = ',';
  std::vector<std::string> header_;
  std::vector<std::string_view> cells_;
};

/// Names joined by ", ", at most the first twenty.
[[nodiscard]] std::string listed(std::span<const std::string> names);

/// True for the texts by which files say that there is no value: empty, NaN, NA, N/A, null, None, "-".
[[nodiscard]] bool means_missing(std::string_view text);

}  // namespace walras::engine
