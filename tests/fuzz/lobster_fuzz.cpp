// Any bytes as a message file and a book file ("---" on a line of its own between them) become a tape whose invariants
// hold, or an Error of data or scenario that names a place.
#include "engine/base/error.hpp"
#include "engine/data/lobster.hpp"
#include "engine/data/source.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace walras;

int file_of(std::string_view bytes) {
  const int file = ::memfd_create("lobster", 0);
  if (file < 0 || ::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  return file;
}

std::string path_of(int file) { return "/proc/self/fd/" + std::to_string(file); }

template <class Read>
void guarded(Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    const bool known = error.fault() == Fault::Data || error.fault() == Fault::Scenario;
    if (!known || error.where().empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const engine::SourceRegistry registry = [] {
    engine::SourceRegistry made("source");
    engine::add_sources(made);
    return made;
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kBetween = "\n---\n";
  const std::size_t split = text.find(kBetween);
  const int messages = file_of(text.substr(0, split));
  const int book = file_of(split == text.npos ? std::string_view{} : text.substr(split + kBetween.size()));
  for (const double tick : {0.01, 0.0001}) {
    const Json instrument = Json::object({{"name", "X"}, {"tick_size", tick}});
    Json source = Json::object({{"kind", "lobster"}, {"path", path_of(messages)}, {"date", "2012-06-21"}});
    source["book"] = split == text.npos ? std::string("none") : path_of(book);
    source["instrument"] = instrument;
    guarded([&] {
      const auto tape = engine::load_tape(source, "/source", registry, {});
      if (tape->events.empty() || tape->content_hash.size() != 64) std::abort();
      static_cast<void>(engine::describe(*tape).dump());
    });
  }
  guarded([&] {
    engine::LobsterFiles files;
    files.book = path_of(book);
    engine::LobsterBook rows(files, 100);
    while (rows.next()) {
      if (rows.bids().size() > rows.levels() || rows.asks().size() > rows.levels()) std::abort();
    }
  });
  ::close(messages);
  ::close(book);
  return 0;
}
