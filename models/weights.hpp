#pragma once
// Weights in the formats of others: plain safetensors (any tool's, read and written) and PyTorch's
// own zip of a pickle (written; `torch.load` reads it with its safe default). Torch-free. What is
// read is checked whole before an array is built; nothing in a file is ever executed.
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/archive.hpp"

namespace walras::models {

/// Reads a safetensors file of any tool: F32, F64, F16 and BF16 become float. Throws Error{Data} on
/// a header that is not JSON, overlapping or missing bytes, other types, more than 2^32 elements.
[[nodiscard]] std::vector<NamedArray> read_safetensors(std::span<const std::byte> bytes,
                                                       std::string_view where);
[[nodiscard]] std::string write_safetensors(const std::vector<NamedArray>& arrays);

/// A file that Python's torch.load(FILE, weights_only=True) returns as {name: tensor}.
[[nodiscard]] std::string write_pytorch(const std::vector<NamedArray>& arrays);

}  // namespace walras::models
