#pragma once
// Which program this is: what run records keep so that a result can be traced to its code.
#include <string>

namespace walras::scenarios {

/// "0.1.0"
[[nodiscard]] std::string version();
/// Version, commit, compiler and C++ flags that matter for numbers, on one line.
[[nodiscard]] std::string build_id();

}  // namespace walras::scenarios
