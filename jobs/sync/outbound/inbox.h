#pragma once
// What the platform answers later: whether it has a request, which receptions it finished, what became of
// their records.

#include <future>

#include "jobs/sync/outbound/restored_ledger.h"
#include "jobs/sync/outbound/uploads.h"

namespace kaigo::jobs {

class Inbox {
  public:
    Inbox(Traffic& traffic, Uploads& uploads, RestoredLedger& restored)
        : traffic_(traffic), uploads_(uploads), restored_(restored) {}

    /// Requests that may have arrived: each is asked for before it is sent again.
    Result<bool> ask_unknown();
    /// Receptions that the platform has finished, from where the last listing ended.
    Result<bool> list_completed();
    /// The same, whether or not one is waited for.
    Result<bool> list_pages();
    /// @param trouble  a passing error of one batch that did not stop the others
    Result<bool> fetch_results(std::optional<Error>& trouble);

  private:
    using FirstPage = std::future<Result<platform::ResultPage>>;
    struct Asked {
        ledger::Batch batch;
        FirstPage first_page;  ///< of its results; not valid: it has none
    };
    Asked ask_results(ledger::BatchId id);
    Result<std::vector<platform::RecordResult>> all_results(const ledger::Batch& batch, FirstPage first_page);
    Status land_results(const ledger::Batch& batch, FirstPage first_page);
    Result<bool> ask_missed(ledger::BatchId id);
    Status results_failed(const ledger::Batch& batch, const Error& error, std::optional<Error>& trouble);
    ledger::MaybeCaseStep step_case(const ledger::Batch& batch, const ledger::Member& member,
                                    const registration::Standing& sent, const registration::Answer& answer,
                                    registration::Consequence& got);
    void count(registration::RecordState state);

    Traffic& traffic_;
    Uploads& uploads_;
    RestoredLedger& restored_;
    Instant looked_for_missed_{};
};

}  // namespace kaigo::jobs
