// Any bytes are a JSON value that survives a round trip, or an Error that names line and column.
#include "engine/base/error.hpp"
#include "engine/base/json.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  walras::Json json;
  try {
    json = walras::Json::parse(text, "input");
  } catch (const walras::Error& error) {
    if (error.fault() != walras::Fault::Scenario || !error.where().starts_with("input:"))
      std::abort();
    return 0;
  }
  if (walras::Json::parse(json.dump()) != json || walras::Json::parse(json.dump(2)) != json)
    std::abort();
  return 0;
}
