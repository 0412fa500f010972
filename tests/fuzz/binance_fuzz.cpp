#include "tests/fuzz/feed_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace walras;
  fuzz::feed({reinterpret_cast<const char*>(data), size}, Json::object({{"kind", "binance"}}));
  fuzz::feed({reinterpret_cast<const char*>(data), size}, Json::object({{"kind", "binance"}, {"book", "touch"}, {"clock_offset_ms", -5.5}}));
  return 0;
}
