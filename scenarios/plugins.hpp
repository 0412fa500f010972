#pragma once
// Plug-ins: modules that bring kinds of their own. Loaded on demand (plugins.cpp holds the loader), refused in words
// when they were built for another walras. A module stays in memory as long as its Modules does, which must therefore
// outlive the registries it registered in and whatever they built.
#include "strategies/catalog.hpp"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras::scenarios {

/// The modules that were loaded, and what they brought.
struct Modules {
  struct Module {
    std::filesystem::path file;
    std::string sha256;               ///< of the file: part of a trial's key
    std::shared_ptr<void> handle;     ///< keeps the module loaded
  };
  std::vector<Module> loaded;
};

/// Loads a module and lets it register its kinds. `where` is the place that names it ("/plugins/0"). Throws Error{Scenario}
/// where the file is absent, is no walras plug-in, or was built for another compiler or version.
void load_plugin(const std::filesystem::path& file, const std::string& where, strategies::Registries& registries, Modules& modules);

/// Loads walras_learning: networks and agents. Throws Error{Unavailable} where it was not built.
void load_learning(strategies::Registries& registries, Modules& modules);
/// Where walras_learning is, or empty: beside the program in a build folder, or in the library folder of an installation.
[[nodiscard]] std::filesystem::path learning_module();

/// Every strategy and predictor kind that walras_learning brings; known without loading it (a test compares).
[[nodiscard]] std::span<const std::string_view> learning_kinds();
[[nodiscard]] bool is_learning_kind(std::string_view kind);
/// Whether a JSON value holds, at any depth, {"kind": K} with K one of learning_kinds(), or names one as a bare text under "kind" or "predictor".
[[nodiscard]] bool names_learning_kind(const Json& json);

}  // namespace walras::scenarios
