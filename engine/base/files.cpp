#include "engine/base/files.hpp"

#include "engine/base/error.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace walras {
namespace {

[[noreturn]] void refuse_io(const std::filesystem::path& file, std::string_view action, int error,
                            std::string_view remedy = "") {
  fail(Fault::Io, file.string(),
       fmt::format("cannot {}: {}{}{}", action, std::generic_category().message(error),
                   remedy.empty() ? "" : "; ", remedy));
}

/// What to do about a failed write.
std::string_view write_remedy(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free some space or name another output folder";
    case EROFS:
    case EACCES:
    case EPERM:
      return "name an output folder that you may write to";
    case ENOENT:
      return "create the folder first";
    default:
      return "";
  }
}

/// What to do about a file that cannot be opened to be read: the nearest folder on its way that exists says where to look.
std::string read_remedy(const std::filesystem::path& file, int error) {
  if (error == EACCES || error == EPERM) return "ask its owner for leave to read it";
  if (error != ENOENT && error != ENOTDIR) return "";
  std::error_code ignored;
  auto folder = std::filesystem::absolute(file, ignored).parent_path();
  const bool folder_exists = std::filesystem::is_directory(folder, ignored);
  while (folder.has_relative_path() && !std::filesystem::is_directory(folder, ignored)) folder = folder.parent_path();
  return folder_exists ? fmt::format("mend the name, or put the file into {}", folder.string())
                       : fmt::format("mend the path: it ends at {}", folder.string());
}

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

/// Opens a file to read; folders and missing files are refused in words.
int open_to_read(const std::filesystem::path& file) {
  Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (opened.get() < 0) {
    const int error = errno;
    // A file that is not there is a mistake of who named it; what the system refuses is none.
    if (error == ENOENT || error == ENOTDIR)
      fail(Fault::Data, file.string(), fmt::format("expected a file, found none; {}", read_remedy(file, error)));
    refuse_io(file, "open", error, read_remedy(file, error));
  }
  struct stat status {};
  if (::fstat(opened.get(), &status) == 0 && S_ISDIR(status.st_mode)) {
    fail(Fault::Data, file.string(), "expected a file, was a folder; name a file in it");
  }
  return opened.release();
}

std::size_t read_some(int descriptor, std::span<std::byte> buffer,
                      const std::filesystem::path& file) {
  for (;;) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) refuse_io(file, "read", errno);
  }
}

/// The file beside the target that becomes the target. A writer that is killed leaves it behind,
/// and the next writer takes it over; the lock keeps two writers of one target apart.
class Draft {
 public:
  explicit Draft(const std::filesystem::path& target)
      : target_(target),
        path_(target.parent_path() / ("." + target.filename().string() + ".draft")) {
    for (;;) {
      const int number = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
      if (number < 0) refuse_io(target_, "write", errno, write_remedy(errno));
      Descriptor opened(number);
      while (::flock(number, LOCK_EX) != 0) {
        if (errno != EINTR) refuse_io(target_, "lock", errno);
      }
      // Whoever held the lock before may have renamed this very file to the target.
      struct stat mine {
      }, named{};
      if (::fstat(number, &mine) == 0 && ::stat(path_.c_str(), &named) == 0 &&
          mine.st_ino == named.st_ino && mine.st_dev == named.st_dev) {
        number_ = opened.release();
        return;
      }
    }
  }
  ~Draft() {
    if (number_ < 0) return;
    if (!renamed_) ::unlink(path_.c_str());
    ::close(number_);
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  void write(std::string_view contents) {
    if (::ftruncate(number_, 0) != 0) refuse_io(target_, "write", errno, write_remedy(errno));
    while (!contents.empty()) {
      const ssize_t put = ::write(number_, contents.data(), contents.size());
      if (put < 0) {
        if (errno == EINTR) continue;
        refuse_io(target_, "write", errno, write_remedy(errno));
      }
      contents.remove_prefix(static_cast<std::size_t>(put));
    }
    if (::fsync(number_) != 0) refuse_io(target_, "write", errno, write_remedy(errno));
  }
  void rename() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      refuse_io(target_, "replace", errno, write_remedy(errno));
    }
    renamed_ = true;
    const auto folder = target_.has_parent_path() ? target_.parent_path() : ".";
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() < 0) return;  // a folder that may be written but not read: the rename stands
    if (::fsync(opened.get()) != 0 && errno != EINVAL) refuse_io(target_, "write", errno);
  }

 private:
  std::filesystem::path target_, path_;
  int number_ = -1;
  bool renamed_ = false;
};

struct CloseArchive {
  void operator()(archive* opened) const { archive_read_free(opened); }
};
using Archive = std::unique_ptr<archive, CloseArchive>;

/// Opens a file with every decompressor that we promise; zip is the only container.
Archive open_archive(const std::filesystem::path& file) {
  Archive opened(archive_read_new());
  archive* raw = opened.get();
  archive_read_support_filter_gzip(raw);
  archive_read_support_filter_zstd(raw);
  archive_read_support_filter_xz(raw);
  archive_read_support_format_zip(raw);
  archive_read_support_format_raw(raw);
  archive_read_support_format_empty(raw);
  if (archive_read_open_filename(raw, file.c_str(), std::size_t{1} << 16) != ARCHIVE_OK) {
    fail(Fault::Data, file.string(), fmt::format("cannot read: {}", archive_error_string(raw)));
  }
  return opened;
}

std::string_view entry_name(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  return name == nullptr ? std::string_view() : std::string_view(name);
}

bool is_zip(archive* opened) {
  return (archive_format(opened) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
}

/// Next entry that is a file; nullptr at the end.
archive_entry* next_file(archive* opened, const std::filesystem::path& file) {
  for (;;) {
    archive_entry* entry = nullptr;
    const int result = archive_read_next_header(opened, &entry);
    if (result == ARCHIVE_EOF) return nullptr;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
      fail(Fault::Data, file.string(),
           fmt::format("expected a readable file or archive, was: {}",
                       archive_error_string(opened)));
    }
    if (archive_entry_filetype(entry) != AE_IFDIR) return entry;
  }
}

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() {
    if (context == nullptr || EVP_DigestInit_ex(context, EVP_sha256(), nullptr) != 1) {
      EVP_MD_CTX_free(context);
      fail(Fault::Unavailable, "libcrypto", "expected SHA-256, was none");
    }
  }
  ~State() { EVP_MD_CTX_free(context); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}
void Sha256::update(std::string_view text) { update(std::as_bytes(std::span(text))); }
void Sha256::update_integer(std::int64_t value) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
  }
  update(bytes);
}
std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(state_->context, digest.data(), &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string sha256_file(const std::filesystem::path& file) {
  const Descriptor opened(open_to_read(file));
  Sha256 hash;
  std::vector<std::byte> buffer(std::size_t{1} << 18);
  while (const std::size_t got = read_some(opened.get(), buffer, file)) {
    hash.update(std::span(buffer).first(got));
  }
  return hash.hex();
}

std::string read_text(const std::filesystem::path& file, std::size_t limit) {
  const Descriptor opened(open_to_read(file));
  std::string text;
  struct stat status {};
  if (::fstat(opened.get(), &status) == 0 && status.st_size > 0) {
    text.reserve(std::min(static_cast<std::size_t>(status.st_size), limit) + 1);
  }
  std::array<char, 1 << 16> buffer;
  while (const std::size_t got =
             read_some(opened.get(), std::as_writable_bytes(std::span(buffer)), file)) {
    if (got > limit - text.size()) {
      fail(Fault::Data, file.string(), fmt::format("expected at most {} bytes, was larger", limit));
    }
    text.append(buffer.data(), got);
  }
  return text;
}

ScratchFolder::ScratchFolder(std::string_view purpose) {
  std::string name = (std::filesystem::temp_directory_path() / fmt::format("walras-{}-XXXXXX", purpose)).string();
  if (::mkdtemp(name.data()) == nullptr) {
    const int error = errno;
    fail(Fault::Io, name, fmt::format("cannot create a temporary folder: {}", std::generic_category().message(error)));
  }
  path_ = name;
}
ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void write_atomically(const std::filesystem::path& file, std::string_view contents) {
  if (std::filesystem::is_directory(file)) {
    fail(Fault::Io, file.string(), "expected a file to write, was a folder");
  }
  Draft draft(file);
  draft.write(contents);
  draft.rename();
}

/// Bytes come from zlib for gzip, because libarchive does not verify gzip's checksums, and from
/// libarchive for all else.
struct InputStream::State {
  static constexpr std::size_t kLongestLine = std::size_t{1} << 20;
  static constexpr std::size_t kBlock = std::size_t{1} << 18;

  std::filesystem::path file;
  std::string name;
  Archive opened;
  gzFile zipped = nullptr;
  std::vector<char> buffer = std::vector<char>(kLongestLine + kBlock);
  std::size_t begin = 0, end = 0;  // of the unread part of the buffer
  std::size_t row = 0;
  bool finished = false;

  State() = default;
  ~State() {
    if (zipped != nullptr) gzclose_r(zipped);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  [[noreturn]] void refuse(std::string_view message) const {
    fail(Fault::Data, fmt::format("{}:{}", name, row + 1), message);
  }
  [[noreturn]] void refuse_corrupt(std::string_view detail) const {
    refuse(fmt::format("expected intact compressed data, was: {}; fetch or copy the file again",
                       detail));
  }

  std::size_t decompress(char* target, std::size_t size) {
    if (finished) return 0;
    if (zipped != nullptr) return unzip(target, size);
    const la_ssize_t got = archive_read_data(opened.get(), target, size);
    if (got < 0) {
      const char* detail = archive_error_string(opened.get());
      refuse_corrupt(detail == nullptr ? "unreadable" : detail);
    }
    if (got == 0) finished = true;
    return static_cast<std::size_t>(got);
  }
  std::size_t unzip(char* target, std::size_t size) {
    const int got = gzread(zipped, target, static_cast<unsigned>(size));
    int error = Z_OK;
    const char* detail = gzerror(zipped, &error);
    if (got < 0 || (error != Z_OK && error != Z_STREAM_END)) {
      refuse_corrupt(error == Z_BUF_ERROR ? "a truncated gzip file" : detail);
    }
    if (static_cast<std::size_t>(got) < size) {
      // A short count is the end; only closing tells whether the last member was whole.
      finished = true;
      if (gzclose_r(std::exchange(zipped, nullptr)) == Z_BUF_ERROR) {
        row += static_cast<std::size_t>(std::count(target, target + got, '\n'));
        refuse_corrupt("a truncated gzip file");
      }
    }
    return static_cast<std::size_t>(got);
  }
  /// Moves the unread part to the front and adds to it; false at the end.
  bool refill() {
    std::memmove(buffer.data(), buffer.data() + begin, end - begin);
    end -= begin;
    begin = 0;
    const std::size_t got = decompress(buffer.data() + end, std::min(kBlock, buffer.size() - end));
    end += got;
    return got > 0;
  }
};

InputStream::InputStream(const std::filesystem::path& file, std::string_view member)
    : state_(std::make_unique<State>()) {
  state_->file = file;
  state_->name = file.string();
  Descriptor raw(open_to_read(file));
  std::array<unsigned char, 2> magic{};
  const auto bytes = std::as_writable_bytes(std::span(magic));
  const bool gzip = read_some(raw.get(), bytes, file) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  if (::lseek(raw.get(), 0, SEEK_SET) < 0) fail(Fault::Io, file.string(), "expected a file, was a pipe; save what it sends, and name that");
  if (gzip) {
    state_->zipped = gzdopen(raw.release(), "rb");
    if (state_->zipped == nullptr) refuse_io(file, "open", ENOMEM);
    gzbuffer(state_->zipped, 1U << 17);
  } else {
    state_->opened = open_archive(file);
    archive* opened = state_->opened.get();
    const archive_entry* chosen = nullptr;
    std::string names;
    while (archive_entry* entry = next_file(opened, file)) {
      const std::string_view name = entry_name(entry);
      if (is_zip(opened)) {
        if (name.find(member) == std::string_view::npos) {
          names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
          continue;
        }
        if (const auto all = archive_members(file); member.empty() && all.size() > 1) {
          fail(Fault::Data, file.string(),
               fmt::format(
                   "expected one file in the archive or the name of a member, was {} files: {}",
                   all.size(), fmt::join(all, ", ")));
        }
        state_->name += fmt::format(":{}", name);
      }
      chosen = entry;
      break;
    }
    if (chosen == nullptr && is_zip(opened)) {
      fail(Fault::Data, file.string(),
           fmt::format("expected a member whose name contains \"{}\", was {}", member,
                       names.empty() ? "an empty archive" : names));
    }
    if (chosen == nullptr) state_->finished = true;
  }
  // A byte order mark is no part of the first line.
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  while (state_->end < kMark.size() && state_->refill()) {
  }
  if (std::string_view(state_->buffer.data(), state_->end).starts_with(kMark)) {
    state_->begin = kMark.size();
  }
}

InputStream::~InputStream() = default;
InputStream::InputStream(InputStream&&) noexcept = default;

bool InputStream::line(std::string_view& text) {
  State& state = *state_;
  std::size_t searched = 0;
  for (;;) {
    const char* start = state.buffer.data() + state.begin;
    const std::size_t size = state.end - state.begin;
    const void* found = std::memchr(start + searched, '\n', size - searched);
    if (found == nullptr && size < State::kLongestLine && state.refill()) {
      searched = size;
      continue;
    }
    std::size_t length = size;
    if (found != nullptr)
      length = static_cast<std::size_t>(static_cast<const char*>(found) - start);
    if (length >= State::kLongestLine) {
      state.refuse("expected lines shorter than 1 MiB, was longer; is this a text file?");
    }
    if (found == nullptr && size == 0) return false;
    start = state.buffer.data() + state.begin;  // the refill that found the end may have moved it
    state.begin += length + (found != nullptr ? 1 : 0);
    ++state.row;
    text = {start, length};
    if (text.ends_with('\r')) text.remove_suffix(1);
    return true;
  }
}

std::size_t InputStream::read(std::span<std::byte> buffer) {
  State& state = *state_;
  if (state.begin == state.end && !state.refill()) return 0;
  const std::size_t size = std::min(buffer.size(), state.end - state.begin);
  std::memcpy(buffer.data(), state.buffer.data() + state.begin, size);
  state.begin += size;
  return size;
}

std::size_t InputStream::row() const { return state_->row; }
const std::string& InputStream::name() const { return state_->name; }

std::vector<std::string> archive_members(const std::filesystem::path& file) {
  const Descriptor checked(open_to_read(file));
  const Archive opened = open_archive(file);
  std::vector<std::string> names;
  while (archive_entry* entry = next_file(opened.get(), file)) {
    if (!is_zip(opened.get())) break;
    names.emplace_back(entry_name(entry));
  }
  return names;
}

}  // namespace walras
