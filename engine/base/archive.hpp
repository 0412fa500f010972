#pragma once
// Archive: a component says once, in state(Archive&), what its state is, and the same words save and load it. Bytes are
// those of this machine and build: snapshots branch and resume simulations, they are no file format. Pointers and spans
// have no place in them: components keep indices, or make them anew after loading.
#include "engine/base/error.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace walras {

class Archive {
 public:
  /// Saves: appends to `out`, which outlives the archive.
  explicit Archive(std::vector<std::byte>& out) : out_(&out) {}
  /// Saves nowhere: adds to `size` what saving would take.
  explicit Archive(std::size_t& size) : size_(&size) {}
  /// Loads from the front of `in`.
  explicit Archive(std::span<const std::byte> in) : in_(in) {}

  [[nodiscard]] bool saving() const { return out_ != nullptr || size_ != nullptr; }
  [[nodiscard]] bool loading() const { return !saving(); }
  /// Loading: what has not been read yet.
  [[nodiscard]] std::span<const std::byte> rest() const { return in_; }

  /// Saves or loads each value in turn: what has state(Archive&), numbers, enums and plain structs, strings, vectors,
  /// deques, maps, pairs, arrays, optionals, and what a unique_ptr that is not null owns. A vector of what has no default
  /// keeps its length: its elements were made with their owner.
  /// Throws Error{Data} when loading from bytes that end too early.
  template <class... Values>
  void operator()(Values&... values) {
    (one(values), ...);
  }

  /// `count` bytes as they are.
  void bytes(void* data, std::size_t count) {
    if (count == 0) return;
    if (size_) {
      *size_ += count;
      return;
    }
    if (out_) {
      const auto* from = static_cast<const std::byte*>(data);
      out_->insert(out_->end(), from, from + count);
      return;
    }
    if (count > in_.size()) [[unlikely]] {
      fail(Fault::Data, "snapshot", "expected more state, but its bytes end here; take the snapshot again with this build");
    }
    std::memcpy(data, in_.data(), count);
    in_ = in_.subspan(count);
  }

 private:
  /// A count of elements; loading refuses more than the bytes that are left can hold.
  std::size_t count(std::size_t now, std::size_t least_bytes) {
    std::uint64_t size = now;
    one(size);
    if (loading() && size > in_.size() / (least_bytes > 0 ? least_bytes : 1)) [[unlikely]]
      fail(Fault::Data, "snapshot", "expected fewer elements than bytes are left; take the snapshot again with this build");
    return static_cast<std::size_t>(size);
  }

  template <class T>
  void one(T& value) {
    if constexpr (requires { value.state(*this); }) {
      value.state(*this);
    } else {
      static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>, "give this type a state(Archive&)");
      bytes(&value, sizeof value);
    }
  }
  template <class T>
  static constexpr bool kPlain = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !requires(T& t, Archive& a) { t.state(a); };

  template <class T, class Allocator>
  void one(std::vector<T, Allocator>& values) {
    const std::size_t size = count(values.size(), kPlain<T> ? sizeof(T) : 1);
    if constexpr (std::is_default_constructible_v<T>) {
      values.resize(size);
    } else if (size != values.size()) [[unlikely]] {
      fail(Fault::Data, "snapshot", "expected as many parts as there are here; take the snapshot in a market like this one");
    }
    if constexpr (std::is_same_v<T, bool>) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        bool bit = values[i];
        one(bit);
        values[i] = bit;
      }
    } else if constexpr (kPlain<T>) {
      bytes(values.data(), values.size() * sizeof(T));
    } else {
      for (T& value : values) one(value);
    }
  }
  template <class T>
  void one(std::deque<T>& values) {
    values.resize(count(values.size(), 1));
    for (T& value : values) one(value);
  }
  void one(std::string& text) {
    text.resize(count(text.size(), 1));
    bytes(text.data(), text.size());
  }
  template <class K, class V, class C>
  void one(std::map<K, V, C>& values) {
    const std::size_t size = count(values.size(), 1);
    if (saving()) {
      for (auto& [key, value] : values) {
        K copy = key;
        one(copy);
        one(value);
      }
      return;
    }
    values.clear();
    for (std::size_t i = 0; i < size; ++i) {
      K key{};
      one(key);
      one(values[std::move(key)]);
    }
  }
  template <class A, class B>
  void one(std::pair<A, B>& pair) {
    one(pair.first);
    one(pair.second);
  }
  template <class T, std::size_t N>
    requires(!std::is_trivially_copyable_v<T>)
  void one(std::array<T, N>& values) {
    for (T& value : values) one(value);
  }
  template <class T>
  void one(std::optional<T>& value) {
    bool present = value.has_value();
    one(present);
    if (loading()) {
      if (present) value.emplace();
      else value.reset();
    }
    if (present) one(*value);
  }
  template <class T, class D>
  void one(std::unique_ptr<T, D>& owned) {
    one(*owned);
  }

  std::vector<std::byte>* out_ = nullptr;
  std::size_t* size_ = nullptr;
  std::span<const std::byte> in_;
};

/// Appends the state of `value` to `bytes`.
template <class T>
void save_state(const T& value, std::vector<std::byte>& bytes) {
  Archive archive(bytes);
  archive(const_cast<T&>(value));  // saving changes nothing
}
/// Takes the state of `value` from the front of `bytes`.
template <class T>
void load_state(T& value, std::span<const std::byte>& bytes) {
  Archive archive(bytes);
  archive(value);
  bytes = archive.rest();
}

}  // namespace walras
