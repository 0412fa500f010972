#include "tests/fuzz/feed_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace walras;
  fuzz::feed({reinterpret_cast<const char*>(data), size}, Json::object({{"kind", "itch50"}, {"date", "2019-01-30"}}));
  return 0;
}
