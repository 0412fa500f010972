#include "tests/stats/size_and_power_parts.hpp"

#include "tests/stats/size_and_power_verdict.hpp"

namespace walras::stats {

std::vector<Part> parts() {
  std::vector<Part> all = verdict_parts();
  for (const auto& more : {test_parts, comparison_parts, coverage_parts}) {
    for (Part& part : more()) all.push_back(std::move(part));
  }
  return all;
}

std::string report_text(const std::string& tables) {
  return R"(# Size and power

How often the tests say "skill" where there is none, and where there is. Written by `size_and_power render` from the counts
in `tests/data/size_and_power.json`, which `size_and_power run PART WORLDS FILE` fills; the slow suite simulates the first
worlds of every part anew and fails where one of them decides otherwise than it did.

A share measured over 2,000 worlds has a standard error of 0.5 points at 5 %, over 1,000 studies of 0.7. "due" is what the project
promises where a test's declared assumptions hold; "measured" stands where they do not, and the figure is the distortion.
Tests of a composite null (reality check, superior ability, model confidence set, step-down) may only reject less. A coverage
of 95 % over 2,000 worlds has a standard error of 0.5 points.
)" + tables + R"(
## What follows

- Probabilistic and deflated Sharpe ratios assume independent returns. Where the ratio's influence values are significantly
  autocorrelated, their variance is taken under dependence, and the report says so beside the figure.
- Exchanges, sign flips and paired permutation, ask for independent periods; so do Jobson-Korkie-Memmel, the Bayesian comparison and, at a
  horizon of one, Diebold-Mariano. Autocorrelation makes them too sure; Ledoit-Wolf allows for it.
- Blocks of the automatic length miss a twentieth of the variance under AR(1). Divided by the replicates' error, model confidence sets by the range
  statistic left one of the best out in 7.3 % of the worlds with two worse records, and in 7.8 % with blocks twice as long: less bias, but less
  precision too. So what is observed is divided by the larger of that error and one without the bias ([statistics.md](statistics.md)). The others take
  the largest of ten rather than of 45, one-sided, and keep what is due with the replicates' error; they are as their authors define them.
- Wild weights that are independent of each other ask for returns without autocorrelation; dependent ones allow for it.
- Giacomini-White asks whether the next difference can be told from the last. Under AR(1) it can: there the share is power, not size.
- The verdict's bootstrap keeps its size under dependence, clustered volatility and fat tails; the price is a little power.
- Studentised intervals of the mean and the Sharpe ratio hold what they promise over ten years, whatever the blocks. Blocks as long as clustered
  variances ask for leave few of them, and the replicates' variance is too small and vague: BCa intervals allow for both, which brings
  them from 92.6 to 92.8 % to what is due; percentile, basic, normal and BC ones are as textbooks have them, and short of it
  for the Sharpe ratio.
- Intervals of the volatility are too short where variances cluster for months, or have no variance of their own (t with 4 degrees).
)";
}

}  // namespace walras::stats
