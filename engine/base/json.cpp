#include "engine/base/json.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <set>

namespace walras {
namespace {

constexpr std::size_t kMaximumDepth = 64;

/// Hands characters to the parser and counts them, so that callbacks know where they are.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  const char* at = nullptr;
  std::size_t* count = nullptr;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    ++at;
    ++*count;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

/// "parse error ...: syntax error while parsing X - unexpected Y; expected Z" -> "expected Z, was
/// Y".
std::string plain_words(std::string_view text) {
  if (const auto dash = text.find(" - "); dash != std::string_view::npos) {
    text.remove_prefix(dash + 3);
  }
  constexpr std::string_view kUnexpected = "unexpected ", kExpected = "; expected ";
  std::string expected = "valid JSON";
  if (const auto at = text.find(kExpected); at != std::string_view::npos) {
    expected = text.substr(at + kExpected.size());
    text = text.substr(0, at);
  }
  if (text.starts_with(kUnexpected)) text.remove_prefix(kUnexpected.size());
  return fmt::format("expected {}, was {}", expected, text);
}

/// Builds a Json from parser events and refuses what the parser itself would let pass.
class Builder final : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, std::string_view source, const std::size_t& count)
      : text_(text), source_(source), count_(count) {}

  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(std::int64_t value) override { return put(Json(value)); }
  bool number_unsigned(std::uint64_t value) override {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      refuse_integer(std::to_string(value));
    }
    return put(Json(static_cast<std::int64_t>(value)));
  }
  bool number_float(double value, const std::string& digits) override {
    if (digits.find_first_of(".eE") == std::string::npos) refuse_integer(digits);
    if (!std::isfinite(value)) {
      refuse(count_, fmt::format("expected a number within the range of a double, was {}", digits));
    }
    return put(Json(value));
  }
  bool string(std::string& value) override { return put(Json(std::move(value))); }
  bool binary(nlohmann::json::binary_t&) override { return false; }  // no such thing in text
  bool start_object(std::size_t) override {
    open(Json::object());
    return true;
  }
  bool start_array(std::size_t) override {
    open(Json::array());
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(std::string& name) override {
    if (!open_.back().names.insert(name).second) {
      refuse(start_of_text(), fmt::format("expected each key once, was a second \"{}\"", name));
    }
    open_.back().key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    const std::string_view words = error.what();
    if (words.find("number overflow") != std::string_view::npos) {
      refuse(position, "expected a number within the range of a double, was a larger one");
    }
    refuse(position, plain_words(words));
  }

  Json result;

 private:
  struct Open {
    Json value;
    std::string key;
    std::set<std::string> names;
  };

  /// `position` counts characters from 1, as the parser does.
  [[noreturn]] void refuse(std::size_t position, const std::string& message) const {
    const std::size_t end = position == 0 ? 0 : std::min(position - 1, text_.size());
    const std::string_view before = text_.substr(0, end);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto newline = before.rfind('\n');
    const std::size_t column = newline == std::string_view::npos ? end + 1 : end - newline;
    fail(Fault::Scenario, fmt::format("{}:{}:{}", source_, line, column), message);
  }
  [[noreturn]] void refuse_integer(const std::string& digits) const {
    refuse(count_ > digits.size() ? count_ - digits.size() : 1,
           fmt::format("expected an integer within +-9223372036854775807, was {}", digits));
  }
  /// Position of the opening quote of the text that has just been read.
  [[nodiscard]] std::size_t start_of_text() const {
    std::size_t at = std::min(count_, text_.size());
    if (at > 0) --at;  // the closing quote
    while (at > 0) {
      --at;
      if (text_[at] != '"') continue;
      std::size_t escapes = 0;
      while (escapes < at && text_[at - 1 - escapes] == '\\') ++escapes;
      if (escapes % 2 == 0) break;
    }
    return at + 1;
  }
  void open(Json value) {
    if (open_.size() >= kMaximumDepth) {
      refuse(count_,
             fmt::format("expected nesting of at most {} levels, was deeper", kMaximumDepth));
    }
    open_.push_back({std::move(value), {}, {}});
  }
  bool close() {
    Json value = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(value));
  }
  bool put(Json value) {
    if (open_.empty()) {
      result = std::move(value);
    } else if (Open& top = open_.back(); top.value.is_array()) {
      top.value.as_array().push_back(std::move(value));
    } else {
      top.value.as_object().emplace_back(std::move(top.key), std::move(value));
    }
    return true;
  }

  std::string_view text_, source_;
  const std::size_t& count_;
  std::vector<Open> open_;
};

void write_text(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const std::size_t length = utf8_length(text, at);
    if (length == 0) {
      out += "\xEF\xBF\xBD";  // a file name need not be UTF-8; the output always is
      ++at;
      continue;
    }
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
          out.append(text, at, length);
        }
    }
    at += length;
  }
  out += '"';
}

void write_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    fail(Fault::Internal, "JSON", "expected a finite number, was NaN or infinity");
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";  // it reads back as a double
}

void write(std::string& out, const Json& json, int indent, int level) {
  const auto new_line = [&](int at) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent * at), ' ');
  };
  if (json.is_null()) {
    out += "null";
  } else if (json.is_bool()) {
    out += json.as_bool() ? "true" : "false";
  } else if (json.is_integer()) {
    fmt::format_to(std::back_inserter(out), "{}", json.as_integer());
  } else if (json.is_number()) {
    write_number(out, json.as_number());
  } else if (json.is_string()) {
    write_text(out, json.as_string());
  } else if (json.size() == 0) {
    out += json.is_array() ? "[]" : "{}";
  } else if (json.is_array()) {
    out += '[';
    bool first = true;
    for (const Json& item : json.as_array()) {
      if (!std::exchange(first, false)) out += ',';
      new_line(level + 1);
      write(out, item, indent, level + 1);
    }
    new_line(level);
    out += ']';
  } else {
    out += '{';
    bool first = true;
    for (const auto& [key, value] : json.as_object()) {
      if (!std::exchange(first, false)) out += ',';
      new_line(level + 1);
      write_text(out, key);
      out += indent < 0 ? ":" : ": ";
      write(out, value, indent, level + 1);
    }
    new_line(level);
    out += '}';
  }
}

/// Splits a JSON pointer into unescaped tokens; nothing when it is no pointer (RFC 6901 section 3).
std::optional<std::vector<std::string>> pointer_tokens(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  if (pointer.front() != '/') return std::nullopt;
  for (std::size_t at = 0; at < pointer.size(); ++at) {
    if (const char c = pointer[at]; c == '/') {
      tokens.emplace_back();
    } else if (c == '~') {
      if (at + 1 >= pointer.size() || (pointer[at + 1] != '0' && pointer[at + 1] != '1')) {
        return std::nullopt;
      }
      tokens.back() += pointer[++at] == '0' ? '~' : '/';
    } else {
      tokens.back() += c;
    }
  }
  return tokens;
}

std::optional<std::size_t> array_index(std::string_view token) {
  std::size_t index = 0;
  const char* end = token.data() + token.size();
  const auto [stop, error] = std::from_chars(token.data(), end, index);
  const bool leading_zero = token.size() > 1 && token.front() == '0';
  if (error != std::errc() || stop != end || leading_zero) return std::nullopt;
  return index;
}

[[noreturn]] void mismatch(std::string_view expected, const Json& json) {
  fail(Fault::Scenario, "", fmt::format("expected {}, was {}", expected, json.type_name()));
}

}  // namespace

Json Json::object(Object members) {
  Json json;
  json.value_ = std::move(members);
  return json;
}

std::string_view Json::type_name() const {
  constexpr std::array<std::string_view, 7> kNames{"null",   "boolean", "integer", "number",
                                                   "string", "array",   "object"};
  return kNames[value_.index()];
}

bool Json::as_bool() const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value;
  mismatch("boolean", *this);
}
std::int64_t Json::as_integer() const {
  if (const std::int64_t* value = std::get_if<std::int64_t>(&value_)) return *value;
  mismatch("integer", *this);
}
double Json::as_number() const {
  if (const double* value = std::get_if<double>(&value_)) return *value;
  if (const std::int64_t* value = std::get_if<std::int64_t>(&value_)) {
    return static_cast<double>(*value);
  }
  mismatch("number", *this);
}
const std::string& Json::as_string() const {
  if (const std::string* value = std::get_if<std::string>(&value_)) return *value;
  mismatch("string", *this);
}
const Json::Array& Json::as_array() const {
  if (const Array* value = std::get_if<Array>(&value_)) return *value;
  mismatch("array", *this);
}
Json::Array& Json::as_array() {
  if (Array* value = std::get_if<Array>(&value_)) return *value;
  mismatch("array", *this);
}
const Json::Object& Json::as_object() const {
  if (const Object* value = std::get_if<Object>(&value_)) return *value;
  mismatch("object", *this);
}
Json::Object& Json::as_object() {
  if (Object* value = std::get_if<Object>(&value_)) return *value;
  mismatch("object", *this);
}

const Json* Json::find(std::string_view key) const {
  const Object* object = std::get_if<Object>(&value_);
  if (object == nullptr) return nullptr;
  const auto found = std::find_if(object->begin(), object->end(),
                                  [&](const Member& member) { return member.first == key; });
  return found == object->end() ? nullptr : &found->second;
}
Json* Json::find(std::string_view key) { return const_cast<Json*>(std::as_const(*this).find(key)); }
const Json& Json::at(std::string_view key) const {
  if (!is_object()) mismatch("object", *this);
  const Json* found = find(key);
  if (found == nullptr) {
    fail(Fault::Scenario, "", fmt::format("expected a member \"{}\", was none", key));
  }
  return *found;
}
Json& Json::operator[](std::string_view key) {
  if (is_null()) value_ = Object{};
  if (Json* found = find(key)) return *found;
  return as_object().emplace_back(std::string(key), Json()).second;
}
void Json::push_back(Json item) {
  if (is_null()) value_ = Array{};
  as_array().push_back(std::move(item));
}
std::size_t Json::size() const {
  if (const Array* array = std::get_if<Array>(&value_)) return array->size();
  if (const Object* object = std::get_if<Object>(&value_)) return object->size();
  return 0;
}

Json Json::parse(std::string_view text, std::string_view source) {
  std::size_t count = 0;
  Builder builder(text, source, count);
  const CountingIterator begin{text.data(), &count}, end{text.data() + text.size(), &count};
  nlohmann::json::sax_parse(begin, end, &builder, nlohmann::json::input_format_t::json,
                            /*strict=*/true, /*ignore_comments=*/false);
  return std::move(builder.result);
}

Json Json::read(const std::filesystem::path& file) { return parse(read_text(file), file.string()); }

std::string Json::dump(int indent) const {
  std::string out;
  write(out, *this, indent, 0);
  return out;
}

const Json* Json::pointer(std::string_view pointer) const {
  const auto tokens = pointer_tokens(pointer);
  if (!tokens) return nullptr;
  const Json* here = this;
  for (const std::string& token : *tokens) {
    if (here->is_array()) {
      const auto index = array_index(token);
      here = index && *index < here->size() ? &here->as_array()[*index] : nullptr;
    } else {
      here = here->find(token);
    }
    if (here == nullptr) return nullptr;
  }
  return here;
}

void Json::set_pointer(std::string_view pointer, Json value) {
  const auto tokens = pointer_tokens(pointer);
  if (!tokens) {
    fail(Fault::Usage, pointer, "expected a JSON pointer such as /market/source/path, was none");
  }
  Json* here = this;
  std::string walked;
  for (const std::string& token : *tokens) {
    if (here->is_array()) {
      const auto index = array_index(token);
      const std::size_t size = here->size();
      if (token == "-" || (index && *index == size)) {
        here->push_back(Json());
        here = &here->as_array().back();
      } else if (index && *index < size) {
        here = &here->as_array()[*index];
      } else {
        fail(Fault::Usage, pointer,
             fmt::format("expected an index of 0 to {} in {}, was {}", size,
                         walked.empty() ? "the root" : walked, token));
      }
    } else if (here->is_object() || here->is_null()) {
      here = &(*here)[token];
    } else {
      fail(Fault::Usage, pointer,
           fmt::format("expected an object or array at {}, was {}",
                       walked.empty() ? "the root" : walked, here->type_name()));
    }
    walked += '/';
    walked += escape_pointer(token);
  }
  *here = std::move(value);
}

std::string escape_pointer(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned second = byte(1);
    const bool overlong = lead == 0xE0 && second < 0xA0, surrogate = lead == 0xED && second > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned second = byte(1);
    const bool overlong = lead == 0xF0 && second < 0x90, beyond = lead == 0xF4 && second > 0x8F;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace walras
