#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
#include "tests/support/data.hpp"

std::filesystem::path walras::tests::source_root() { return WALRAS_SOURCE_ROOT; }
