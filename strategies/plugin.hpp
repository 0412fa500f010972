#pragma once
// What a plug-in exports. A user's own strategy is one .cpp of this form, built as a shared module against
// libwalras and named in the scenario's "plugins":
//
//     #include "strategies/plugin.hpp"
//     WALRAS_PLUGIN(registries) { registries.strategies.add<MyStrategy>("my_strategy", "what it does"); }
//
// The loader compares walras_abi() with its own abi() and refuses the module in words when they differ: C++
// objects cross the border, so compiler, standard library and the layout of shared types must be the same.
#include "strategies/catalog.hpp"

#include <cstddef>
#include <string>

namespace walras::strategies {

/// Version of the plug-in interface; raised when a meaning changes that no size would show.
inline constexpr int kPluginInterface = 1;

/// What must be equal in the program and in a plug-in, as one line of text: interface, compiler, library, type sizes.
[[nodiscard]] inline std::string abi() {
#if defined(__clang__)
  std::string text = "clang " + std::to_string(__clang_major__);
#else
  std::string text = "gcc " + std::to_string(__GNUC__);
#endif
  text = "walras plug-in " + std::to_string(kPluginInterface) + ", " + text + ", C++ " + std::to_string(__cplusplus);
#if defined(_GLIBCXX_USE_CXX11_ABI)
  text += ", libstdc++ abi " + std::to_string(_GLIBCXX_USE_CXX11_ABI);
#endif
#if defined(_GLIBCXX_DEBUG)
  text += ", debug containers";
#endif
#if defined(__SANITIZE_ADDRESS__)
  text += ", address sanitizer";
#elif defined(__SANITIZE_THREAD__)
  text += ", thread sanitizer";
#endif
  text += ", sizes";
  for (const std::size_t size : {sizeof(Registries), sizeof(engine::Event), sizeof(engine::Bar), sizeof(engine::Depth),
                                 sizeof(engine::Fill), sizeof(engine::OrderRequest), sizeof(engine::Instrument),
                                 sizeof(StrategyContext), sizeof(Dataset), sizeof(Json), sizeof(Rng)}) {
    text += " " + std::to_string(size);
  }
  return text;
}

}  // namespace walras::strategies

extern "C" {
/// The plug-in's abi(); valid while the module is loaded.
const char* walras_abi();
/// Adds the plug-in's kinds. May throw walras::Error.
void walras_register(walras::strategies::Registries& registries);
}

/// Opens the body of walras_register(Registries& name) and defines walras_abi(). Once in a module.
#define WALRAS_PLUGIN(name)                                                        \
  extern "C" [[gnu::visibility("default")]] const char* walras_abi() {             \
    static const std::string text = walras::strategies::abi();                     \
    return text.c_str();                                                           \
  }                                                                                \
  extern "C" [[gnu::visibility("default")]] void walras_register(walras::strategies::Registries& name)
