// Any bytes as a bar file or a close panel become a tape whose invariants hold, or an Error of data or scenario that
// names a place.
#include "engine/base/error.hpp"
#include "engine/data/source.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace {

void load(const std::string& path, const char* kind, const char* more) {
  using namespace walras;
  static const engine::SourceRegistry registry = [] {
    engine::SourceRegistry made("source");
    engine::add_sources(made);
    return made;
  }();
  Json source = Json::parse(more, "options");
  source["kind"] = kind;
  source["path"] = path;
  try {
    const auto tape = engine::load_tape(source, "/source", registry, {});
    if (tape->events.empty() || tape->content_hash.size() != 64) std::abort();
    static_cast<void>(engine::describe(*tape).dump());
  } catch (const Error& error) {
    const bool known = error.fault() == Fault::Data || error.fault() == Fault::Scenario;
    if (!known || error.where().empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int file = ::memfd_create("bars", 0);
  if (file < 0 || ::write(file, data, size) != static_cast<ssize_t>(size)) std::abort();
  const std::string path = "/proc/self/fd/" + std::to_string(file);
  load(path, "ohlcv_csv", "{}");
  load(path, "ohlcv_csv", R"({"on_bad_row": "skip", "date_order": "day_month_year", "time_zone": "America/New_York",
                              "stamp": "close", "interval_s": 60})");
  load(path, "ohlcv_csv", R"({"adjust": "scale", "on_bad_row": "skip", "instrument": {"negative_prices": true}})");
  load(path, "close_panel", "{}");
  load(path, "close_panel", R"({"newest_first": true, "instrument": {"tick_size": 0.25}})");
  ::close(file);
  return 0;
}
