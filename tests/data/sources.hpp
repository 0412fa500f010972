#pragma once
// Reading sources in tests: from JSON text, and from small files written on the spot.
#include "engine/base/error.hpp"
#include "engine/data/source.hpp"
#include "tests/support/folder.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <memory>
#include <string>

namespace walras::tests {

inline std::shared_ptr<const engine::Tape> load_source(const Json& json,
                                                       const engine::SourceContext& context = {}) {
  engine::SourceRegistry registry("source");
  engine::add_sources(registry);
  return engine::load_tape(json, "/market/source", registry, context);
}

/// {"kind": kind, "path": path} plus the members of `more`.
inline Json source_of(const std::string& kind, const std::filesystem::path& path,
                      const std::string& more = "{}") {
  Json json = Json::object({{"kind", kind}, {"path", path.string()}});
  const Json members = Json::parse(more, "test");
  for (const auto& [key, value] : members.as_object()) json[key] = value;
  return json;
}

inline std::filesystem::path put(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

/// The error that loading throws.
inline Error load_error(const Json& json, const engine::SourceContext& context = {}) {
  try {
    static_cast<void>(load_source(json, context));
  } catch (const Error& error) {
    return error;
  }
  FAIL("expected an error");
  return {Fault::Internal, "", ""};
}

}  // namespace walras::tests
