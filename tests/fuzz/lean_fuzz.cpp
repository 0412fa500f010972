// The bytes, cut at lines of "---", are a map file, a factor file and a file of rows; read as daily bars and as ticks.
#include "tests/fuzz/feed_fuzz.hpp"

#include <filesystem>
#include <fstream>

namespace {

const std::filesystem::path& folder() {
  static const std::filesystem::path made = [] {
    std::string name = (std::filesystem::temp_directory_path() / "walras_lean_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    const std::filesystem::path base = std::filesystem::path(name) / "equity" / "usa";
    for (const char* part : {"map_files", "factor_files", "daily", "tick/x"}) std::filesystem::create_directories(base / part);
    return std::filesystem::path(name);
  }();
  return made;
}

void put(const std::filesystem::path& file, std::string_view bytes) { std::ofstream(file, std::ios::binary) << bytes; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace walras;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view parts[3];
  for (std::string_view& part : parts) {
    const std::size_t cut = text.find("---\n");
    part = text.substr(0, cut);
    text = cut == text.npos ? std::string_view{} : text.substr(cut + 4);
  }
  const std::filesystem::path base = folder() / "equity" / "usa";
  put(base / "map_files" / "x.csv", parts[0]);
  put(base / "factor_files" / "x.csv", parts[1]);
  put(base / "daily" / "x.zip", parts[2]);
  put(base / "tick" / "x" / "20140609_trade.zip", parts[2]);
  put(base / "tick" / "x" / "20140609_quote.zip", parts[2]);
  for (const char* more : {R"({})", R"({"adjust": "splits"})", R"({"adjust": "raw"})", R"({"resolution": "tick"})"}) {
    Json source = Json::parse(more);
    source["kind"] = "lean";
    source["path"] = folder().string();
    source["instruments"].push_back("x");
    fuzz::load(source);
  }
  return 0;
}
