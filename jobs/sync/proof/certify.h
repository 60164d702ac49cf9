#pragma once
// The certificate of a reconciliation: what was compared, with which result, under which versions. It is kept
// in the ledger, and its hash in the audit log.

#include <string>

#include "jobs/runtime/job_context.h"
#include "jobs/runtime/stores.h"

namespace kaigo::jobs {

struct Certificate {
    std::string document;  ///< JSON
    bool complete = false;
    bool sound = true;  ///< sums close, and receptions confirm what is registered
    std::int64_t differences = 0;
    std::int64_t my_numbers_read = 0;
};

/// Reconciles all kinds of an insurer.
Result<Certificate> certify(JobContext& context, Stores& stores, const config::Insurer& insurer, JobName job,
                            ledger::RunId run);

}  // namespace kaigo::jobs
