#pragma once
// Where the figures of other libraries are found here, under which name, and which of them are left out and why.
#include <span>
#include <string_view>

namespace walras::stats {

struct PeerName {
  std::string_view library, name;  ///< "quantstats", "smart_sharpe"
  std::string_view ours;           ///< the metric, or several with ", "; empty: see note
  std::string_view note = {};      ///< what differs, or why it is left out
};
/// Every figure of QuantStats' `stats`, of PerformanceAnalytics' return and risk tables and ratios, and of skfolio's
/// measures, by library and name.
[[nodiscard]] std::span<const PeerName> peer_names();

}  // namespace walras::stats
