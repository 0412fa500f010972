#pragma once
// What commands print: aligned tables, JSON with its schema's name, notices, and a progress bar that shows itself on a
// terminal only. Results go to stdout, all else to stderr.
#include "engine/base/json.hpp"

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walras::scenarios {

[[nodiscard]] bool is_terminal_out();
[[nodiscard]] bool is_terminal_error();

/// Prints {"schema": "walras/<what>/1", ...members of value}.
void print_json(std::string_view what, const Json& value);
/// "walras: text" on stderr.
void notice(std::string_view text);

/// An aligned table: the first column to the left, the others to the right, all to the left where `text`.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head, bool text = false) : text_(text) { rows_.push_back(std::move(head)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] std::string str() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  bool text_;
};

/// Numbers as people read them; "-" where absent.
[[nodiscard]] std::string percent(std::optional<double> fraction);   ///< "12.3 %"
[[nodiscard]] std::string figure(std::optional<double> value);       ///< four significant digits
/// As written in a CSV: shortest text that reads back to the same double.
[[nodiscard]] std::string exact(double value);

/// A bar on stderr with the rate and the time left; nothing before half a second, nothing off a terminal.
class Progress {
 public:
  explicit Progress(bool wanted) : shown_(wanted && is_terminal_error()) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  /// From any thread.
  void update(std::size_t done, std::size_t total, std::string_view what);
  void clear();

 private:
  bool shown_;
  bool drawn_ = false;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), last_{};
};

/// Sets `--threads` where given.
class Arguments;
void use_threads(const Arguments& arguments);

}  // namespace walras::scenarios
