#pragma once
// What the parts of one insurer's traffic with the platform share.

#include <map>
#include <optional>
#include <string>

#include "jobs/runtime/job_context.h"
#include "jobs/sync/observer.h"
#include "jobs/sync/outbound/pacing.h"
#include "jobs/sync/outbound/sealing.h"
#include "ledger/shared_ledger.h"
#include "registration/batching.h"
#include "spool/spool.h"

namespace kaigo::jobs {

/// In the place of a body's digest: the body was sent before the ledger was put back.
inline constexpr const char* kAdopted = "adopted";

struct Traffic {
    Traffic(JobContext& context, ledger::SharedLedger& ledger, spool::Spool& spool,
            platform::PlatformClient& client, const config::Insurer& insurer, ledger::RunId run, Tally& tally,
            Observer& observer);

    Instant now() const { return context.environment().clock.now(); }
    bool stopping() const { return context.environment().stop.stop_requested(); }
    /// Whether the platform takes requests now, as far as is known here.
    bool may_send() const { return pacing.may_send(now()); }
    /// Whether another request finds a free connection.
    bool connection_free() const;
    /// When to retry something that has failed this often.
    Instant later(std::uint32_t failures) const;
    /// @return nullptr for a kind that this specification does not have
    const spec::RecordKind* kind_of(ledger::KindId id) const;
    /// A request of this run under a new id, without records.
    ledger::BatchDraft draft(const spec::RecordKind& kind) const;
    /// Tells an operator, ledger and machines.
    void raise(const std::string& code, const std::string& detail);
    /// Nothing of a batch is in flight any more: its spool file goes, unless a record owed still needs it.
    void drop_body(const ledger::Batch& batch);

    JobContext& context;
    ledger::SharedLedger& ledger;
    spool::Spool& spool;
    platform::PlatformClient& client;
    const config::Insurer& insurer;
    ledger::InsurerId insurer_id;
    ledger::RunId run;
    Tally& tally;
    Observer& observer;
    registration::BatchLimits limits;
    Sealer sealer;
    Pacing pacing;
    // Of requests that this run makes.
    std::string mode;
    std::optional<std::string> base_date;

  private:
    std::map<ledger::KindId, const spec::RecordKind*> kinds_;
};

}  // namespace kaigo::jobs
