#pragma once
// A JSON value, a strict reader and a writer. Hides the JSON library (json.cpp includes it alone).
// Strict: duplicate keys, comments, trailing text, NaN, integers beyond int64 and nesting deeper
// than 64 are errors that name the place as "<source>:<line>:<column>" or as a JSON pointer.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace walras {

/// A JSON value with value semantics. Objects keep the order of their members; keys are unique.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  ///< null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<std::int64_t>(value)) {}
  Json(unsigned value) : value_(static_cast<std::int64_t>(value)) {}
  Json(std::int64_t value) : value_(value) {}
  Json(std::size_t value) : value_(static_cast<std::int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  /// An object from members, as Json::object({{"a", 1}, {"b", "x"}}).
  static Json object(Object members = {});
  static Json array(Array items = {}) { return Json(std::move(items)); }

  [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  [[nodiscard]] bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
  [[nodiscard]] bool is_string() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_array() const { return std::holds_alternative<Array>(value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<Object>(value_); }
  /// "null", "boolean", "integer", "number", "string", "array" or "object", for messages.
  [[nodiscard]] std::string_view type_name() const;

  /// Accessors. Throw Error{Scenario} "expected <type>, was <type>" on a mismatch.
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_integer() const;
  [[nodiscard]] double as_number() const;  ///< integers convert
  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] const Array& as_array() const;
  [[nodiscard]] Array& as_array();
  [[nodiscard]] const Object& as_object() const;
  [[nodiscard]] Object& as_object();

  /// The member, or nullptr when absent or when this is no object.
  [[nodiscard]] const Json* find(std::string_view key) const;
  [[nodiscard]] Json* find(std::string_view key);
  /// The member; throws Error{Scenario} when absent.
  [[nodiscard]] const Json& at(std::string_view key) const;
  /// The member, appended as null when absent; null becomes an object.
  Json& operator[](std::string_view key);
  void push_back(Json item);  ///< null becomes an array
  [[nodiscard]] std::size_t size() const;
  bool operator==(const Json&) const = default;

  /// Strict parse. `source` names the text in messages. Throws Error{Scenario}.
  static Json parse(std::string_view text, std::string_view source = "JSON");
  /// Reads and parses a file. Throws Error{Io} or Error{Scenario}.
  static Json read(const std::filesystem::path& file);
  /// Text with shortest round-trip doubles. indent < 0: one line. Throws Error{Internal} on NaN or infinity.
  [[nodiscard]] std::string dump(int indent = -1) const;

  /// Value at a JSON pointer (RFC 6901), or nullptr.
  [[nodiscard]] const Json* pointer(std::string_view pointer) const;
  /// Sets the value at a JSON pointer, creating missing object members. Throws Error{Usage}.
  void set_pointer(std::string_view pointer, Json value);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

/// Bytes of the UTF-8 sequence that starts at `at` (no stray, missing or needless bytes, no halves of surrogate pairs); 0 where there is none.
[[nodiscard]] std::size_t utf8_length(std::string_view text, std::size_t at);
/// One token of a JSON pointer, escaped ("~" and "/").
[[nodiscard]] std::string escape_pointer(std::string_view token);

}  // namespace walras
