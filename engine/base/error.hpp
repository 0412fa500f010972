#pragma once
// How Walras reports what went wrong. Three tiers: Error is thrown at boundaries (files,
// scenarios, numbers from outside); enum class Reject is returned on the hot path;
// expects() guards contracts between our own functions.
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace walras {

/// The kind of failure; decides the exit code of the command line.
enum class Fault : std::uint8_t {
  Usage,        ///< the command line itself; exit 2
  Scenario,     ///< the scenario or its parameters; exit 3
  Data,         ///< market data or another input file; exit 3
  Io,           ///< the operating system refused (full disk, read-only folder); exit 1
  Numeric,      ///< an argument outside the domain of a computation; exit 1
  Unavailable,  ///< something optional is not installed here; exit 1
  Interrupted,  ///< Ctrl-C; exit 130
  Internal      ///< a broken contract of ours; exit 1
};

/// An error for people: where it is, what was expected, what was found, how to mend it.
/// `what()` reads "<where>: <message>", or just the message where there is no place.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, std::string_view where, std::string_view message);
  [[nodiscard]] Fault fault() const noexcept { return fault_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }

 private:
  Fault fault_;
  std::string where_;
  std::string message_;
};

/// Throws Error. The message follows "expected X, was Y" with units, and says how to mend it.
[[noreturn]] void fail(Fault fault, std::string_view where, std::string_view message);

/// Returns the process exit code that belongs to a fault.
[[nodiscard]] int exit_code(Fault fault) noexcept;

/// Checks a contract between our own functions; never input. Compiled out with NDEBUG unless
/// WALRAS_EXPECTS is defined (debug builds and tests define it). Throws Error{Internal}.
#if defined(WALRAS_EXPECTS) || !defined(NDEBUG)
inline void expects(bool holds, std::string_view contract) {
  if (!holds) [[unlikely]] fail(Fault::Internal, "broken contract", contract);
}
#else
inline void expects(bool, std::string_view) {}
#endif

}  // namespace walras
