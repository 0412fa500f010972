#include "scenarios/locations.hpp"

#include "reports/report.hpp"

namespace walras::scenarios {

std::filesystem::path program_folder() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

std::filesystem::path echarts_file() {
  // A build folder lies in its checkout: build/scenarios/walras.
  return reports::find_echarts(WALRAS_ECHARTS, program_folder() / ".." / "..", std::filesystem::path(WALRAS_DATADIR).parent_path());
}

std::filesystem::path examples_folder() {
  std::error_code ignored;
  if (std::filesystem::is_directory("scenarios", ignored)) return "scenarios";
  return std::filesystem::path(WALRAS_DATADIR) / "scenarios";
}

}  // namespace walras::scenarios
