#pragma once
// The jobs: initial-setup, daily-sync, collect-results, retry-due, reconcile. One run of one job, over one or
// all insurers.

#include <optional>
#include <string>
#include <vector>

#include "jobs/runtime/job_context.h"
#include "jobs/sync/observer.h"
#include "ledger/ledger.h"

namespace kaigo::jobs {

struct RunOptions {
    JobName job = JobName::daily_sync;
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

/// What a dry run would do with one kind.
struct PlanRow {
    std::string insurer, kind;
    ledger::Accounting left;
    std::int64_t requests = 0;
    std::int64_t bytes = 0;  ///< of their bodies
};

/// What a run came to; the rest stands in the ledger under its number.
struct RunSummary {
    ledger::RunId run = 0;
    int exit_status = 0;
    bool nothing_new = false;               ///< whatever waits for a person waited already before this run
    std::vector<PlanRow> plans;             ///< of a dry run
    std::vector<std::string> certificates;  ///< documents of reconciliations, one an insurer
    std::int64_t differences = 0;           ///< that they found
};

/// The graver of two exit statuses: what must be mended first.
int graver_exit_status(int a, int b);

/// Fails when it cannot begin; else what happened stands in the summary, the ledger and the audit log.
Result<RunSummary> run_job(JobContext& context, const RunOptions& options, Observer& observer);

}  // namespace kaigo::jobs
