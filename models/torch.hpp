#pragma once
// The only file that includes LibTorch. Nothing outside models/, agents/ and their tests may
// include it.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/generated/variable_factories.h>
#include <torch/cuda.h>
#include <torch/nn.h>
#include <torch/types.h>
#include <torch/utils.h>
