#pragma once
// Any bytes as a recorded feed become a tape whose invariants hold, or an Error of data or scenario that names a place; a
// strict reader never accepts more than a lenient one.
#include "engine/base/error.hpp"
#include "engine/data/source.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

namespace walras::fuzz {

/// Bytes as a file without a name.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : file_(::memfd_create("feed", 0)) {
    if (file_ < 0 || ::write(file_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  ~Bytes() { ::close(file_); }
  Bytes(const Bytes&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

inline const engine::SourceRegistry& sources() {
  static const engine::SourceRegistry registry = [] {
    engine::SourceRegistry made("source");
    engine::add_sources(made);
    return made;
  }();
  return registry;
}

/// Whether the source could be read.
inline bool load(const Json& source) {
  try {
    const auto tape = engine::load_tape(source, "/source", sources(), {});
    if (tape->events.empty() || tape->content_hash.size() != 64) std::abort();
    static_cast<void>(engine::describe(*tape).dump());
    return true;
  } catch (const Error& error) {
    const bool known = error.fault() == Fault::Data || error.fault() == Fault::Scenario;
    if (!known || error.where().empty()) std::abort();
    return false;
  }
}

/// `source` leniently and strictly, over the same bytes.
inline void feed(std::string_view bytes, Json source) {
  const Bytes file(bytes);
  source["path"] = file.path();
  const bool lenient = load(source);
  source["strict"] = true;
  if (load(source) && !lenient) std::abort();
  try {
    static_cast<void>(engine::detect_kind(file.path()));
  } catch (const Error& error) {
    if (error.fault() != Fault::Data && error.fault() != Fault::Io) std::abort();
  }
}

}  // namespace walras::fuzz
