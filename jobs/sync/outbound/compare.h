#pragma once
// One comparison: the rows of one kind of one insurer against the ledger. What differs is handed to the
// exchange.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jobs/sync/outbound/exchange.h"
#include "ledger/shared_ledger.h"
#include "mapping/child_rows.h"

namespace kaigo::jobs {

struct CompareOptions {
    /// Breaks off, to be begun anew, when the platform takes nothing: a snapshot of the source is not held
    /// all day.
    bool pause_when_closed = false;
    bool accept_drop = false;
    bool accept_change = false;
    bool accept_resend = false;
    /// Every row was read and judged a moment ago (the check before a setup): what goes out need not wait for
    /// the last row.
    bool judged = false;
    /// Only these keys (records whose body must be read again, cases to be looked at); deletions only among
    /// them.
    std::optional<std::set<std::string, std::less<>>> only;
};

struct CompareOutcome {
    ledger::Accounting left;
    bool complete = false;  ///< read to the end without an unreadable key
    bool stopped = false;   ///< a person asked to stop, the platform takes nothing now, or the spool is full
    bool spool_full = false;
    bool too_much = false;          ///< more would go out than is kept in memory before it is judged
    std::int64_t new_rejected = 0;  ///< rows that were not rejected before
    std::int64_t sent = 0;
    std::int64_t requests = 0;    ///< that the would-be sends of a dry run make
    std::int64_t bytes = 0;       ///< of their bodies
    std::int64_t seen = 0;        ///< rows that went by, those outside `only` too
    std::int64_t unreadable = 0;  ///< rows of them whose key cannot be read
    std::int64_t known = 0;       ///< records that the platform has or is being sent
    std::int64_t gone = 0;        ///< of those, without a row among the compared, and not being deleted yet
    std::vector<mapping::ChildCount> children;
    std::map<std::string, std::int64_t> contents;  ///< as ledger::Baseline keeps them
};

/// Compares and sends. Nothing goes out before the last row was read and the whole was judged: fails with
/// `needs_person` when too many rows are gone, too many records would change or lose what they had, too many
/// child rows belong to no record, or too many would be sent again after mapping, specification or key
/// changed.
/// @param exchange  null: a dry run, nothing is sent and the ledger stays as it is
Result<CompareOutcome> compare_kind(JobContext& context, ledger::SharedLedger& ledger, Exchange* exchange,
                                    const config::Insurer& insurer, const spec::RecordKind& kind,
                                    ledger::RunId run, const CompareOptions& options, Tally& tally,
                                    Observer& observer);

}  // namespace kaigo::jobs
