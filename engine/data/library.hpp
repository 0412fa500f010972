#pragma once
// Library: market data that was imported once, kept as one checked file a set under a local folder. A set is a finished
// tape with where it came from; loading gives back the same tape, bit for bit, or an error.
#include "engine/base/json.hpp"
#include "engine/market/tape.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace walras::engine {

class Library {
 public:
  explicit Library(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// $XDG_DATA_HOME/walras/data, else ~/.local/share/walras/data, else .walras/data below the working folder.
  [[nodiscard]] static std::filesystem::path default_folder();
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  [[nodiscard]] bool contains(std::string_view name) const;
  /// Names of all sets, sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  /// [{"name", "title", "rows", "instruments", "first", "last", "licence", "source"}], sorted by name; reads no events.
  [[nodiscard]] Json list() const;
  /// describe() of the set, with its name and metadata. Throws as load() does.
  [[nodiscard]] Json show(std::string_view name) const;

  /// Keeps a finished tape under `name`, replacing an older one in one step. `metadata` is an object of free notes
  /// ("title", "source", "licence", "hindsight"); load() gives it to instruments that have no notes of their own. Returns the file. Throws Error{Usage} for a name that is not made of
  /// letters, digits, "_", "-" and "."; Error{Io}.
  std::filesystem::path import(std::string_view name, const Tape& tape, const Json& metadata) const;
  /// The set, verified against its checksums. Throws Error{Data} when there is no such set (listing those there are) or
  /// the file is damaged.
  [[nodiscard]] std::shared_ptr<const Tape> load(std::string_view name) const;

 private:
  [[nodiscard]] std::filesystem::path file_of(std::string_view name) const;
  std::filesystem::path folder_;
};

}  // namespace walras::engine
