#pragma once
// The only file that includes LibTorch. Nothing outside models/, agents/ and their tests may
// include it.
#include <torch/cuda.h>
#include <torch/nn.h>
#include <torch/types.h>
#include <torch/utils.h>
