#pragma once
// LibTorch first: its logging defines CHECK, which would otherwise replace doctest's by one that
// aborts.
#include "models/torch.hpp"

#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_GE
#undef CHECK_GT
#include <doctest/doctest.h>
