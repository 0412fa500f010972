#pragma once
// The template half of registry.hpp; choices and messages are in registry.cpp.
#include "engine/base/registry.hpp"

#include <concepts>
#include <utility>

namespace walras {
namespace detail {

/// A component as a scenario names it.
struct Chosen {
  std::string kind;
  Json params;  ///< the object without "kind"
};
/// Reads "name" or {"kind": "name", ...}. Throws Error{Scenario} naming the family's choices.
[[nodiscard]] Chosen choose(const Json& json, const std::string& where, const std::string& family,
                            const std::vector<std::string_view>& kinds);
[[noreturn]] void refuse_duplicate(const std::string& family, std::string_view kind,
                                   const std::vector<std::string_view>& kinds);
/// The schema of one kind: its params with "kind" as a constant.
[[nodiscard]] Json kind_schema(std::string_view kind, const std::string& doc, const Json& params);
/// One of the kinds, or the bare name of a kind that needs no params.
[[nodiscard]] Json family_schema(Json kinds, Json bare_names);
/// Runs `make`; a component that refuses a combination of its params names the member alone
/// ("slow"), and gets its place in front.
template <class Make>
auto placed(const std::string& where, Make&& make) {
  try {
    return make();
  } catch (const Error& error) {
    if (error.fault() != Fault::Scenario || error.where().starts_with('/')) throw;
    throw Error(Fault::Scenario, error.where().empty() ? where : where + "/" + error.where(),
                error.message());
  }
}
/// {"kind": kind, ...params}
[[nodiscard]] Json with_kind(std::string_view kind, Json params);

}  // namespace detail

template <class Interface, class... Context>
template <class Component>
void Registry<Interface, Context...>::add(std::string_view kind, std::string_view doc) {
  static_assert(std::derived_from<Component, Interface>);
  using Params = typename Component::Params;
  Entry entry;
  entry.build = [](const Json& params, const std::string& where, Context... context) {
    return detail::placed(where, [&] {
      return std::make_unique<Component>(load<Params>(params, where),
                                         std::forward<Context>(context)...);
    });
  };
  entry.schema = walras::schema<Params>();
  entry.defaults = dump(Params{});
  entry.doc = doc;
  entry.resolve = [](const Json& params, const std::string& where) {
    return dump(load<Params>(params, where));
  };
  add(kind, std::move(entry));
}

template <class Interface, class... Context>
void Registry<Interface, Context...>::add(std::string_view kind, Entry entry) {
  if (contains(kind)) detail::refuse_duplicate(family_, kind, kinds());
  entries_.emplace(kind, std::move(entry));
}

template <class Interface, class... Context>
std::unique_ptr<Interface> Registry<Interface, Context...>::build(const Json& json,
                                                                  const std::string& where,
                                                                  Context... context) const {
  const detail::Chosen chosen = detail::choose(json, where, family_, kinds());
  return entries_.find(chosen.kind)
      ->second.build(chosen.params, where, std::forward<Context>(context)...);
}

template <class Interface, class... Context>
Json Registry<Interface, Context...>::resolve(const Json& json, const std::string& where) const {
  const detail::Chosen chosen = detail::choose(json, where, family_, kinds());
  return detail::with_kind(chosen.kind,
                           entries_.find(chosen.kind)->second.resolve(chosen.params, where));
}

template <class Interface, class... Context>
bool Registry<Interface, Context...>::contains(std::string_view kind) const {
  return entries_.find(kind) != entries_.end();
}

template <class Interface, class... Context>
std::vector<std::string_view> Registry<Interface, Context...>::kinds() const {
  std::vector<std::string_view> names;
  for (const auto& [kind, entry] : entries_) names.push_back(kind);
  return names;
}

template <class Interface, class... Context>
Json Registry<Interface, Context...>::schema() const {
  Json all = Json::array(), bare = Json::array();
  for (const auto& [kind, entry] : entries_) {
    all.push_back(detail::kind_schema(kind, entry.doc, entry.schema));
    if (entry.schema.find("required") == nullptr) bare.push_back(kind);
  }
  return detail::family_schema(std::move(all), std::move(bare));
}

}  // namespace walras
