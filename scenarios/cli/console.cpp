#include "scenarios/cli/console.hpp"

#include "engine/base/parallel.hpp"
#include "scenarios/cli/command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace walras::scenarios {
namespace {

/// Columns that a UTF-8 text takes: one a code point.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

bool is_terminal_out() { return isatty(STDOUT_FILENO) == 1; }
bool is_terminal_error() { return isatty(STDERR_FILENO) == 1; }

void print_json(std::string_view what, const Json& value) {
  Json out = Json::object({{"schema", "walras/" + std::string(what) + "/1"}});
  for (const auto& [key, member] : value.as_object()) {
    if (key != "schema") out[key] = member;
  }
  std::cout << out.dump(2) << '\n';
}

void notice(std::string_view text) { std::cerr << "walras: " << text << '\n'; }

std::string TextTable::str() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - width(row[i]), ' ');
      line += (i == 0 || text_) ? row[i] + pad : pad + row[i];
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string percent(std::optional<double> fraction) {
  return fraction ? fmt::format("{:.2f} %", *fraction * 100) : "-";
}

std::string figure(std::optional<double> value) {
  if (!value) return "-";
  const double size = std::abs(*value);
  if (size != 0 && (size < 1e-3 || size >= 1e7)) return fmt::format("{:.3e}", *value);
  if (size >= 1000) return fmt::format("{:.0f}", *value);
  return fmt::format("{:.{}f}", *value, size >= 100 ? 1 : size >= 10 ? 2 : 3);
}

std::string exact(double value) { return fmt::format("{}", value); }

void Progress::update(std::size_t done, std::size_t total, std::string_view what) {
  if (!shown_ || total == 0) return;
  const std::scoped_lock lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  if (elapsed < 0.5 || (drawn_ && now - last_ < std::chrono::milliseconds(100) && done < total)) return;
  last_ = now;
  drawn_ = true;
  const double share = static_cast<double>(done) / static_cast<double>(total);
  const auto cells = static_cast<std::size_t>(share * 24);
  const double left = done == 0 ? 0 : elapsed / share - elapsed;
  const std::string shown = std::string(what.substr(0, 32));
  std::cerr << fmt::format("\r\x1b[K[{}{}] {}/{}  {:.0f} s left  {}", std::string(cells, '#'), std::string(24 - cells, '.'),
                           done, total, left, shown) << std::flush;
}

void Progress::clear() {
  const std::scoped_lock lock(mutex_);
  if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

void use_threads(const Arguments& arguments) {
  if (const auto threads = arguments.integer("--threads", 1, 1024)) set_threads(static_cast<int>(*threads));
}

}  // namespace walras::scenarios
