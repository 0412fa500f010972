// Which adapter reads a file, told by what is in it.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/data/dbn.hpp"
#include "engine/data/itch.hpp"
#include "engine/data/source.hpp"

#include <algorithm>
#include <cctype>

namespace walras::engine {
namespace {

constexpr std::size_t kHead = std::size_t{1} << 16;

/// The first bytes of the content.
std::vector<std::byte> head_of(const std::filesystem::path& file) {
  const auto members = archive_members(file);
  InputStream stream(file, members.size() > 1 ? members.front() : "");
  std::vector<std::byte> bytes(kHead);
  std::size_t held = 0;
  while (held < bytes.size()) {
    const std::size_t got = stream.read(std::span(bytes).subspan(held));
    if (got == 0) break;
    held += got;
  }
  bytes.resize(held);
  return bytes;
}

/// Whether messages of known types follow one another from the first byte on.
bool looks_like_itch(std::span<const std::byte> bytes) {
  std::size_t messages = 0, known = 0;
  try {
    read_itch(bytes, "", 0, [&](const ItchMessage& message, std::uint64_t) {
      const auto type = static_cast<unsigned char>(message.type());
      ++messages;
      known += type < kItchLength.size() && kItchLength[type] > 0 ? 1 : 0;
    });
  } catch (const Error&) {
    return false;
  }
  return messages > 0 && known == messages;
}

bool looks_like_dbn(std::span<const std::byte> bytes) {
  if (bytes.size() < 16) return false;
  if (std::memcmp(bytes.data(), "DBN", 3) == 0) return true;
  const DbnRecord first(bytes.data());
  const std::size_t least = dbn_least_length(first.type());
  return least > 16 && first.length() >= least && first.length() <= least + 200 && std::to_integer<int>(bytes[1]) != 0 &&
         std::to_integer<int>(bytes[0]) < 32;
}

}  // namespace

std::string detect_kind(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) {
    for (const char* folder : {"equity", "forex", "crypto", "cfd"}) {
      if (std::filesystem::is_directory(path / folder)) return "lean";
    }
    return "ohlcv_csv";
  }
  std::string name = path.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // LOBSTER's two files of plain numbers are told apart by their names alone.
  if (name.find("lobster") != name.npos || name.find("orderbook") != name.npos || name.find("_message_") != name.npos) return "lobster";
  for (const std::string& member : archive_members(path)) {
    if (member.find("_message_") != member.npos) return "lobster";
  }
  const std::vector<std::byte> bytes = head_of(path);
  if (looks_like_dbn(bytes)) return "dbn";
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::size_t space = line.find(' ');
  if (space >= 12 && space != line.npos && line.substr(space + 1).starts_with('{') &&
      std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(space), [](unsigned char c) { return std::isdigit(c) != 0; })) {
    return "binance";
  }
  if (line.starts_with("exchange,symbol,timestamp,local_timestamp")) return "tardis";
  if (text.find('\0') != text.npos && looks_like_itch(bytes)) return "itch50";
  return "ohlcv_csv";
}

}  // namespace walras::engine
