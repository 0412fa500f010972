#include "engine/base/files.hpp"
#include "engine/base/error.hpp"
#include "tests/support/folder.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace walras;
using tests::TemporaryFolder;

namespace {

void put(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

struct Member {
  std::string name, text;
};

/// Writes an archive: raw (one member) or zip, through one filter.
void pack(const std::filesystem::path& file, int filter, bool zip,
          const std::vector<Member>& members) {
  archive* opened = archive_write_new();
  archive_write_add_filter(opened, filter);
  if (zip) archive_write_set_format_zip(opened);
  if (!zip) archive_write_set_format_raw(opened);
  REQUIRE(archive_write_open_filename(opened, file.c_str()) == ARCHIVE_OK);
  for (const Member& member : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(member.text.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    REQUIRE(archive_write_header(opened, entry) == ARCHIVE_OK);
    archive_write_data(opened, member.text.data(), member.text.size());
    archive_entry_free(entry);
  }
  REQUIRE(archive_write_close(opened) == ARCHIVE_OK);
  archive_write_free(opened);
}

std::vector<std::string> lines(const std::filesystem::path& file, const std::string& member = "") {
  InputStream stream(file, member);
  std::vector<std::string> all;
  std::string_view text;
  while (stream.line(text)) all.emplace_back(text);
  CHECK(stream.row() == all.size());
  CHECK(!stream.line(text));
  return all;
}

Error error_of(const std::filesystem::path& file, const std::string& member = "") {
  try {
    lines(file, member);
  } catch (const Error& error) {
    return error;
  }
  FAIL("accepted " << file);
  return Error(Fault::Internal, "", "");
}

}  // namespace

TEST_CASE("SHA-256 agrees with FIPS 180-4 and with itself in pieces") {
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  CHECK(hash.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 integers;
  integers.update_integer(-2);
  Sha256 bytes;
  bytes.update(std::string_view("\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8));
  CHECK(integers.hex() == bytes.hex());
  TemporaryFolder folder;
  put(folder / "empty", "");
  CHECK(sha256_file(folder / "empty") ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("whole files are read up to a limit") {
  TemporaryFolder folder;
  put(folder / "a", "12345");
  CHECK(read_text(folder / "a") == "12345");
  CHECK_THROWS_WITH_AS((void)read_text(folder / "a", 4),
                       ((folder / "a").string() + ": expected at most 4 bytes, was larger").c_str(),
                       Error);
  CHECK_THROWS_WITH_AS(
      (void)read_text(folder / "b"),
      ((folder / "b").string() + ": expected a file, found none; mend the name, or put the file into " +
       folder.path().string()).c_str(), Error);
  CHECK_THROWS_WITH_AS(
      (void)read_text(folder / "c" / "d" / "e"),
      ((folder / "c" / "d" / "e").string() + ": expected a file, found none; mend the path: it ends at " +
       folder.path().string()).c_str(), Error);
  CHECK_THROWS_AS((void)read_text(folder.path()), Error);
}

TEST_CASE(
    "an atomic write replaces the file, leaves nothing beside it and takes over a dead draft") {
  TemporaryFolder folder;
  put(folder / ".out.draft", "left by a killed run, longer than what follows");
  write_atomically(folder / "out", "one");
  write_atomically(folder / "out", "two");
  CHECK(read_text(folder / "out") == "two");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a write that cannot be done says how to mend it and leaves the old file") {
  TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(write_atomically(folder / "no/out", "x"),
                       ((folder / "no/out").string() +
                        ": cannot write: No such file or directory; create the folder first")
                           .c_str(),
                       Error);
  CHECK_THROWS_AS(write_atomically(folder.path(), "x"), Error);
  // /dev/full refuses every byte; a file size limit does the same to a real file.
  write_atomically(folder / "out", "old");
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    int code = 1;
    try {
      write_atomically(folder / "out", std::string(10'000, 'x'));
    } catch (const Error& error) {
      code = error.fault() == Fault::Io ? 0 : 2;
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(read_text(folder / "out") == "old");
  CHECK(!std::filesystem::exists(folder / ".out.draft"));
  if (geteuid() != 0) {
    std::filesystem::permissions(
        folder.path(), std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    CHECK_THROWS_WITH_AS(
        write_atomically(folder / "out", "new"),
        ((folder / "out").string() +
         ": cannot write: Permission denied; name an output folder that you may write to")
            .c_str(),
        Error);
  }
}

TEST_CASE("lines come out the same from plain and compressed files, told by content") {
  TemporaryFolder folder;
  const std::string text = "\xEF\xBB\xBFone\r\ntwo\n\nlast";
  const std::vector<std::string> expected{"one", "two", "", "last"};
  put(folder / "plain.gz", text);
  CHECK(lines(folder / "plain.gz") == expected);
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_XZ}) {
    CAPTURE(filter);
    pack(folder / "packed.csv", filter, false, {{"data", text}});
    CHECK(lines(folder / "packed.csv") == expected);
  }
  pack(folder / "packed.csv", ARCHIVE_FILTER_NONE, true, {{"data", text}});
  CHECK(lines(folder / "packed.csv") == expected);
  put(folder / "empty", "");
  CHECK(lines(folder / "empty").empty());
}

TEST_CASE("a member of a zip is chosen by a part of its name") {
  TemporaryFolder folder;
  pack(folder / "a.zip", ARCHIVE_FILTER_NONE, true, {{"in/prices.csv", "1\n"}, {"readme", "2\n"}});
  CHECK(archive_members(folder / "a.zip") == std::vector<std::string>{"in/prices.csv", "readme"});
  CHECK(lines(folder / "a.zip", "prices") == std::vector<std::string>{"1"});
  CHECK(lines(folder / "a.zip", "readme") == std::vector<std::string>{"2"});
  const std::string file = (folder / "a.zip").string();
  CHECK(error_of(folder / "a.zip").what() == file +
                                                 ": expected one file in the archive or the name "
                                                 "of a member, was 2 files: in/prices.csv, readme");
  CHECK(error_of(folder / "a.zip", "volume").what() ==
        file + ": expected a member whose name contains \"volume\", was in/prices.csv, readme");
  CHECK(InputStream(folder / "a.zip", "prices").name() == file + ":in/prices.csv");
  put(folder / "plain", "1\n");
  CHECK(archive_members(folder / "plain").empty());
}

TEST_CASE("truncated and corrupt input is an error that names the file and the row") {
  TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919 % 10'007) + ",x\n";
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_XZ}) {
    CAPTURE(filter);
    pack(folder / "whole", filter, false, {{"data", text}});
    CHECK(lines(folder / "whole").size() == 20'000);
    const std::string bytes = read_text(folder / "whole");
    for (const double part : {0.3, 0.7, 0.999}) {
      CAPTURE(part);
      put(folder / "short",
          bytes.substr(0, static_cast<std::size_t>(part * static_cast<double>(bytes.size()))));
      const Error error = error_of(folder / "short");
      CHECK(error.fault() == Fault::Data);
      CHECK(error.where().starts_with((folder / "short").string()));
    }
    if (filter == ARCHIVE_FILTER_ZSTD) continue;  // zstd files carry no checksum unless asked to
    std::string flipped = bytes;
    flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 0x10);
    put(folder / "flipped", flipped);
    CHECK(error_of(folder / "flipped").fault() == Fault::Data);
  }
  pack(folder / "whole", ARCHIVE_FILTER_NONE, true, {{"data", text}});
  std::string flipped = read_text(folder / "whole");
  flipped[flipped.size() / 3] = static_cast<char>(flipped[flipped.size() / 3] ^ 0x10);
  put(folder / "flipped", flipped);
  CHECK(error_of(folder / "flipped").fault() == Fault::Data);
}

TEST_CASE("a gzip file of several members is read to its end") {
  TemporaryFolder folder;
  pack(folder / "a", ARCHIVE_FILTER_GZIP, false, {{"data", "1\n"}});
  const std::string one = read_text(folder / "a");
  put(folder / "b", one + one);
  CHECK(lines(folder / "b") == std::vector<std::string>{"1", "1"});
}

TEST_CASE("a line of a MiB or more is refused") {
  TemporaryFolder folder;
  put(folder / "long",
      "ok\n" + std::string((1 << 20) - 1, 'x') + "\n" + std::string(1 << 20, 'y') + "\n");
  const Error error = error_of(folder / "long");
  CHECK(error.where() == (folder / "long").string() + ":3");
  put(folder / "endless", std::string(3 << 20, 'x'));
  CHECK(error_of(folder / "endless").where() == (folder / "endless").string() + ":1");
}

TEST_CASE("bytes are read to the end") {
  TemporaryFolder folder;
  pack(folder / "a", ARCHIVE_FILTER_GZIP, false, {{"data", std::string(1'000'000, 'z')}});
  InputStream stream(folder / "a");
  std::vector<std::byte> buffer(4096);
  std::size_t total = 0;
  while (const std::size_t got = stream.read(buffer)) total += got;
  CHECK(total == 1'000'000);
}
