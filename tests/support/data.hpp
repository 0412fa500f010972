#pragma once
// Where the tests find the recorded market data that is not part of the project: $WALRAS_DATA, else
// ../shared/data beside the source tree. Tests that need a set and do not find it say so loudly.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace walras::tests {

/// Folder of the source tree (main.cpp knows it from the build).
std::filesystem::path source_root();

/// Folder of one set ("lobster", "daily_panel", ...), or empty, after saying so, where it is absent.
/// Throws where it is absent and the environment has CI=true: there no test may be left out in silence.
inline std::filesystem::path market_data(std::string_view set) {
  const char* named = std::getenv("WALRAS_DATA");
  const std::filesystem::path base =
      named != nullptr ? std::filesystem::path(named) : source_root() / ".." / "shared" / "data";
  const std::filesystem::path folder = base / set;
  if (std::filesystem::is_directory(folder)) return folder;
  const std::string text = "market data '" + std::string(set) + "' not found at " + folder.string() +
                           ": set WALRAS_DATA to the folder that holds it";
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") throw std::runtime_error(text);
  std::cerr << "\n*** TEST LEFT OUT: " << text << " ***\n\n";
  return {};
}

}  // namespace walras::tests
