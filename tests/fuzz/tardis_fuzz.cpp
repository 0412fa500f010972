#include "tests/fuzz/feed_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace walras;
  fuzz::feed({reinterpret_cast<const char*>(data), size}, Json::object({{"kind", "tardis"}}));
  return 0;
}
