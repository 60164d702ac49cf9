#pragma once
// Everything between an owed record and its final state, in rounds: outbox, uploads, inbox, retries.

#include <functional>

#include "jobs/sync/outbound/inbox.h"
#include "jobs/sync/outbound/outbox.h"
#include "jobs/sync/outbound/restored_ledger.h"
#include "jobs/sync/outbound/retries.h"
#include "jobs/sync/outbound/traffic.h"
#include "jobs/sync/outbound/uploads.h"

namespace kaigo::jobs {

/// One insurer's traffic with the platform. Each step leaves ledger and spool such that a crash loses
/// nothing.
class Exchange {
  public:
    Exchange(JobContext& context, ledger::SharedLedger& ledger, spool::Spool& spool,
             platform::PlatformClient& client, const config::Insurer& insurer, ledger::RunId run,
             Tally& tally, Observer& observer)
        : traffic_(context, ledger, spool, client, insurer, run, tally, observer) {}
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    Outbox& outbox() { return outbox_; }
    /// Waits until what was sent has left the spool half empty. Not while a source is read.
    /// @return false when a person asked to stop, or the platform takes nothing
    Result<bool> make_room();
    /// Asks which requests the platform has finished that this ledger, restored from a backup, does not know.
    /// Records found to be owed are then taken over from those requests, not sent again.
    Status look_for_forgotten();

    /// One round: outcomes, questions, completed receptions, results, records due again.
    /// @return whether anything moved
    Result<bool> round();
    /// Rounds until nothing is owed or in flight, or `deadline`. `read_again` is called when records must be
    /// read from the source once more; it answers whether it sent anything.
    /// @return whether everything has settled
    Result<bool> settle(std::optional<Instant> deadline, const std::function<Result<bool>()>& read_again);
    /// Waits for the answers to what is on the wire, sends nothing more.
    void drain();

    /// Records of this run keep the mode and base date of a setup that is not complete.
    void set_mode(std::string mode, std::optional<std::string> base_date);
    bool may_send() const { return traffic_.may_send(); }
    /// Why the platform will not take any in this run: a refused certificate.
    const std::optional<Error>& fatal() const { return traffic_.pacing.fatal(); }
    /// When the platform takes requests again: after a pause that it asked for, once the service window has
    /// begun.
    Instant opens_at() const { return traffic_.pacing.opens_at(traffic_.now()); }

  private:
    Traffic traffic_;
    RestoredLedger restored_{traffic_};
    Uploads uploads_{traffic_};
    Outbox outbox_{traffic_, uploads_, restored_};
    Inbox inbox_{traffic_, uploads_, restored_};
    Retries retries_{traffic_, outbox_};
};

}  // namespace kaigo::jobs
