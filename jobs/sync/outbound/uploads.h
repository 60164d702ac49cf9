#pragma once
// Requests on their way, and what becomes of those that were not accepted: owed again, asked for, split, or
// their records held.

#include "jobs/sync/outbound/traffic.h"

namespace kaigo::jobs {

class Uploads {
  public:
    explicit Uploads(Traffic& traffic) : traffic_(traffic) {}

    /// A batch that the ledger knows as being sent.
    void submit(ledger::BatchId id, const std::string& kind, const ledger::BatchDraft& draft,
                SecretBytes body);
    /// Requests that are due again, from the spool.
    Result<bool> send_due_batches();
    /// What became of requests on the wire; waits at most `limit` for the first.
    /// @return whether any came to an end
    Result<bool> take_outcomes(Duration limit);
    /// How long one turn waits for an outcome.
    static constexpr Duration kOneTurn{1'000};

    /// Nothing of the batch was accepted: its records are owed again under other requests, or held.
    /// @param counts  as a failure of the records
    Status owe_members_again(const ledger::Batch& batch, const std::string& why, ledger::BatchState to,
                             bool counts);

  private:
    Status send_batch(const ledger::Batch& batch);
    Status handle(ledger::BatchId id, const platform::SubmitResult& result);
    void owe_batch_again(const ledger::Batch& batch, const std::string& why, Instant due);
    Status split(const ledger::Batch& batch);

    Traffic& traffic_;
    bool told_not_the_platform_ = false;
};

}  // namespace kaigo::jobs
