#include <utility>  // Boost.Asio 1.74 needs it first

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

#include "engine/link/peers.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <thread>

extern char** environ;

namespace walras::engine {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;
using Stream = asio::generic::stream_protocol::socket;
using Failure = boost::system::error_code;

constexpr std::size_t kMostIdle = 64;
constexpr std::size_t kKeptBytes = std::size_t{1} << 20;  // of what was sent already, before a slow reader's rest moves up

struct Address {
  std::string path;           // unix
  asio::ip::address host;     // else
  std::uint16_t port = 0;
};

std::optional<Address> parse_address(std::string_view text) {
  Address address;
  if (text.starts_with("unix:")) {
    address.path = text.substr(5);
    if (address.path.empty()) return std::nullopt;
    return address;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string host(text.substr(0, colon));
  const std::string_view port = text.substr(colon + 1);
  if (host == "localhost") host = "127.0.0.1";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (problem != std::errc() || end != port.data() + port.size()) return std::nullopt;
  Failure failure;
  address.host = asio::ip::make_address(host, failure);
  if (failure) return std::nullopt;
  return address;
}

/// Waits until one of `events` or the deadline; false at the deadline.
bool wait_for(int file, short events, const Deadline& deadline, short& happened) {
  while (true) {
    pollfd poll{file, events, 0};
    const int found = ::poll(&poll, 1, deadline.milliseconds_left());
    happened = poll.revents;
    if (found > 0) return true;
    if (found < 0 && errno != EINTR) fail(Fault::Io, "gateway", fmt::format("expected to wait for a socket, was refused: {}", std::generic_category().message(errno)));
    if (deadline.passed()) return false;
  }
}

// Started programs inherit nothing: a copy of a socket in another process would keep it open.
void keep_private(int file) { ::fcntl(file, F_SETFD, FD_CLOEXEC); }

}  // namespace

Deadline Deadline::in(double seconds) {
  Deadline deadline;
  deadline.at_ = std::chrono::steady_clock::now() + std::chrono::nanoseconds(std::llround(std::clamp(seconds, 0.0, 86'400.0) * 1e9));
  return deadline;
}

int Deadline::milliseconds_left() const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 86'400'000));
}

bool Deadline::passed() const { return std::chrono::steady_clock::now() >= at_; }

double Stopwatch::seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

void check_address(std::string_view text, const std::string& where) {
  const auto address = parse_address(text);
  if (!address) fail(Fault::Scenario, where, fmt::format("expected HOST:PORT with a numeric host, as 127.0.0.1:0, or unix:PATH, was {}", text));
  constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
  if (address->path.size() > kLongestPath)
    fail(Fault::Scenario, where, fmt::format("expected at most {} bytes of path after unix:, which is all that a socket's name has room for, was {}; use a shorter one, as in /tmp", kLongestPath, address->path.size()));
}

void check_program(const std::string& word, const std::filesystem::path& folder, const std::string& where) {
  if (word.empty()) fail(Fault::Scenario, where, "expected the name of a program, was empty");
  std::error_code ignored;
  const auto refuse = [&](const std::string& why) { fail(Fault::Scenario, where, fmt::format("expected a program that can be started, was {}: {}", word, why)); };
  const auto startable = [&](const std::filesystem::path& file) { return std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0; };
  if (word.find('/') != std::string::npos) {
    const std::filesystem::path file = folder / word;
    if (startable(file)) return;
    if (!std::filesystem::exists(file, ignored)) refuse(fmt::format("there is no {}; mend the name, which counts from the scenario's folder", file.string()));
    if (std::filesystem::is_directory(file, ignored)) refuse(fmt::format("{} is a folder", file.string()));
    refuse(fmt::format("{} may not be executed; chmod +x it, or name its interpreter before it", file.string()));
  }
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "/bin:/usr/bin";
  for (std::size_t end = 0; end != std::string_view::npos; rest.remove_prefix(end == std::string_view::npos ? 0 : end + 1)) {
    end = rest.find(':');
    if (startable(folder / std::filesystem::path(rest.substr(0, end)) / word)) return;  // an empty part is the scenario's folder
  }
  refuse(std::filesystem::exists(folder / word, ignored) ? fmt::format("no folder of PATH holds it; for the one beside the scenario write ./{}", word)
                                                        : std::string("no folder of PATH holds it; install it, or name it with its path"));
}

// Connection.

struct Connection::Socket {
  asio::io_context context;
  Stream stream{context};
};

Connection::Connection(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {
  Failure ignored;
  socket_->stream.non_blocking(true, ignored);
  socket_->stream.set_option(tcp::no_delay(true), ignored);  // refused by a local socket, which needs it not
  keep_private(socket_->stream.native_handle());
}

Connection::~Connection() {
  Failure ignored;
  socket_->stream.shutdown(Stream::shutdown_both, ignored);
  socket_->stream.close(ignored);
}

std::unique_ptr<Connection> Connection::to(std::string_view text) {
  const auto address = parse_address(text);
  auto socket = std::make_unique<Socket>();
  Failure failure = asio::error::invalid_argument;
  if (address) {
    if (address->path.empty()) {
      socket->stream.connect(tcp::endpoint(address->host, address->port), failure);
    } else {
      socket->stream.connect(Local::endpoint(address->path), failure);
    }
  }
  if (failure) fail(Fault::Io, text, fmt::format("expected a gateway that listens, was refused: {}", failure.message()));
  return std::unique_ptr<Connection>(new Connection(std::move(socket)));
}

void Connection::send() {
  while (sent_ < outbox_.size()) {
    Failure failure;
    const std::size_t gone = socket_->stream.write_some(asio::buffer(outbox_.data() + sent_, outbox_.size() - sent_), failure);
    if (failure == asio::error::would_block || failure == asio::error::try_again) {
      if (sent_ > kKeptBytes) {
        outbox_.erase(0, sent_);
        sent_ = 0;
      }
      return;
    }
    if (failure) fail(Fault::Data, "", fmt::format("the connection broke: {}", failure.message()));
    sent_ += gone;
  }
  outbox_.clear();
  sent_ = 0;
}

bool Connection::exchange(std::string& into, const Deadline& deadline, bool until_sent) {
  std::array<char, 65536> bytes;
  while (true) {
    send();
    if (until_sent && outbox_.empty()) return false;
    short happened = 0;
    const short events = outbox_.empty() ? POLLIN : POLLIN | POLLOUT;
    if (!wait_for(socket_->stream.native_handle(), events, deadline, happened)) return false;
    if ((happened & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
    Failure failure;
    const std::size_t size = socket_->stream.read_some(asio::buffer(bytes), failure);
    if (failure == asio::error::would_block || failure == asio::error::try_again) continue;
    if (failure == asio::error::eof) fail(Fault::Data, "", "it closed the connection");
    if (failure) fail(Fault::Data, "", fmt::format("the connection broke: {}", failure.message()));
    into.append(bytes.data(), size);
    return true;
  }
}

bool Connection::idle() {
  pollfd poll{socket_->stream.native_handle(), POLLIN, 0};
  return ::poll(&poll, 1, 0) == 0;
}

// Program.

Program::Program(const std::vector<std::string>& words, const std::filesystem::path& folder, const std::string& address, const std::string& where) {
  std::vector<std::string> environment;
  const std::string variable = std::string(kAddressVariable) + "=";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with(variable)) environment.emplace_back(*entry);
  }
  environment.push_back(variable + address);
  const auto pointers = [](const std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (const std::string& text : texts) all.push_back(const_cast<char*>(text.c_str()));
    all.push_back(nullptr);
    return all;
  };
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, 2, 1);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (!folder.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  const std::vector<char*> arguments = pointers(words), variables = pointers(environment);
  pid_t pid = -1;
  const int problem = ::posix_spawnp(&pid, arguments.front(), &actions, &attributes, arguments.data(), variables.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (problem != 0) fail(Fault::Io, where, fmt::format("expected a program that can be started, was {}, which the system refused: {}", words.front(), std::generic_category().message(problem)));
  pid_ = pid;
}

std::string Program::ending(double wait_s) {
  int status = 0;
  for (const Deadline deadline = Deadline::in(wait_s); pid_ > 0 && !deadline.passed() && ending().empty();)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = -1;
    ending_ = WIFEXITED(status) ? fmt::format("ended with exit code {}", WEXITSTATUS(status)) : fmt::format("was ended by signal {}", WTERMSIG(status));
  }
  return ending_;
}

Program::~Program() {
  // It has seen its connection close; whoever does not go is made to.
  for (int tries = 0; pid_ > 0 && ending().empty(); ++tries) {
    if (tries == 200) ::kill(-pid_, SIGTERM);
    if (tries == 300) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// Listener.

struct Listener::Acceptor {
  asio::io_context context;
  std::optional<tcp::acceptor> network;
  std::optional<Local::acceptor> local;
  std::string path;
  ~Acceptor() {
    if (!path.empty()) ::unlink(path.c_str());
  }
  [[nodiscard]] int file() { return network ? network->native_handle() : local->native_handle(); }
};

Listener::Listener(std::string_view text, bool only_one, const std::string& where) : only_one_(only_one), acceptor_(std::make_unique<Acceptor>()) {
  check_address(text, where);
  const Address address = *parse_address(text);
  try {
    if (address.path.empty()) {
      acceptor_->network.emplace(acceptor_->context, tcp::endpoint(address.host, address.port));
      acceptor_->network->non_blocking(true);
      const tcp::endpoint given = acceptor_->network->local_endpoint();
      address_ = fmt::format("{}{}{}:{}", given.address().is_v6() ? "[" : "", given.address().to_string(), given.address().is_v6() ? "]" : "", given.port());
    } else {
      acceptor_->local.emplace(acceptor_->context, Local::endpoint(address.path));
      acceptor_->local->non_blocking(true);
      acceptor_->path = address.path;
      address_ = text;
    }
  } catch (const boost::system::system_error& error) {
    fail(Fault::Io, where, fmt::format("expected an address that can be listened at, was {}, which the system refused: {}; end who listens there, or use another", text, error.code().message()));
  }
  keep_private(acceptor_->file());
}

Listener::~Listener() = default;

std::unique_ptr<Connection> Listener::accept() {
  if (!acceptor_) return nullptr;
  auto socket = std::make_unique<Connection::Socket>();
  Failure failure;
  if (acceptor_->network) {
    tcp::socket peer(socket->context);
    acceptor_->network->accept(peer, failure);
    if (!failure) socket->stream = std::move(peer);
  } else {
    Local::socket peer(socket->context);
    acceptor_->local->accept(peer, failure);
    if (!failure) socket->stream = std::move(peer);
  }
  if (failure) return nullptr;
  if (only_one_) acceptor_.reset();
  return std::unique_ptr<Connection>(new Connection(std::move(socket)));
}

std::unique_ptr<Connection> Listener::borrow(double timeout_s, const std::function<void()>& alive) {
  Deadline deadline = Deadline::in(timeout_s);
  while (true) {
    int file = -1;
    {
      const std::lock_guard lock(mutex_);
      // A peer that went away, or spoke unasked, while it was idle is no peer.
      std::erase_if(idle_, [](const std::unique_ptr<Connection>& one) { return !one->idle(); });
      std::unique_ptr<Connection> found;
      if (!idle_.empty()) {
        found = std::move(idle_.back());
        idle_.pop_back();
      } else {
        found = accept();
      }
      if (found) {
        ++borrowed_;
        return found;
      }
      if (borrowed_ > 0) {
        deadline = Deadline::in(timeout_s);
      } else if (!acceptor_) {
        fail(Fault::Data, "", "it closed the connection");
      } else if (deadline.passed()) {
        fail(Fault::Data, "", fmt::format("nobody connected to {} within {} s", address_, timeout_s));
      }
      if (acceptor_) file = acceptor_->file();
    }
    if (alive) alive();
    pollfd poll{file, POLLIN, 0};
    ::poll(&poll, 1, 5);
  }
}

void Listener::give_back(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  --borrowed_;
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(connection));
}

void Listener::lost() {
  const std::lock_guard lock(mutex_);
  --borrowed_;
}

std::shared_ptr<Listener> Listeners::at(const std::string& address, const std::string& where, const std::function<void(const std::string&)>& opened) {
  const std::lock_guard lock(mutex_);
  if (const auto found = open_.find(address); found != open_.end()) return found->second;
  const auto listener = std::make_shared<Listener>(address, false, where);
  open_[address] = listener;
  if (opened) opened(listener->address());
  return listener;
}

}  // namespace walras::engine
