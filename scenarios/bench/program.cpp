// The program as a user starts it, timed from outside.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "scenarios/bench/bench.hpp"
#include "scenarios/locations.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

extern char** environ;

namespace walras::scenarios {
namespace {

/// Seconds that this program takes with these words, its output thrown away. Throws Error{Unavailable} when it fails.
double time_program(const std::vector<std::string>& words) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  std::vector<std::string> owned{program};
  owned.insert(owned.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : owned) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  int status = 0;
  const double taken = seconds([&] {
    pid_t child = 0;
    if (posix_spawn(&child, program.c_str(), &actions, nullptr, pointers.data(), environ) != 0 || waitpid(child, &status, 0) != child) {
      status = -1;
    }
  });
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0) fail(Fault::Unavailable, "walras bench", fmt::format("expected `walras {}` to end well; its message is above", fmt::join(words, " ")));
  return taken;
}

std::vector<BenchCase> quickstart(bool pdf) {
  auto scratch = std::make_shared<ScratchFolder>("bench");
  std::vector<std::string> words{"run", (examples_folder() / "quickstart.json").string(), "--quiet", "--out", (scratch->path() / "out").string(),
                                 "--ledger", (scratch->path() / "ledger.h5").string()};
  if (!pdf) words.push_back("--no-pdf");
  return {{"", [scratch, words] { return time_program(words); }}};
}

}  // namespace

void add_program_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back({.name = "quickstart",
                        .work = "scenarios/quickstart.json the whole way, HTML report, without the PDF; a process of its own",
                        .unit = "s", .higher_is_better = false, .target = 5, .prepare = [] { return quickstart(false); }});
  benchmarks.push_back({.name = "quickstart_pdf",
                        .work = "the same with the PDF",
                        .unit = "s", .higher_is_better = false, .target = 12, .prepare = [] { return quickstart(true); }, .runs = 3});
  benchmarks.push_back({.name = "help",
                        .work = "walras --help, a process of its own",
                        .unit = "ms", .higher_is_better = false, .target = 50,
                        .prepare = [] { return std::vector<BenchCase>{{"", [] { return 1e3 * time_program({"--help"}); }}}; }, .runs = 20});
}

}  // namespace walras::scenarios
