#pragma once
// Everything between an owed record and its final state: intents, uploads, questions, results, retries.

#include <deque>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jobs/runtime/job_context.h"
#include "jobs/sync/observer.h"
#include "jobs/sync/outbound/pacing.h"
#include "jobs/sync/outbound/sealing.h"
#include "ledger/shared_ledger.h"
#include "registration/batching.h"
#include "spool/spool.h"

namespace kaigo::jobs {

/// One insurer's traffic with the platform. Each step leaves ledger and spool such that a crash loses
/// nothing.
class Exchange {
  public:
    Exchange(JobContext& context, ledger::SharedLedger& ledger, spool::Spool& spool,
             platform::PlatformClient& client, const config::Insurer& insurer, ledger::RunId run,
             Tally& tally, Observer& observer);

    /// Bytes of recordId and updateKind in a request.
    static constexpr std::size_t kRecordHeader = 64;

    /// A record to be sent with its canonical bytes; its record id is filled in. Batches leave when they are
    /// full; flush() sends the rest.
    Status add(const spec::RecordKind& kind, ledger::Sending sending, std::string_view canonical);
    Status flush();
    /// Whether the spool takes more. It holds what is under way, not a whole city.
    bool has_room() const;
    /// Waits until what was sent has left the spool half empty. Not while a source is read.
    /// @return false when a person asked to stop, or the platform takes nothing
    Result<bool> make_room();
    /// Asks which requests the platform has finished that this ledger does not know: it was put back from a
    /// backup. What is then found to be owed is taken from there, not sent again.
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
    std::int64_t open_count() const;
    /// Whether the platform takes requests now, as far as is known here.
    bool may_send() const;
    /// Why it will not take any in this run: a refused certificate.
    const std::optional<Error>& fatal() const { return pacing_.fatal(); }
    /// When it does again: the end of a pause that it asked for, the begin of the service window.
    Instant opens_at() const;

  private:
    Status begin_sealing();
    Status hand_over_first();
    Status send_batch(const ledger::Batch& batch);
    ledger::BatchDraft make_draft(const spec::RecordKind& kind) const;
    void count_sent(const spec::RecordKind& kind, const std::vector<ledger::Sending>& sendings);

    Result<bool> take_outcomes(Duration limit);
    Status handle(ledger::BatchId id, const platform::SubmitResult& result);
    Status owe_batch_again(const ledger::Batch& batch, ledger::BatchState from, const std::string& why,
                           Instant due, std::uint32_t attempts);
    Status owe_members_again(const ledger::Batch& batch, const std::string& why, ledger::BatchState to,
                             bool counts);
    Status split(const ledger::Batch& batch);
    Result<bool> send_due_batches();
    Result<bool> ask_unknown();
    Result<bool> list_completed();
    Result<bool> list_pages();
    Status note_forgotten(const platform::Reception& reception);
    bool adopt(const spec::RecordKind& kind, ledger::Sending& sending, std::string_view canonical);
    void commit_adopted();
    Result<bool> fetch_results();
    using FirstPage = std::future<Result<platform::ResultPage>>;
    struct Asked {
        ledger::Batch batch;
        FirstPage first_page;  ///< of its results; not valid: it has none
    };
    Asked ask_results(ledger::BatchId id);
    Status land_results(const ledger::Batch& batch, FirstPage first_page);
    ledger::MaybeCaseStep step_case(const ledger::Batch& batch, const ledger::Member& member,
                                    const registration::Standing& sent, const registration::Answer& answer,
                                    registration::Consequence& got);
    Status results_failed(const ledger::Batch& batch, const Error& error);
    Result<bool> resend_due_records();
    void forget_body(const ledger::Batch& batch);
    const spec::RecordKind* kind_of(ledger::KindId id) const;
    Instant later(std::uint32_t failures) const;
    void raise(const std::string& code, const std::string& detail);

    JobContext& context_;
    ledger::SharedLedger& ledger_;
    spool::Spool& spool_;
    platform::PlatformClient& client_;
    const config::Insurer& insurer_;
    ledger::InsurerId insurer_id_;
    ledger::RunId run_;
    Tally& tally_;
    Observer& observer_;
    registration::BatchLimits limits_;
    std::map<ledger::KindId, const spec::RecordKind*> kinds_;
    Sealer sealer_;
    BatchContents building_;
    registration::BatchFill fill_;
    Pacing pacing_;
    std::deque<std::future<Result<SealedBatch>>> sealing_;  ///< in the order in which they go out
    Instant looked_for_missed_{};
    std::map<std::string, ledger::ForgottenReception> forgotten_;  ///< by recordId
    struct Adopted {
        const spec::RecordKind* kind = nullptr;
        ledger::ForgottenReception reception;
        std::vector<ledger::Sending> sendings;
    };
    std::map<std::string, Adopted> adopted_;  ///< by requestId
    std::string mode_;
    std::optional<std::string> base_date_;
    std::optional<Error> trouble_;  ///< of this round: a passing error, past which the other steps went on
};

}  // namespace kaigo::jobs
