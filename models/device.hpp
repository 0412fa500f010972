#pragma once
// Where networks compute, as a scenario says it. Torch-free.
#include <cstdint>

#include "engine/base/config.hpp"

namespace walras::models {

enum class Device : std::uint8_t {
  Auto,  ///< CUDA where LibTorch's CUDA library and a device are found, else the CPU
  Cpu,
  Cuda  ///< refused with Error{Unavailable} where there is none
};

}  // namespace walras::models

template <>
struct walras::EnumNames<walras::models::Device> {
  using E = walras::models::Device;
  static constexpr std::array<std::pair<E, std::string_view>, 3> names{
      {{E::Auto, "auto"}, {E::Cpu, "cpu"}, {E::Cuda, "cuda"}}};
};
