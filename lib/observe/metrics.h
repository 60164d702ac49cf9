#pragma once
// What /metrics tells, as a registry: the list in docs/metrics.md.

#include <string_view>
#include <vector>

namespace kaigo::observe {

struct MetricInfo {
    std::string_view name;  ///< behind "kaigo_"; never used for anything else once it was published
    const char* help;       ///< English, as Prometheus shows it
    /// Names of its labels, one a word. None is called `job` or `instance`: those are Prometheus's own.
    const char* labels;
};

/// Every metric there is: gauges, of one scrape.
const std::vector<MetricInfo>& all_metrics();
/// @throws std::logic_error  for a name that is not in the registry
const MetricInfo& metric(std::string_view name);

}  // namespace kaigo::observe
