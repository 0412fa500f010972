#pragma once
// Columns in, columns out: HDF5 files behind a value type (store.cpp includes hdf5.h alone).
// A file is written beside its target and renamed, so that a kill at any moment leaves the old file or
// the new one. A SHA-256 of the contents is kept in the HDF5 user block and is verified before
// libhdf5 opens the file (libhdf5 can crash on crafted files).
#include "engine/base/json.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

namespace walras {

/// One column of a table. All columns of a table have equal length.
using Column = std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::int32_t>,
                            std::vector<std::uint8_t>, std::vector<std::string>>;

struct NamedColumn { std::string name; std::string unit; Column values; };

/// A named table; stored as an HDF5 group with one dataset a column ("/orders/price").
struct Table {
  std::string name;                  ///< may contain "/" for nested groups
  std::vector<NamedColumn> columns;
  Json attributes;                   ///< object of scalars and texts; nested values are stored as JSON text
  [[nodiscard]] const NamedColumn* find(std::string_view column) const;
  [[nodiscard]] std::size_t rows() const;
};

/// A whole file: tables plus root attributes.
struct Store {
  Json attributes;
  std::vector<Table> tables;
  [[nodiscard]] const Table* find(std::string_view name) const;
  /// Throws Error{Data} naming the table when absent.
  [[nodiscard]] const Table& at(std::string_view name) const;
  /// Writes atomically, compressed (deflate with shuffle). Same contents, same bytes. Throws Error{Io}.
  void write(const std::filesystem::path& file) const;
  /// Reads a file written by write(). Throws Error{Io} or Error{Data} (truncated, foreign, checksum).
  static Store read(const std::filesystem::path& file);
  /// Reads root attributes and the named tables only.
  static Store read(const std::filesystem::path& file, const std::vector<std::string>& tables);
};

}  // namespace walras
