#pragma once
// The jobs: initial-setup, daily-sync, collect-results, retry-due. One run of one job, over one or all
// insurers.

#include <optional>
#include <string>

#include "jobs/gateway.h"

namespace kaigo::jobs {

struct RunOptions {
    std::string job;
    std::string insurer;  ///< empty: all
    std::string kind;     ///< empty: all
    std::string base_date;
    bool dry_run = false;
    bool yes = false;
    bool accept_drop = false;
    bool accept_change = false;
    bool accept_resend = false;
    bool quiet = false;
    bool json = false;
    std::optional<Duration> wait;
};

/// The graver of two exit statuses: what must be mended first.
int graver(int a, int b);

/// @return the exit status; what happened is written to the world's streams, the ledger and the audit log
int run_job(Gateway& gateway, const RunOptions& options);

}  // namespace kaigo::jobs
