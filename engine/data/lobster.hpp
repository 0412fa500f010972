#pragma once
// LOBSTER: the messages of one NASDAQ stock on one day, and after each message the best levels of its book.
// Layout: LOBSTER sample-files readme (2013). The source of kind "lobster" turns messages into events; this header
// reads the book rows one by one, for checks and for feeds that show only some levels.
#include "engine/base/files.hpp"
#include "engine/market/types.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace walras::engine {

/// Prices in the files are multiples of 1e-4 currency units.
inline constexpr std::int64_t kLobsterPerUnit = 10'000;

/// Where one day lies: a zip with both members, or two files side by side.
struct LobsterFiles {
  std::filesystem::path messages, book;            ///< book is empty where there is none
  std::string messages_member, book_member;        ///< of a zip
  std::string ticker, date;                        ///< from the name; date as YYYY-MM-DD, or empty
  /// Finds both. `path` is the zip or the message file; `book` overrides ("none": there is none).
  /// Throws Error{Data} when the book cannot be found, Error{Io} when `path` does not exist.
  static LobsterFiles find(const std::filesystem::path& path, const std::filesystem::path& book = {});
};

/// Streams the rows of an order-book file: the state after each message.
class LobsterBook {
 public:
  /// `per_tick`: units of 1e-4 in a tick (100 for a cent). Throws Error{Data} or Error{Io}.
  LobsterBook(const LobsterFiles& files, std::int64_t per_tick);
  /// Reads the next row; false at the end. Throws Error{Data} with the row.
  bool next();
  /// Levels of the row, best first; empty ones are left out.
  [[nodiscard]] std::span<const Depth::Level> bids() const { return bids_; }
  [[nodiscard]] std::span<const Depth::Level> asks() const { return asks_; }
  [[nodiscard]] std::size_t levels() const { return levels_; }  ///< of the file; known after the first row
  [[nodiscard]] std::size_t row() const { return stream_.row(); }

 private:
  InputStream stream_;
  std::int64_t per_tick_;
  std::size_t levels_ = 0;
  std::vector<std::int64_t> cells_;
  std::vector<Depth::Level> bids_, asks_;
};

}  // namespace walras::engine
