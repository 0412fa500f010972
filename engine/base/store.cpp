#include "engine/base/store.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace walras {
namespace {

// The user block: HDF5 looks for its own signature at 0, 512, 1024 ..., so 512 bytes of ours may
// precede it.
constexpr std::size_t kUserBlock = 512;
constexpr std::string_view kMagic = "WALRAS STORE 1\n";
constexpr std::size_t kHexDigits = 64;
constexpr hsize_t kChunkRows = 65'536;

/// libhdf5 as Debian builds it is not thread-safe: one caller at a time.
std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

/// An HDF5 identifier that is closed when it goes.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close, std::string_view doing) : id_(id), close_(close) {
    if (id < 0)
      fail(Fault::Io, "HDF5", fmt::format("expected to {}, was refused by the library", doing));
  }
  ~Handle() { close_(id_); }
  Handle(const Handle&) = delete;
  operator hid_t() const { return id_; }

 private:
  hid_t id_;
  Close close_;
};

void require(herr_t result, std::string_view doing) {
  if (result < 0)
    fail(Fault::Io, "HDF5", fmt::format("expected to {}, was refused by the library", doing));
}

hid_t native_type(const std::vector<std::int64_t>&) { return H5T_STD_I64LE; }
hid_t native_type(const std::vector<double>&) { return H5T_IEEE_F64LE; }
hid_t native_type(const std::vector<std::int32_t>&) { return H5T_STD_I32LE; }
hid_t native_type(const std::vector<std::uint8_t>&) { return H5T_STD_U8LE; }

/// Fixed-length UTF-8 text: what h5py and every other reader know.
hid_t text_type(std::size_t length) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, std::max<std::size_t>(length, 1));
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

void write_attribute(hid_t place, const std::string& name, const Json& value) {
  const Handle scalar(H5Screate(H5S_SCALAR), H5Sclose, "describe an attribute");
  auto put = [&](hid_t type, const void* data) {
    const Handle attribute(H5Acreate2(place, name.c_str(), type, scalar, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose, "create attribute " + name);
    require(H5Awrite(attribute, type, data), "write attribute " + name);
  };
  if (value.is_integer()) {
    const std::int64_t number = value.as_integer();
    put(H5T_STD_I64LE, &number);
  } else if (value.is_number()) {
    const double number = value.as_number();
    put(H5T_IEEE_F64LE, &number);
  } else {
    const std::string text = value.is_string() ? value.as_string() : value.dump();
    const Handle type(text_type(text.size()), H5Tclose, "describe text");
    put(type, text.empty() ? "\0" : text.data());
  }
}

/// Attributes for people, and one line that says which of them are JSON text.
void write_attributes(hid_t place, const Json& attributes) {
  if (attributes.is_null()) return;
  Json nested = Json::array();
  for (const auto& [name, value] : attributes.as_object()) {
    write_attribute(place, name, value);
    if (!value.is_number() && !value.is_string()) nested.push_back(name);
  }
  if (nested.size() > 0) write_attribute(place, "json_attributes", nested.dump());
}

Json read_one(hid_t attribute) {
  const Handle type(H5Aget_type(attribute), H5Tclose, "read an attribute");
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: {
      std::int64_t number = 0;
      require(H5Aread(attribute, H5T_STD_I64LE, &number), "read an attribute");
      return number;
    }
    case H5T_FLOAT: {
      double number = 0;
      require(H5Aread(attribute, H5T_IEEE_F64LE, &number), "read an attribute");
      return number;
    }
    default: {
      std::string text(H5Tget_size(type), '\0');
      require(H5Aread(attribute, type, text.data()), "read an attribute");
      text.resize(std::min(text.size(), std::strlen(text.c_str())));
      return text;
    }
  }
}

Json read_attributes(hid_t place) {
  Json attributes = Json::object();
  H5O_info_t info;
  require(H5Oget_info2(place, &info, H5O_INFO_NUM_ATTRS), "count attributes");
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    const Handle attribute(
        H5Aopen_by_idx(place, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose, "open an attribute");
    std::string name(static_cast<std::size_t>(H5Aget_name(attribute, 0, nullptr)), '\0');
    H5Aget_name(attribute, name.size() + 1, name.data());
    attributes[name] = read_one(attribute);
  }
  if (const Json* nested = attributes.find("json_attributes")) {
    const Json names = Json::parse(nested->as_string(), "json_attributes");
    for (const Json& name : names.as_array()) {
      Json& value = attributes[name.as_string()];
      value = Json::parse(value.as_string(), name.as_string());
    }
    std::erase_if(attributes.as_object(),
                  [](const Json::Member& member) { return member.first == "json_attributes"; });
  }
  return attributes;
}

void write_column(hid_t group, const NamedColumn& column) {
  const hsize_t rows = std::visit(
      [](const auto& values) { return static_cast<hsize_t>(values.size()); }, column.values);
  const Handle space(H5Screate_simple(1, &rows, nullptr), H5Sclose, "describe a column");
  const Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, "describe a column");
  H5Pset_obj_track_times(creation, false);
  H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  if (rows > 0) {
    const hsize_t chunk = std::min(rows, kChunkRows);
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, 4);
  }
  auto put = [&](hid_t type, const void* data) {
    const Handle dataset(
        H5Dcreate2(group, column.name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT),
        H5Dclose, "create column " + column.name);
    if (rows > 0)
      require(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data),
              "write column " + column.name);
    if (!column.unit.empty()) write_attribute(dataset, "unit", column.unit);
  };
  if (const auto* texts = std::get_if<std::vector<std::string>>(&column.values)) {
    std::size_t width = 1;
    for (const std::string& text : *texts) width = std::max(width, text.size());
    std::string flat(width * texts->size(), '\0');
    for (std::size_t i = 0; i < texts->size(); ++i)
      (*texts)[i].copy(flat.data() + i * width, width);
    const Handle type(text_type(width), H5Tclose, "describe text");
    put(type, flat.data());
  } else {
    std::visit(
        [&](const auto& values) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(values)>, std::vector<std::string>>) {
            put(native_type(values), values.data());
          }
        },
        column.values);
  }
}

template <class T>
std::vector<T> read_numbers(hid_t dataset, hid_t type, hsize_t rows) {
  std::vector<T> values(rows);
  if (rows > 0)
    require(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read a column");
  return values;
}

NamedColumn read_column(hid_t group, const std::string& name) {
  const Handle dataset(H5Dopen2(group, name.c_str(), H5P_DEFAULT), H5Dclose, "open column " + name);
  const Handle space(H5Dget_space(dataset), H5Sclose, "measure column " + name);
  const Handle type(H5Dget_type(dataset), H5Tclose, "tell the type of column " + name);
  const hsize_t rows =
      static_cast<hsize_t>(std::max<hssize_t>(H5Sget_simple_extent_npoints(space), 0));
  const std::size_t size = H5Tget_size(type);
  NamedColumn column{name, "", {}};
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      column.values = read_numbers<double>(dataset, H5T_IEEE_F64LE, rows);
      break;
    case H5T_STRING: {
      std::string flat(size * rows, '\0');
      if (rows > 0)
        require(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, flat.data()),
                "read column " + name);
      std::vector<std::string> texts(rows);
      for (hsize_t i = 0; i < rows; ++i) {
        const std::string_view cell(flat.data() + i * size, size);
        texts[i] = cell.substr(0, cell.find('\0'));
      }
      column.values = std::move(texts);
      break;
    }
    default:
      if (size == 8)
        column.values = read_numbers<std::int64_t>(dataset, H5T_STD_I64LE, rows);
      else if (size == 4)
        column.values = read_numbers<std::int32_t>(dataset, H5T_STD_I32LE, rows);
      else
        column.values = read_numbers<std::uint8_t>(dataset, H5T_STD_U8LE, rows);
  }
  if (H5Aexists(dataset, "unit") > 0) {
    const Handle unit(H5Aopen(dataset, "unit", H5P_DEFAULT), H5Aclose, "read a unit");
    column.unit = read_one(unit).as_string();
  }
  return column;
}

/// The order of tables and columns, which HDF5 itself keeps by name only.
Json layout_of(const std::vector<Table>& tables) {
  Json layout = Json::array();
  for (const Table& table : tables) {
    Json columns = Json::array();
    for (const NamedColumn& column : table.columns) columns.push_back(column.name);
    layout.push_back(Json::object({{"table", table.name}, {"columns", std::move(columns)}}));
  }
  return layout;
}

std::string image_of(const Store& store) {
  const std::lock_guard lock(library_mutex());
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "prepare a file");
  require(H5Pset_fapl_core(access, std::size_t{1} << 20, false), "prepare a file in memory");
  require(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18),
          "choose the file version");
  const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose, "prepare a file");
  H5Pset_obj_track_times(creation, false);
  H5Pset_attr_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  const Handle file(H5Fcreate("walras", H5F_ACC_TRUNC, creation, access), H5Fclose,
                    "create a file in memory");
  write_attributes(file, store.attributes);
  write_attribute(file, "layout", layout_of(store.tables).dump());
  const Handle links(H5Pcreate(H5P_LINK_CREATE), H5Pclose, "prepare a group");
  H5Pset_create_intermediate_group(links, 1);
  const Handle groups(H5Pcreate(H5P_GROUP_CREATE), H5Pclose, "prepare a group");
  H5Pset_obj_track_times(groups, false);
  H5Pset_attr_creation_order(groups, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED);
  for (const Table& table : store.tables) {
    const std::size_t rows = table.rows();
    for (const NamedColumn& column : table.columns) {
      expects(std::visit([](const auto& values) { return values.size(); }, column.values) == rows,
              "columns of a table have equal length");
    }
    const bool exists = H5Lexists(file, table.name.c_str(), H5P_DEFAULT) > 0;
    const Handle group(exists ? H5Gopen2(file, table.name.c_str(), H5P_DEFAULT)
                              : H5Gcreate2(file, table.name.c_str(), links, groups, H5P_DEFAULT),
                       H5Gclose, "create table " + table.name);
    write_attributes(group, table.attributes);
    for (const NamedColumn& column : table.columns) write_column(group, column);
  }
  require(H5Fflush(file, H5F_SCOPE_GLOBAL), "finish a file");
  const ssize_t size = H5Fget_file_image(file, nullptr, 0);
  if (size <= 0) fail(Fault::Io, "HDF5", "expected the finished file, was refused by the library");
  std::string image(static_cast<std::size_t>(size), '\0');
  if (H5Fget_file_image(file, image.data(), image.size()) != size) {
    fail(Fault::Io, "HDF5", "expected the finished file, was refused by the library");
  }
  return image;
}

std::string checksum(std::string_view image) {
  Sha256 hash;
  hash.update(image);
  return hash.hex();
}

Store read_store(const std::filesystem::path& file, const std::vector<std::string>* wanted) {
  const std::string place = file.string();
  std::string bytes = read_text(file, std::size_t{1} << 36);
  if (bytes.size() <= kUserBlock || bytes.compare(0, kMagic.size(), kMagic) != 0) {
    fail(Fault::Data, place,
         "expected a file written by walras, was something else or cut off at its start");
  }
  std::string_view image = bytes;
  image.remove_prefix(kUserBlock);
  if (checksum(image) != std::string_view(bytes).substr(kMagic.size(), kHexDigits)) {
    fail(Fault::Data, place,
         "expected contents that match their checksum, was a damaged or truncated file; restore it "
         "or run again");
  }
  const std::lock_guard lock(library_mutex());
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "prepare a file");
  require(H5Pset_fapl_core(access, std::size_t{1} << 20, false), "prepare a file in memory");
  // libhdf5 copies the image; it only reads from ours.
  require(H5Pset_file_image(access, const_cast<char*>(image.data()), image.size()), "load a file");
  // The name only labels the image, and must not be that of a file.
  const std::string label = place + " in memory";
  const Handle opened(H5Fopen(label.c_str(), H5F_ACC_RDONLY, access), H5Fclose, "open " + place);
  Store store;
  store.attributes = read_attributes(opened);
  const Json layout = Json::parse(store.attributes.at("layout").as_string(), place + ":layout");
  std::erase_if(store.attributes.as_object(),
                [](const Json::Member& member) { return member.first == "layout"; });
  for (const Json& entry : layout.as_array()) {
    Table table;
    table.name = entry.at("table").as_string();
    if (wanted && std::find(wanted->begin(), wanted->end(), table.name) == wanted->end()) continue;
    const Handle group(H5Gopen2(opened, table.name.c_str(), H5P_DEFAULT), H5Gclose,
                       "open table " + table.name);
    table.attributes = read_attributes(group);
    for (const Json& column : entry.at("columns").as_array()) {
      table.columns.push_back(read_column(group, column.as_string()));
    }
    store.tables.push_back(std::move(table));
  }
  return store;
}

}  // namespace

const NamedColumn* Table::find(std::string_view column) const {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const NamedColumn& c) { return c.name == column; });
  return at == columns.end() ? nullptr : &*at;
}

std::size_t Table::rows() const {
  return columns.empty()
             ? 0
             : std::visit([](const auto& values) { return values.size(); }, columns.front().values);
}

const Table* Store::find(std::string_view name) const {
  const auto at = std::find_if(tables.begin(), tables.end(),
                               [&](const Table& table) { return table.name == name; });
  return at == tables.end() ? nullptr : &*at;
}

const Table& Store::at(std::string_view name) const {
  const Table* table = find(name);
  if (!table) fail(Fault::Data, name, "expected a table of this name in the file, was none");
  return *table;
}

void Store::write(const std::filesystem::path& file) const {
  std::string bytes(kUserBlock, '\0');
  const std::string image = image_of(*this);
  const std::string hash = checksum(image);
  kMagic.copy(bytes.data(), kMagic.size());
  hash.copy(bytes.data() + kMagic.size(), kHexDigits);
  bytes += image;
  write_atomically(file, bytes);
}

Store Store::read(const std::filesystem::path& file) { return read_store(file, nullptr); }

Store Store::read(const std::filesystem::path& file, const std::vector<std::string>& tables) {
  return read_store(file, &tables);
}

}  // namespace walras
