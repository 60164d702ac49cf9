#pragma once
// The jobs, by name.

#include <cstdint>
#include <string>

#include "domain/vocabulary.h"

namespace kaigo {

/// Names are stored, and written in configurations and cron lines: never change one.
enum class JobName : std::uint8_t {
    initial_setup,    ///< everything that the source has, once
    daily_sync,       ///< what differs from what the platform has acknowledged
    collect_results,  ///< answers to what was sent
    retry_due,        ///< what is due again
    reconcile,        ///< nothing is sent: source, ledger and receptions beside each other
};

inline constexpr Names<JobName, 5> kJobNames = {{
    {JobName::initial_setup, "initial-setup"},
    {JobName::daily_sync, "daily-sync"},
    {JobName::collect_results, "collect-results"},
    {JobName::retry_due, "retry-due"},
    {JobName::reconcile, "reconcile"},
}};

inline std::string text_of(JobName job) { return std::string(name_of(kJobNames, job)); }

/// Whether it compares every row with the ledger and sends what differs.
constexpr bool sends_differences(JobName job) {
    return job == JobName::initial_setup || job == JobName::daily_sync;
}
/// Whether it only brings to an end what others sent.
constexpr bool only_settles(JobName job) {
    return job == JobName::collect_results || job == JobName::retry_due;
}

}  // namespace kaigo
