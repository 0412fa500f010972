#pragma once
// Where the program finds what lies beside it: in a checkout, in a build folder or installed.
#include <filesystem>

namespace walras::scenarios {

/// Folder of the running program.
[[nodiscard]] std::filesystem::path program_folder();
/// echarts.min.js: .deps/echarts of the checkout that the program was built in, else the installed one; empty where there is none.
[[nodiscard]] std::filesystem::path echarts_file();
/// Worked examples: ./scenarios, else the installed ones.
[[nodiscard]] std::filesystem::path examples_folder();

}  // namespace walras::scenarios
