#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "reports/report.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace walras::reports {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHowTo = "install Debian's packages chromium and chromium-sandbox, or print report.html from any browser";

fs::path find_chromium() {
  const char* path = std::getenv("PATH");
  std::string folders = std::string(path != nullptr ? path : "") + ":/usr/local/bin:/usr/bin:/snap/bin";
  for (const char* name : {"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"})
    for (std::size_t begin = 0; begin < folders.size();) {
      const std::size_t end = std::min(folders.find(':', begin), folders.size());
      const fs::path file = fs::path(folders.substr(begin, end - begin)) / name;
      if (file.is_absolute() && ::access(file.c_str(), X_OK) == 0) return file;
      begin = end + 1;
    }
  return {};
}

/// A folder that only `owner` can enter; removed with all that is in it.
class PrivateFolder {
 public:
  PrivateFolder(const fs::path& parent, uid_t owner, gid_t group) {
    std::string pattern = (parent / "walras-pdf-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      fail(Fault::Io, parent.string(), fmt::format("expected a folder that can be written, {}", std::strerror(errno)));
    path_ = pattern;
    if (::geteuid() == 0 && ::chown(path_.c_str(), owner, group) != 0)
      fail(Fault::Io, path_.string(), fmt::format("expected to give the folder away, {}", std::strerror(errno)));
  }
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  ~PrivateFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string file_url(const fs::path& file) {
  std::string url = "file://";
  for (const char character : file.string()) {
    const auto byte = static_cast<unsigned char>(character);
    const bool plain = std::isalnum(byte) != 0 || std::string_view("/-_.").find(character) != std::string_view::npos;
    url += plain ? std::string(1, character) : fmt::format("%{:02X}", byte);
  }
  return url;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

struct Finished {
  bool in_time = true;
  int status = 0;
};

/// Runs a program in a process group of its own, its output in `log`, and kills whatever of the group is left.
Finished run_program(std::vector<std::string> arguments, std::vector<std::string> environment, const fs::path& folder, uid_t user,
                     gid_t group, std::chrono::seconds limit) {
  // All memory is allocated before fork(): between it and exec only async-signal-safe calls are allowed.
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const std::string log = (folder / "log").string();
  const std::string home = folder.string();
  const bool drop = ::geteuid() == 0;
  const pid_t child = ::fork();
  if (child < 0) fail(Fault::Io, arguments[0], fmt::format("expected to start it, {}", std::strerror(errno)));
  if (child == 0) {
    ::setpgid(0, 0);
    if (drop && (::syscall(SYS_setgroups, 0, nullptr) != 0 || ::syscall(SYS_setresgid, group, group, group) != 0 ||
                 ::syscall(SYS_setresuid, user, user, user) != 0))
      ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const int in = ::open("/dev/null", O_RDONLY);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    if (in < 0 || out < 0 || ::chdir(home.c_str()) != 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0) ::_exit(126);
    ::close_range(3, ~0U, 0);
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  ::setpgid(child, child);
  Finished result;
  const auto end = std::chrono::steady_clock::now() + limit;
  while (::waitpid(child, &result.status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() >= end) {
      result.in_time = false;
      ::kill(-child, SIGKILL);
      ::waitpid(child, &result.status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::kill(-child, SIGKILL);
  return result;
}

/// Reads a file that an unprivileged program made: a regular file, never a link out of its folder.
std::string made_by_program(const fs::path& file) {
  std::error_code ignored;
  if (!fs::is_regular_file(fs::symlink_status(file, ignored))) return {};
  return read_text(file, std::size_t{256} << 20);
}

}  // namespace

void write_pdf(const fs::path& html, const fs::path& pdf, std::chrono::seconds limit) {
  const fs::path chromium = find_chromium();
  if (chromium.empty())
    fail(Fault::Unavailable, pdf.string(), fmt::format("expected Chromium to print the PDF, found none; {}", kHowTo));
  const std::string page = read_text(html);
  uid_t user = ::geteuid();
  gid_t group = ::getegid();
  if (user == 0) {  // Chromium refuses to run as root in its sandbox, so it runs as nobody
    const struct passwd* nobody = ::getpwnam("nobody");
    user = nobody != nullptr ? nobody->pw_uid : 65534;
    group = nobody != nullptr ? nobody->pw_gid : 65534;
  }
  const PrivateFolder folder(::geteuid() == 0 ? fs::path("/tmp") : fs::temp_directory_path(), user, group);
  const fs::path copy = folder.path() / "report.html";
  const fs::path printed = folder.path() / "report.pdf";
  write_atomically(copy, page);
  if (::chmod(copy.c_str(), 0644) != 0) fail(Fault::Io, copy.string(), "expected to make it readable");

  const std::string home = folder.path().string();
  const Finished result = run_program(
      {chromium.string(), "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
       "--disable-component-update", "--disable-background-networking", "--disable-sync", "--disable-dev-shm-usage", "--mute-audio",
       "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + home + "/profile", "--window-size=794,1123",
       "--no-pdf-header-footer", "--generate-pdf-document-outline", "--print-to-pdf=" + printed.string(), file_url(copy) + "#print"},
      {"HOME=" + home, "TMPDIR=" + home, "XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + home, "XDG_RUNTIME_DIR=" + home,
       "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC", "DBUS_SESSION_BUS_ADDRESS=disabled:"},
      folder.path(), user, group, limit);
  if (!result.in_time)
    fail(Fault::Io, pdf.string(), fmt::format("expected Chromium to print within {} s, it was still at work; print report.html from a browser", limit.count()));
  const std::string log = made_by_program(folder.path() / "log");
  if (log.find("No usable sandbox") != std::string::npos || log.find("SUID sandbox") != std::string::npos ||
      log.find("Failed to move to new namespace") != std::string::npos)
    fail(Fault::Unavailable, pdf.string(),
         fmt::format("expected Chromium's sandbox to start (unprivileged user namespaces or its setuid helper), it could not; {}", kHowTo));
  const std::string made = made_by_program(printed);
  if (!made.starts_with("%PDF-") || made.find("%%EOF", made.size() - std::min<std::size_t>(made.size(), 1024)) == std::string::npos) {
    const std::string end = log.substr(log.size() - std::min<std::size_t>(log.size(), 300));
    fail(Fault::Io, pdf.string(),
         fmt::format("expected a PDF from {}, it ended with {} and none: {}", chromium.string(),
                     WIFEXITED(result.status) ? fmt::format("status {}", WEXITSTATUS(result.status)) : fmt::format("signal {}", WTERMSIG(result.status)),
                     end));
  }
  write_atomically(pdf, made);
}

}  // namespace walras::reports
