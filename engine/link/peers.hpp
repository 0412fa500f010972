#pragma once
// Sockets to programs outside: an address at which they are awaited, connections that never wait beyond a deadline, and
// programs that are started for the purpose. Whoever waits for another program lives by the clock on the wall, and this
// is the one place of the engine that reads it; nothing here knows orders, messages or simulations.
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace walras::engine {

/// A moment on the wall until which something is waited for.
class Deadline {
 public:
  /// So many seconds from now; at once when <= 0.
  static Deadline in(double seconds);
  /// Never later than a day from now: milliseconds for poll(2), rounded up.
  [[nodiscard]] int milliseconds_left() const;
  [[nodiscard]] bool passed() const;

 private:
  std::chrono::steady_clock::time_point at_{};
};

/// Seconds on the wall since it was made.
class Stopwatch {
 public:
  [[nodiscard]] double seconds() const;

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Where programs are awaited: "HOST:PORT" with a numeric host ("127.0.0.1:4001", "[::1]:4001"; port 0: any free one) or
/// "localhost:PORT", or "unix:PATH". Throws Error{Scenario} where a text is neither, or a path is longer than sockets have room for.
void check_address(std::string_view text, const std::string& where);
/// Whether `word` names a program that may be started: in `folder` (empty: the run's) where it holds a slash, else in PATH.
/// Throws Error{Scenario}.
void check_program(const std::string& word, const std::filesystem::path& folder, const std::string& where);

/// A stream to one peer. One thread at a time.
class Connection {
 public:
  ~Connection();
  Connection(const Connection&) = delete;
  /// To whoever listens at `address`. Throws Error{Io}.
  static std::unique_ptr<Connection> to(std::string_view address);

  /// Puts bytes behind those that wait to be sent.
  [[nodiscard]] std::string& outbox() { return outbox_; }
  [[nodiscard]] std::size_t unsent() const { return outbox_.size() - sent_; }
  /// Sends what can be sent without waiting. Throws as exchange() does.
  void send();
  /// Sends what can be sent and waits for something to arrive; appends it to `into`. With `until_sent`, returns also when
  /// all is sent. Returns whether anything arrived. Throws Error{Data} when the peer has closed or the line is broken.
  bool exchange(std::string& into, const Deadline& deadline, bool until_sent = false);
  /// Whether the peer is still there and silent.
  [[nodiscard]] bool idle();

 private:
  friend class Listener;
  struct Socket;
  explicit Connection(std::unique_ptr<Socket> socket);
  std::unique_ptr<Socket> socket_;
  std::string outbox_;
  std::size_t sent_ = 0;
};

/// A program started for the run, in its own process group so that Ctrl-C reaches the run alone. Its output goes to the
/// run's stderr. Ended on destruction, in earnest after two seconds.
class Program {
 public:
  /// `words[0]` is looked for in PATH. `folder` becomes its working folder (empty: the run's). Throws Error{Io} naming `where`.
  Program(const std::vector<std::string>& words, const std::filesystem::path& folder, const std::string& address, const std::string& where);
  ~Program();
  Program(const Program&) = delete;
  /// "" while it runs, else how it ended: "ended with exit code 1". Gives it `wait_s` to do so.
  [[nodiscard]] std::string ending(double wait_s = 0);

 private:
  int pid_ = -1;
  std::string ending_;
};
/// The environment variable in which a started program finds the address to connect to.
inline constexpr const char* kAddressVariable = "WALRAS_GATEWAY";

/// An address at which peers are awaited. Simulations in several threads borrow connections and give them back, so that
/// one peer can serve all of them one after the other, and several can serve them at once.
class Listener {
 public:
  /// `only_one`: further peers are refused once one has come. Throws Error{Io} naming `where` when the address cannot be had.
  Listener(std::string_view address, bool only_one, const std::string& where);
  ~Listener();
  Listener(const Listener&) = delete;
  /// With the port that was given.
  [[nodiscard]] const std::string& address() const { return address_; }
  /// A connection that is idle, or the next peer's. While others hold connections that may come back, the deadline does
  /// not count. `alive`, asked now and then, may throw. Throws Error{Data} when nobody came.
  std::unique_ptr<Connection> borrow(double timeout_s, const std::function<void()>& alive = {});
  void give_back(std::unique_ptr<Connection> connection);
  /// Instead of give_back() for a connection that is no more.
  void lost();

 private:
  struct Acceptor;
  std::unique_ptr<Connection> accept();
  std::string address_;
  bool only_one_;
  std::mutex mutex_;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::size_t borrowed_ = 0;
};

/// Listeners that strategies share by address: opened by the first, and open as long as this, since others may follow.
class Listeners {
 public:
  /// `opened` is told the address of a listener that was not there before. Throws as Listener does.
  std::shared_ptr<Listener> at(const std::string& address, const std::string& where, const std::function<void(const std::string&)>& opened);

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Listener>> open_;
};

}  // namespace walras::engine
