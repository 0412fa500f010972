#pragma once
// Archive: named float arrays and a JSON description as bytes in the safetensors layout (u64 header
// length, JSON header, raw little-endian data), readable by that format's own tools. Torch-free.
// What is foreign, truncated or altered is refused before anything is built from it.
#include "engine/base/json.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras::models {

struct NamedArray {
  std::string name;
  std::vector<std::int64_t> shape;  ///< product = values.size()
  std::vector<float> values;
  bool operator==(const NamedArray&) const = default;
};

struct Archive {
  Json description;  ///< configuration, normalisation, counters
  std::vector<NamedArray> arrays;

  /// The array of that name. Throws Error{Data} when absent or of another shape.
  [[nodiscard]] const NamedArray& at(std::string_view name,
                                     std::span<const std::int64_t> shape) const;
  /// Appends the archive to `bytes`, with a SHA-256 over header and data.
  void write(std::vector<std::byte>& bytes) const;
  /// Reads exactly one archive. `where` names it in messages. Throws Error{Data}.
  static Archive read(std::span<const std::byte> bytes, std::string_view where);
};

}  // namespace walras::models
