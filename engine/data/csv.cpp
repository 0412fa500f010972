#include "engine/data/csv.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace walras::engine {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

char most_frequent_delimiter(std::string_view header) {
  char best = ',';
  std::ptrdiff_t most = 0;
  for (const char candidate : {',', ';', '\t', '|'}) {
    const auto count = std::count(header.begin(), header.end(), candidate);
    if (count > most) {
      best = candidate;
      most = count;
    }
  }
  return best;
}

}  // namespace

CsvReader::CsvReader(const std::filesystem::path& file, std::string_view member, char delimiter)
    : stream_(file, member) {
  std::string_view line;
  if (!stream_.line(line)) {
    fail(Fault::Data, stream_.name(), "expected a header and rows, was an empty file");
  }
  if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (line.find('\0') != std::string_view::npos) {
    fail(Fault::Data, place(), "expected text with a header, found a NUL byte (binary or UTF-16)");
  }
  if (trimmed(line).empty()) fail(Fault::Data, place(), "expected a header, was an empty line");
  delimiter_ = delimiter != 0 ? delimiter : most_frequent_delimiter(line);
  split(line);
  header_.assign(cells_.begin(), cells_.end());
}

bool CsvReader::next() {
  std::string_view line;
  if (!stream_.line(line)) return false;
  if (trimmed(line).empty() && header_.size() > 1) {
    const std::size_t empty = stream_.row();
    while (stream_.line(line)) {
      if (trimmed(line).empty()) continue;
      fail(Fault::Data, fmt::format("{}, row {}", name(), empty),
           fmt::format("expected {} cells, was an empty line amid the rows", header_.size()));
    }
    return false;
  }
  if (std::memchr(line.data(), 0, line.size()) != nullptr) {
    fail(Fault::Data, place(), "expected text, found a NUL byte; the file is damaged or binary");
  }
  split(line);
  if (cells_.size() != header_.size()) {
    fail(Fault::Data, place(),
         fmt::format("expected {} cells as in the header, found {}", header_.size(),
                     cells_.size()));
  }
  return true;
}

std::string CsvReader::place() const { return fmt::format("{}, row {}", name(), stream_.row()); }

void CsvReader::split(std::string_view line) {
  cells_.clear();
  const char* at = line.data();
  const char* const end = at + line.size();
  while (true) {
    while (at != end && *at == ' ' && delimiter_ != ' ') ++at;
    if (at != end && *at == '"') {
      const char* const begin = ++at;
      while (at != end && *at != '"') ++at;
      cells_.push_back(trimmed({begin, static_cast<std::size_t>(at - begin)}));
      if (at == end) {
        fail(Fault::Data, place(), "expected a closing double quote before the end of the line");
      }
      ++at;
      while (at != end && *at == ' ') ++at;
      if (at != end && *at != delimiter_) {
        fail(Fault::Data, place(), "expected the delimiter after a closing double quote");
      }
    } else {
      const void* found = at == end ? nullptr
                                    : std::memchr(at, delimiter_, static_cast<std::size_t>(end - at));
      const char* const stop = found == nullptr ? end : static_cast<const char*>(found);
      const char* last = stop;
      while (last != at && *(last - 1) == ' ') --last;
      cells_.push_back({at, static_cast<std::size_t>(last - at)});
      at = stop;
    }
    if (at == end) return;
    ++at;
  }
}

std::string listed(std::span<const std::string> names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 20); ++i) {
    text += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", names[i].substr(0, 60));
  }
  if (names.size() > 20) text += fmt::format(" and {} more", names.size() - 20);
  return text;
}

bool means_missing(std::string_view text) {
  if (text.empty()) return true;
  if (text.size() > 4) return false;
  static constexpr std::array<std::string_view, 10> kTexts{"nan", "NaN",  "NAN",  "NA", "N/A",
                                                           "n/a", "null", "NULL", "None", "-"};
  return std::find(kTexts.begin(), kTexts.end(), text) != kTexts.end();
}

}  // namespace walras::engine
