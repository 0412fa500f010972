#include "stats/replicate_sums.hpp"

#include "engine/base/error.hpp"
#include "stats/resample.hpp"

#include <fmt/format.h>

namespace walras::stats {

#if !defined(WALRAS_CUDA)
namespace cuda {
std::string_view obstacle() {
  return "this build is for the processor alone; configure with -Dcuda=enabled";
}
std::unique_ptr<ReplicateSums> replicate_sums(const Panel&) {
  fail(Fault::Unavailable, "device", obstacle());
}
}  // namespace cuda
#endif

Panel::Panel(std::span<const RunningMoments> moments)
    : periods(moments.empty() ? 0 : moments.front().view().n), series(moments.size()) {
  expects(!moments.empty(), "a panel of at least one series");
  running.reserve(series * 2 * (static_cast<std::size_t>(periods) + 1));
  values.reserve(series * 2 * static_cast<std::size_t>(periods));
  for (const RunningMoments& one : moments) {
    const kernel::Moments view = one.view();
    expects(view.n == periods, "series of equal length");
    running.insert(running.end(), view.running, view.running + 2 * (view.n + std::size_t{1}));
    for (const double value : one.centred()) {
      values.push_back(value);
      values.push_back(value * value);
    }
  }
}

void check(Device device) {
  if (device == Device::Cpu) return;
  if (const std::string_view problem = cuda::obstacle(); !problem.empty()) {
    fail(Fault::Unavailable, "device",
         fmt::format("expected a CUDA device, was none: {}; the processor gives the same figures",
                     problem));
  }
}

std::unique_ptr<ReplicateSums> replicate_sums(const Panel& panel, Device device) {
  check(device);
  return device == Device::Cuda ? cuda::replicate_sums(panel) : cpu::replicate_sums(panel);
}

}  // namespace walras::stats
