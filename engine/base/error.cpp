#include "engine/base/error.hpp"

#include <fmt/format.h>

namespace walras {

Error::Error(Fault fault, std::string_view where, std::string_view message)
    : std::runtime_error(where.empty() ? std::string(message)
                                       : fmt::format("{}: {}", where, message)),
      fault_(fault),
      where_(where),
      message_(message) {}

void fail(Fault fault, std::string_view where, std::string_view message) {
  throw Error(fault, where, message);
}

int exit_code(Fault fault) noexcept {
  switch (fault) {
    case Fault::Usage:
      return 2;
    case Fault::Scenario:
    case Fault::Data:
      return 3;
    case Fault::Interrupted:
      return 130;
    case Fault::Io:
    case Fault::Numeric:
    case Fault::Unavailable:
    case Fault::Internal:
      return 1;
  }
  return 1;
}

}  // namespace walras
