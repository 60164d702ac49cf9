#pragma once
// One comparison: the rows of one kind of one insurer against the ledger. What differs is handed to the
// exchange.

#include <optional>
#include <set>
#include <string>

#include "jobs/exchange.h"
#include "jobs/progress.h"
#include "ledger/shared_ledger.h"

namespace kaigo::jobs {

struct CompareOptions {
    Progress* progress = nullptr;
    /// Breaks off, to be begun anew, when the platform takes nothing: a snapshot of the source is not held
    /// all day.
    bool pause_when_closed = false;
    bool accept_drop = false;
    bool accept_resend = false;
    /// Only these keys (records whose body must be read again, cases to be looked at); deletions only among
    /// them.
    std::optional<std::set<std::string, std::less<>>> only;
};

struct CompareOutcome {
    ledger::Accounting left;
    bool complete = false;          ///< read to the end without an unreadable key
    bool stopped = false;           ///< a person asked to stop, or the platform takes nothing now
    std::int64_t new_rejected = 0;  ///< rows that were not rejected before
    std::int64_t sent = 0;
    std::int64_t requests = 0;  ///< that the would-be sends of a dry run make
    std::int64_t bytes = 0;     ///< of their bodies
    std::int64_t seen = 0;      ///< rows that went by, those outside `only` too
};

/// Compares and sends. Fails with `needs_person` when the run must be held: too many rows gone, or too many
/// to be sent again after mapping, specification or key changed.
/// @param exchange  null: a dry run, nothing is sent and the ledger stays as it is
Result<CompareOutcome> compare_kind(Gateway& gateway, ledger::SharedLedger& ledger, Exchange* exchange,
                                    const config::Insurer& insurer, const spec::RecordKind& kind,
                                    ledger::RunId run, const CompareOptions& options, Tally& tally);

}  // namespace kaigo::jobs
