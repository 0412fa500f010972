#pragma once
// The template half of config.hpp: it walks the fields; all checks and messages are in config.cpp.
#include "engine/base/config.hpp"

#include <concepts>
#include <cstddef>
#include <span>
#include <utility>

namespace walras {

/// A Markdown table (name, type, unit, default, range, meaning) of an object's schema as
/// schema<P>() makes it. Members of nested objects follow as "outer.inner", of lists as
/// "outer[].inner".
[[nodiscard]] std::string fields_table(const Json& schema);
/// The name among `names` that `wrong` most likely stands for; empty when none is near.
[[nodiscard]] std::string_view nearest_name(std::string_view wrong,
                                            std::span<const std::string_view> names);
/// "expected entry_ns, was entry_nss", or all choices when none is near.
[[nodiscard]] std::string unknown_name(std::string_view wrong,
                                       std::span<const std::string_view> names);

namespace detail {

/// The names that an object may have and must have.
struct FieldNames {
  std::vector<std::string_view> all, required;
};
/// Throws Error{Scenario} unless `json` is an object with no other than these members and all
/// required ones.
void check_members(const Json& json, const std::string& where, const FieldNames& names);

[[nodiscard]] bool read_bool(const Json& json, const std::string& where);
[[nodiscard]] double read_number(const Json& json, const std::string& where, const Field& field);
/// Integral doubles such as 1e9 count as integers.
[[nodiscard]] std::int64_t read_integer(const Json& json, const std::string& where,
                                        const Field& field, std::int64_t low, std::int64_t high);
[[nodiscard]] const std::string& read_string(const Json& json, const std::string& where);
[[nodiscard]] std::size_t read_name(const Json& json, const std::string& where,
                                    std::span<const std::string_view> names);
[[nodiscard]] const Json::Array& read_array(const Json& json, const std::string& where);
[[nodiscard]] const Json::Object& read_object(const Json& json, const std::string& where);

[[nodiscard]] Json number_schema(const Field& field);
[[nodiscard]] Json integer_schema(const Field& field, std::int64_t low, std::int64_t high);
[[nodiscard]] Json name_schema(std::span<const std::string_view> names);
[[nodiscard]] Json simple_schema(std::string_view type);
[[nodiscard]] Json array_schema(Json items);
[[nodiscard]] Json map_schema(Json values);
[[nodiscard]] Json optional_schema(Json value);
/// Any JSON value, or a reference to the definition of a registry family.
[[nodiscard]] Json raw_schema(const Field& field);
/// Adds a described member to an object's schema.
void add_property(Json& object, std::string_view name, const Field& field, Json property,
                  Json initial);
[[nodiscard]] Json object_schema();

struct AnyField {
  template <class Member>
  void operator()(std::string_view, Member, const Field& = {}) const {}
};
template <class P>
concept HasFields = requires {
  P::fields(AnyField{});
};
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires {
  EnumNames<E>::names.size();
};
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;

template <class T>
struct Contained {};
template <class T>
struct Contained<std::vector<T>> {
  static constexpr bool is_vector = true;
  using Item = T;
};
template <class T>
struct Contained<std::optional<T>> {
  static constexpr bool is_optional = true;
  using Item = T;
};
template <class T>
struct Contained<std::map<std::string, T>> {
  static constexpr bool is_map = true;
  using Item = T;
};
template <class T>
concept Vector = Contained<T>::is_vector;
template <class T>
concept Optional = Contained<T>::is_optional;
template <class T>
concept Map = Contained<T>::is_map;

template <NamedEnum E>
[[nodiscard]] constexpr auto enum_texts() {
  std::array<std::string_view, EnumNames<E>::names.size()> texts{};
  for (std::size_t i = 0; i < texts.size(); ++i) texts[i] = EnumNames<E>::names[i].second;
  return texts;
}
template <Integer T>
inline constexpr std::int64_t kLow = std::is_signed_v<T>
                                         ? static_cast<std::int64_t>(std::numeric_limits<T>::min())
                                         : 0;
template <Integer T>
inline constexpr std::int64_t kHigh =
    sizeof(T) == 8 ? std::numeric_limits<std::int64_t>::max()
                   : static_cast<std::int64_t>(std::numeric_limits<T>::max());

template <class T>
void read_value(T& value, const Json& json, const std::string& where, const Field& field) {
  if constexpr (std::same_as<T, bool>) {
    value = read_bool(json, where);
  } else if constexpr (Integer<T>) {
    value = static_cast<T>(read_integer(json, where, field, kLow<T>, kHigh<T>));
  } else if constexpr (std::floating_point<T>) {
    value = static_cast<T>(read_number(json, where, field));
  } else if constexpr (std::same_as<T, std::string>) {
    value = read_string(json, where);
  } else if constexpr (NamedEnum<T>) {
    value = EnumNames<T>::names[read_name(json, where, enum_texts<T>())].first;
  } else if constexpr (std::same_as<T, Json>) {
    value = json;
  } else if constexpr (Vector<T>) {
    value.clear();
    for (const Json& item : read_array(json, where)) {
      typename T::value_type element{};
      read_value(element, item, where + '/' + std::to_string(value.size()), field);
      value.push_back(std::move(element));
    }
  } else if constexpr (Optional<T>) {
    if (json.is_null()) {
      value.reset();
    } else {
      read_value(value.emplace(), json, where, field);
    }
  } else if constexpr (Map<T>) {
    value.clear();
    for (const auto& [key, item] : read_object(json, where)) {
      read_value(value[key], item, where + '/' + escape_pointer(key), field);
    }
  } else {
    static_assert(HasFields<T>, "a configurable type needs fields() or a case here");
    value = load<T>(json, where);
  }
}

template <class T>
[[nodiscard]] Json dump_value(const T& value) {
  if constexpr (Integer<T>) {
    return Json(static_cast<std::int64_t>(value));
  } else if constexpr (std::floating_point<T>) {
    return Json(static_cast<double>(value));
  } else if constexpr (NamedEnum<T>) {
    for (const auto& [each, text] : EnumNames<T>::names) {
      if (each == value) return Json(text);
    }
    return Json();
  } else if constexpr (Vector<T>) {
    Json items = Json::array();
    for (const typename T::value_type& item : value) items.push_back(dump_value(item));
    return items;
  } else if constexpr (Optional<T>) {
    return value ? dump_value(*value) : Json();
  } else if constexpr (Map<T>) {
    Json members = Json::object();
    for (const auto& [key, item] : value) members[key] = dump_value(item);
    return members;
  } else if constexpr (HasFields<T>) {
    return dump(value);
  } else {
    return Json(value);
  }
}

template <class T>
[[nodiscard]] Json value_schema(const Field& field) {
  if constexpr (std::same_as<T, bool>) {
    return simple_schema("boolean");
  } else if constexpr (Integer<T>) {
    return integer_schema(field, kLow<T>, kHigh<T>);
  } else if constexpr (std::floating_point<T>) {
    return number_schema(field);
  } else if constexpr (std::same_as<T, std::string>) {
    return simple_schema("string");
  } else if constexpr (NamedEnum<T>) {
    return name_schema(enum_texts<T>());
  } else if constexpr (std::same_as<T, Json>) {
    return raw_schema(field);
  } else if constexpr (Vector<T>) {
    return array_schema(value_schema<typename Contained<T>::Item>(field));
  } else if constexpr (Optional<T>) {
    return optional_schema(value_schema<typename Contained<T>::Item>(field));
  } else if constexpr (Map<T>) {
    return map_schema(value_schema<typename Contained<T>::Item>(field));
  } else {
    return schema<T>();
  }
}

}  // namespace detail

template <class P>
P load(const Json& json, const std::string& where) {
  detail::FieldNames names;
  P::fields([&](std::string_view name, auto, const Field& field = {}) {
    names.all.push_back(name);
    if (field.required) names.required.push_back(name);
  });
  detail::check_members(json, where, names);
  P params{};
  P::fields([&](std::string_view name, auto member, const Field& field = {}) {
    if (const Json* value = json.find(name)) {
      detail::read_value(params.*member, *value, where + '/' + escape_pointer(name), field);
    }
  });
  return params;
}

template <class P>
Json dump(const P& params) {
  Json json = Json::object();
  P::fields([&](std::string_view name, auto member, const Field& = {}) {
    json[name] = detail::dump_value(params.*member);
  });
  return json;
}

template <class P>
Json schema() {
  Json json = detail::object_schema();
  const P initial{};
  P::fields([&](std::string_view name, auto member, const Field& field = {}) {
    using Member = std::remove_cvref_t<decltype(initial.*member)>;
    detail::add_property(json, name, field, detail::value_schema<Member>(field),
                         detail::dump_value(initial.*member));
  });
  return json;
}

}  // namespace walras
