// Compiled alone as a precompiled header, so without #pragma once: in a main file that is a
// warning.
#include "models/torch.hpp"
