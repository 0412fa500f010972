#pragma once
#include "models/torch.hpp"
