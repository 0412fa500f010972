#pragma once
// kind -> builder + schema. An ordinary object filled by explicit add_*() calls; no statics.
#include "engine/base/config.hpp"
#include "engine/base/error.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace walras {

/// Builds components by the "kind" of a JSON object; the other members are the kind's Params.
/// A bare string "name" is short for {"kind": "name"}. Duplicate or unknown kinds are errors that list the choices.
template <class Interface, class... Context>
class Registry {
 public:
  using Builder = std::function<std::unique_ptr<Interface>(const Json& params, const std::string& where, Context... context)>;

  struct Entry {
    Builder build;
    Json schema;         ///< of the params, without "kind"
    Json defaults;       ///< resolved dump of default params
    std::string doc;
    std::function<Json(const Json& params, const std::string& where)> resolve;  ///< params with all defaults filled in
  };

  explicit Registry(std::string family) : family_(std::move(family)) {}

  /// Registers a Component that has `Params` and the constructor Component(Params, Context...).
  template <class Component>
  void add(std::string_view kind, std::string_view doc = "");
  /// Registers a builder by hand, for components whose parameters are not one Params struct.
  void add(std::string_view kind, Entry entry);

  /// Builds the component named by json. `where` is its JSON pointer. Throws Error{Scenario}.
  std::unique_ptr<Interface> build(const Json& json, const std::string& where, Context... context) const;
  /// {"kind": ..., every param with its default filled in}. Throws as build does.
  [[nodiscard]] Json resolve(const Json& json, const std::string& where) const;
  [[nodiscard]] bool contains(std::string_view kind) const;
  [[nodiscard]] std::vector<std::string_view> kinds() const;  ///< sorted
  /// JSON Schema: one of the kinds, told by "kind", or the bare name of a kind without required params.
  [[nodiscard]] Json schema() const;
  [[nodiscard]] const std::map<std::string, Entry, std::less<>>& entries() const { return entries_; }
  [[nodiscard]] const std::string& family() const { return family_; }

 private:
  std::string family_;  // in messages: "latency", "strategy"
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace walras
#include "engine/base/registry_impl.hpp"
