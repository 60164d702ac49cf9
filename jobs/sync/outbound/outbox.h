#pragma once
// Records become batches: filled, sealed beside the ledger's thread, written down as intents, and sent where
// a connection is free.

#include <deque>
#include <future>

#include "jobs/sync/outbound/restored_ledger.h"
#include "jobs/sync/outbound/uploads.h"

namespace kaigo::jobs {

class Outbox {
  public:
    Outbox(Traffic& traffic, Uploads& uploads, RestoredLedger& restored)
        : traffic_(traffic), uploads_(uploads), restored_(restored), fill_(traffic.limits) {}

    /// A record to be sent with its canonical bytes; its record id is filled in. Batches leave when they are
    /// full; flush() sends the rest.
    Status add(const spec::RecordKind& kind, ledger::Sending sending, std::string_view canonical);
    Status flush();
    /// Whether the spool takes more. It holds what is under way, not a whole city.
    bool has_room() const;

    /// Bytes of recordId and updateKind in a request.
    static constexpr std::size_t kRecordHeader = 64;

  private:
    Status begin_sealing();
    Status hand_over_first();
    void count_sent(const spec::RecordKind& kind, const std::vector<ledger::Sending>& sendings);

    Traffic& traffic_;
    Uploads& uploads_;
    RestoredLedger& restored_;
    BatchContents building_;
    registration::BatchFill fill_;
    /// In the order in which they go out; never more than kSealingAtOnce and one.
    std::deque<std::future<Result<SealedBatch>>> sealing_;
};

}  // namespace kaigo::jobs
