#include "models/weights.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "engine/base/error.hpp"

namespace walras::models {
namespace {

float half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double sign = bits >> 15 ? -1.0 : 1.0;
  if (exponent == 31) return static_cast<float>(fraction ? std::nan("") : sign * HUGE_VAL);
  const double value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  return static_cast<float>(sign * value);
}

float number(const std::byte* data, std::string_view type) {
  if (type == "F64") {
    double value = 0;
    std::memcpy(&value, data, 8);
    return static_cast<float>(value);
  }
  if (type == "F32") {
    float value = 0;
    std::memcpy(&value, data, 4);
    return value;
  }
  std::uint16_t bits = 0;
  std::memcpy(&bits, data, 2);
  return type == "F16" ? half(bits) : std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::size_t width(std::string_view type) {
  if (type == "F64") return 8;
  if (type == "F32") return 4;
  return type == "F16" || type == "BF16" ? 2 : 0;
}

struct Entry {
  std::string name, type;
  std::vector<std::int64_t> shape;
  std::size_t begin = 0, end = 0, count = 0;
};

template <class T>
void raw(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

/// A zip of stored members, data aligned to 64 bytes as PyTorch's reader likes it.
class Zip {
 public:
  void add(const std::string& name, const std::string& data) {
    const auto crc = static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size())));
    const std::size_t at = bytes_.size(), plain = at + 30 + name.size() + 4;
    const std::size_t pad = (64 - plain % 64) % 64;
    header(bytes_, 0x04034b50, crc, data.size(), name.size(), pad + 4);
    bytes_ += name;
    raw(bytes_, std::uint16_t{0x4246});  // padding, as PyTorch writes it
    raw(bytes_, static_cast<std::uint16_t>(pad));
    bytes_.append(pad, 'Z');
    bytes_ += data;
    raw(directory_, std::uint32_t{0x02014b50});
    raw(directory_, std::uint16_t{20});
    fields(directory_, crc, data.size(), name.size(), 0);
    raw(directory_, std::uint16_t{0});  // comment
    raw(directory_, std::uint16_t{0});  // disk
    raw(directory_, std::uint16_t{0});  // internal
    raw(directory_, std::uint32_t{0});  // external
    raw(directory_, static_cast<std::uint32_t>(at));
    directory_ += name;
    ++count_;
  }
  std::string finish() {
    std::string all = bytes_ + directory_;
    raw(all, std::uint32_t{0x06054b50});
    raw(all, std::uint32_t{0});
    raw(all, count_);
    raw(all, count_);
    raw(all, static_cast<std::uint32_t>(directory_.size()));
    raw(all, static_cast<std::uint32_t>(bytes_.size()));
    raw(all, std::uint16_t{0});
    return all;
  }

 private:
  static void fields(std::string& out, std::uint32_t crc, std::size_t size, std::size_t name,
                     std::size_t extra) {
    raw(out, std::uint16_t{20});  // version needed
    raw(out, std::uint16_t{0});   // flags
    raw(out, std::uint16_t{0});   // stored
    raw(out, std::uint16_t{0});   // time
    raw(out, std::uint16_t{33});  // 1 January 1980
    raw(out, crc);
    raw(out, static_cast<std::uint32_t>(size));
    raw(out, static_cast<std::uint32_t>(size));
    raw(out, static_cast<std::uint16_t>(name));
    raw(out, static_cast<std::uint16_t>(extra));
  }
  static void header(std::string& out, std::uint32_t magic, std::uint32_t crc, std::size_t size,
                     std::size_t name, std::size_t extra) {
    raw(out, magic);
    fields(out, crc, size, name, extra);
  }
  std::string bytes_, directory_;
  std::uint16_t count_ = 0;
};

/// Pickle, protocol 2: the few instructions that a dictionary of tensors needs.
class Pickle {
 public:
  Pickle() { out_ = "\x80\x02"; }
  void op(std::string_view code) { out_ += code; }
  void global(std::string_view module, std::string_view name) { out_ += fmt::format("c{}\n{}\n", module, name); }
  void text(std::string_view value) {
    out_ += 'X';
    raw(out_, static_cast<std::uint32_t>(value.size()));
    out_ += value;
  }
  void integer(std::int64_t value) {
    if (value >= 0 && value < (std::int64_t{1} << 31)) {
      out_ += 'J';
      raw(out_, static_cast<std::int32_t>(value));
    } else {
      out_ += "\x8a\x08";
      raw(out_, value);
    }
  }
  void tuple(const std::vector<std::int64_t>& values) {
    out_ += '(';
    for (const std::int64_t value : values) integer(value);
    out_ += 't';
  }
  std::string finish() { return out_ + '.'; }

 private:
  std::string out_;
};

}  // namespace

std::vector<NamedArray> read_safetensors(std::span<const std::byte> bytes, std::string_view where) {
  const auto refuse = [where](std::string_view found) {
    fail(Fault::Data, where, fmt::format("expected a safetensors file, was {}", found));
  };
  if (bytes.size() < 10) refuse(fmt::format("{} bytes", bytes.size()));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length < 2 || length > bytes.size() - 8 || length > 100'000'000) refuse("a foreign or truncated file");
  const std::span<const std::byte> data = bytes.subspan(8 + length);
  std::vector<Entry> entries;
  try {
    const Json header = Json::parse({reinterpret_cast<const char*>(bytes.data()) + 8, length}, where);
    for (const auto& [name, json] : header.as_object()) {
      if (name == "__metadata__") continue;
      Entry entry{name, json.at("dtype").as_string(), {}, 0, 0, 1};
      const std::size_t size = width(entry.type);
      if (size == 0) refuse(fmt::format("array {} of type {}, not F16, BF16, F32 or F64", name, entry.type));
      for (const Json& side : json.at("shape").as_array()) {
        const std::int64_t value = side.as_integer();
        if (value < 0 || (value > 0 && entry.count > (std::size_t{1} << 32) / static_cast<std::size_t>(value)))
          refuse(fmt::format("array {} of a shape out of bounds", name));
        entry.shape.push_back(value);
        entry.count *= static_cast<std::size_t>(value);
      }
      const Json::Array& range = json.at("data_offsets").as_array();
      if (range.size() != 2 || range[0].as_integer() < 0 || range[1].as_integer() < range[0].as_integer() ||
          static_cast<std::size_t>(range[1].as_integer()) > data.size() ||
          static_cast<std::size_t>(range[1].as_integer() - range[0].as_integer()) != entry.count * size) {
        refuse(fmt::format("array {} with offsets that do not fit its shape", name));
      }
      entry.begin = static_cast<std::size_t>(range[0].as_integer());
      entry.end = static_cast<std::size_t>(range[1].as_integer());
      entries.push_back(std::move(entry));
    }
  } catch (const Error& error) {
    if (error.fault() == Fault::Data) throw;
    fail(Fault::Data, where, error.message());
  }
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const Entry& entry : entries) ranges.emplace_back(entry.begin, entry.end);
  std::ranges::sort(ranges);
  std::size_t offset = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != offset) refuse("one with arrays that overlap or leave bytes between them");
    offset = end;
  }
  if (offset != data.size()) refuse("one with bytes that no array owns");

  std::vector<NamedArray> arrays;
  for (const Entry& entry : entries) {
    NamedArray array{entry.name, entry.shape, std::vector<float>(entry.count)};
    const std::size_t size = width(entry.type);
    for (std::size_t i = 0; i < entry.count; ++i)
      array.values[i] = number(data.data() + entry.begin + i * size, entry.type);
    arrays.push_back(std::move(array));
  }
  return arrays;
}

std::string write_safetensors(const std::vector<NamedArray>& arrays) {
  Json header = Json::object();
  std::size_t offset = 0;
  for (const NamedArray& array : arrays) {
    Json& entry = header[array.name];
    entry["dtype"] = "F32";
    entry["shape"] = Json::array();
    for (const std::int64_t side : array.shape) entry["shape"].push_back(side);
    const std::size_t end = offset + array.values.size() * sizeof(float);
    entry["data_offsets"] = Json::array({offset, end});
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string bytes;
  raw(bytes, static_cast<std::uint64_t>(text.size()));
  bytes += text;
  for (const NamedArray& array : arrays)
    bytes.append(reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(float));
  return bytes;
}

std::string write_pytorch(const std::vector<NamedArray>& arrays) {
  Pickle pickle;
  pickle.op("}(");
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const NamedArray& array = arrays[i];
    std::vector<std::int64_t> strides(array.shape.size());
    std::int64_t stride = 1;
    for (std::size_t d = array.shape.size(); d-- > 0;) {
      strides[d] = stride;
      stride *= array.shape[d];
    }
    pickle.text(array.name);
    pickle.global("torch._utils", "_rebuild_tensor_v2");
    pickle.op("((");
    pickle.text("storage");
    pickle.global("torch", "FloatStorage");
    pickle.text(std::to_string(i));
    pickle.text("cpu");
    pickle.integer(static_cast<std::int64_t>(array.values.size()));
    pickle.op("tQ");
    pickle.integer(0);
    pickle.tuple(array.shape);
    pickle.tuple(strides);
    pickle.op("\x89");  // no gradient
    pickle.global("collections", "OrderedDict");
    pickle.op(")RtR");
  }
  pickle.op("u");
  Zip zip;
  zip.add("weights/data.pkl", pickle.finish());
  zip.add("weights/byteorder", "little");
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    zip.add("weights/data/" + std::to_string(i),
            {reinterpret_cast<const char*>(arrays[i].values.data()), arrays[i].values.size() * sizeof(float)});
  }
  zip.add("weights/version", "3\n");
  return zip.finish();
}

}  // namespace walras::models
