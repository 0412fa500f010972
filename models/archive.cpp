#include "models/archive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"

namespace walras::models {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the data section is written as it lies in memory");

constexpr std::string_view kHashKey = "\"sha256\":\"";
constexpr std::size_t kHashLength = 64;

std::string hash_of(std::string_view header, std::span<const std::byte> data) {
  Sha256 sha;
  sha.update(header);
  sha.update(data);
  return sha.hex();
}

/// Product of a shape, or -1 when a side is negative or the product is beyond `limit`.
std::int64_t elements(const std::vector<std::int64_t>& shape, std::int64_t limit) {
  std::int64_t product = 1;
  for (const std::int64_t side : shape) {
    if (side < 0 || (side > 0 && product > limit / side)) return -1;
    product *= side;
  }
  return product;
}

}  // namespace

const NamedArray& Archive::at(std::string_view name, std::span<const std::int64_t> shape) const {
  const auto found = std::ranges::find(arrays, name, &NamedArray::name);
  if (found == arrays.end())
    fail(Fault::Data, name, "expected a saved array of this name, was absent");
  if (!std::ranges::equal(found->shape, shape)) {
    fail(Fault::Data, name,
         fmt::format("expected shape ({}), was ({}); the file belongs to another network",
                     fmt::join(shape, ", "), fmt::join(found->shape, ", ")));
  }
  return *found;
}

void Archive::write(std::vector<std::byte>& bytes) const {
  Json header = Json::object();
  Json& metadata = header["__metadata__"];
  metadata["sha256"] = std::string(kHashLength, '0');
  metadata["walras"] = description.dump();  // the format allows texts only
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
  text.append((8 - text.size() % 8) % 8, ' ');  // aligned data, as the format asks

  const std::uint64_t length = text.size();
  const std::size_t start = bytes.size();
  bytes.resize(start + 8 + text.size() + offset);
  std::byte* data = bytes.data() + start + 8 + text.size();
  for (const NamedArray& array : arrays) {
    const std::size_t size = array.values.size() * sizeof(float);
    if (size != 0) std::memcpy(data, array.values.data(), size);
    data += size;
  }
  const std::string hash = hash_of(text, {bytes.data() + start + 8 + text.size(), offset});
  text.replace(text.find(kHashKey) + kHashKey.size(), kHashLength, hash);
  std::memcpy(bytes.data() + start, &length, 8);
  std::memcpy(bytes.data() + start + 8, text.data(), text.size());
}

Archive Archive::read(std::span<const std::byte> bytes, std::string_view where) {
  const auto refuse = [where](std::string_view found) {
    fail(Fault::Data, where, fmt::format("expected a saved network, was {}; save it again", found));
  };
  if (bytes.size() < 8) refuse(fmt::format("{} bytes", bytes.size()));
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), 8);
  if (length < 2 || length > bytes.size() - 8) refuse("a foreign or truncated file");
  std::string text(length, '\0');
  std::memcpy(text.data(), bytes.data() + 8, length);
  const std::span<const std::byte> data = bytes.subspan(8 + length);

  const std::size_t key = text.find(kHashKey);
  if (key == std::string::npos || key + kHashKey.size() + kHashLength > text.size())
    refuse("a file of another kind");
  const std::string stated = text.substr(key + kHashKey.size(), kHashLength);
  text.replace(key + kHashKey.size(), kHashLength, std::string(kHashLength, '0'));
  if (hash_of(text, data) != stated) refuse("a truncated or altered one (its checksum differs)");

  // From here on the bytes are ours unless somebody forged the checksum: still nothing is trusted
  // unchecked.
  try {
    Archive archive;
    const Json header = Json::parse(text, where);
    archive.description = Json::parse(header.at("__metadata__").at("walras").as_string(), where);
    const auto limit = static_cast<std::int64_t>(data.size() / sizeof(float));
    std::size_t offset = 0;
    for (const auto& [name, entry] : header.as_object()) {
      if (name == "__metadata__") continue;
      if (entry.at("dtype").as_string() != "F32") refuse("an array that is not F32");
      NamedArray array{name, {}, {}};
      for (const Json& side : entry.at("shape").as_array())
        array.shape.push_back(side.as_integer());
      const std::int64_t count = elements(array.shape, limit);
      const Json::Array& range = entry.at("data_offsets").as_array();
      const std::size_t size = count < 0 ? 0 : static_cast<std::size_t>(count) * sizeof(float);
      if (count < 0 || range.size() != 2 ||
          range[0].as_integer() != static_cast<std::int64_t>(offset) ||
          range[1].as_integer() != static_cast<std::int64_t>(offset + size) ||
          offset + size > data.size()) {
        refuse(fmt::format("array {} with offsets that do not fit its shape", name));
      }
      array.values.resize(static_cast<std::size_t>(count));
      if (size != 0) std::memcpy(array.values.data(), data.data() + offset, size);
      offset += size;
      archive.arrays.push_back(std::move(array));
    }
    if (offset != data.size()) refuse("one with bytes that no array owns");
    return archive;
  } catch (const Error& error) {
    if (error.fault() == Fault::Data) throw;
    fail(Fault::Data, where, error.message());
  }
}

}  // namespace walras::models
