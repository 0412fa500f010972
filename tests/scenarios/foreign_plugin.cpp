// A plug-in as another compiler would have built it: the loader must refuse it before it registers anything.
#include "strategies/plugin.hpp"

#include <stdexcept>

extern "C" [[gnu::visibility("default")]] const char* walras_abi() { return "walras plug-in 1, gcc 4, C++ 201103"; }
extern "C" [[gnu::visibility("default")]] void walras_register(walras::strategies::Registries&) {
  throw std::logic_error("a refused plug-in was called");
}
