#pragma once
// What the gateway owes the platform and what the platform has acknowledged.
//
// One object owns it: one thread, one writing connection, which also checkpoints. Failures of its engine
// throw StoreFailure and end the process: after a failed fsync nothing that the connection says can be
// believed.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "domain/job_name.h"
#include "ledger/types.h"
#include "registration/comparison.h"
#include "registration/result.h"

namespace kaigo::ledger {

namespace sql {
class Session;
}

/// A record whose standing changes without being sent.
struct Change {
    std::string key;
    registration::RecordState from;
    registration::Event event;
    registration::Standing next;
    registration::Term term;
    std::optional<Digest> my_number;
    std::optional<ComparisonId> account;  ///< an earlier comparison's, if the record stays in that one
    std::optional<std::int64_t> consent;
    MaybeCaseStep case_step;
};

/// A record that goes into a batch.
struct Sending {
    Member member;
    registration::RecordState from;
    registration::Event event;    ///< how it came to be owed
    registration::Standing next;  ///< pending, with what is owed
    std::optional<Digest> my_number;
    /// Which account it stands in: the comparison's, or the one it stood in before (retries).
    std::optional<ComparisonId> comparison;
    std::optional<std::int64_t> consent;
    MaybeCaseStep case_step;
};

struct BatchDraft {
    InsurerId insurer = 0;
    KindId kind = 0;
    std::string request_id;
    std::string mode;
    std::optional<std::string> base_date;
    std::string body_digest;
    std::vector<Sending> sendings;
};

struct Baseline {
    std::int64_t rows_read = 0;
    std::string mapping, spec, digest_key;
    std::map<std::string, std::int64_t> contents;  ///< rows of queries, records that have an item
};

struct Setup {
    std::string base_date;
    bool compared = false;
    bool completed = false;
};

class Ledger {
  public:
    /// Store::open makes one.
    Ledger(FileLock lock, std::unique_ptr<sql::Session> session);
    ~Ledger();
    /// What a dead process left: batches it was sending are unknown, its runs interrupted.
    void recover(Instant now);

    /// Its id; one that is new is entered.
    InsurerId ensure_insurer(const std::string& number);
    KindId ensure_kind(const std::string& name);
    std::optional<std::string> meta(const std::string& name);
    void set_meta(const std::string& name, const std::string& value);

    // Runs and comparisons.
    /// @param insurer  保険者番号; empty: all
    RunId start_run(JobName job, const std::string& insurer, const std::string& actor, Instant now);
    void end_run(RunId run, RunEnd how, int exit_status, const std::string& message, Instant now);
    ComparisonId start_comparison(RunId run, InsurerId insurer, KindId kind, const std::string& scope);
    void finish_comparison(ComparisonId comparison, const Accounting& left, ComparisonEnd how, bool complete);
    /// Counts the right-hand side of every comparison of the run whose account is not closed yet. From then
    /// on its records may move into other accounts.
    /// @return ids of the comparisons whose sums do not close
    std::vector<ComparisonId> close_accounts(RunId run);
    void note_queries(ComparisonId comparison, const std::vector<QueryRows>& queries);
    /// What a person must see to in this kind; takes the place of what was there.
    void set_attention(InsurerId insurer, KindId kind, const std::vector<Attention>& attention, Instant now);
    /// The last reading of this kind waits for a person's word. Other points that need a person stay.
    void suspend(InsurerId insurer, KindId kind, const std::vector<Attention>& why, Instant now);
    /// Whether the last reading of this kind waits for a person's word.
    /// @param kind  nothing: of any kind
    bool is_suspended(InsurerId insurer, std::optional<KindId> kind);
    /// Records without a row whose deletion is withheld; take the place of those before.
    void withhold(InsurerId insurer, KindId kind, const std::vector<std::string>& keys);
    std::optional<Baseline> baseline(InsurerId insurer, KindId kind);
    void set_baseline(InsurerId insurer, KindId kind, const Baseline& baseline);
    /// @param document  what a reconciliation found, as JSON
    void keep_certificate(RunId run, InsurerId insurer, Instant at, const std::string& document);
    std::optional<Setup> setup(InsurerId insurer);
    void start_setup(InsurerId insurer, const std::string& base_date, Instant now);
    void setup_compared(InsurerId insurer, Instant now);
    /// Whether the setup was compared to its end, and nothing of the insurer is owed or in flight any more.
    bool setup_settled(InsurerId insurer);
    void complete_setup(InsurerId insurer, Instant now);

    // Comparison's consequences.
    void apply_changes(ComparisonId comparison, InsurerId insurer, KindId kind, const std::string& digest_key,
                       const std::vector<Change>& changes, Instant now);
    /// The intent: batch, members and their standings, in one transaction. The spool must hold the body
    /// already.
    BatchId commit_intent(RunId run, const BatchDraft& draft, const std::string& digest_key, BatchState state,
                          Instant now);

    /// Stores why consents are sent as they are, for records where only that reason changed.
    void note_consents(InsurerId insurer, KindId kind,
                       const std::vector<std::pair<std::string, std::int64_t>>& verdicts);

    /// Withdrawals that were sent to the platform, by 被保険者番号: from any record, even one that is gone by
    /// now.
    std::map<std::string, Withdrawal, std::less<>> withdrawals(InsurerId insurer);
    /// Whether the person has a record of these kinds that is not being deleted for good.
    /// @param gone  of a record: whether its row has left the source, though that is not written down yet
    bool person_stays(InsurerId insurer, const std::vector<KindId>& kinds, const std::string& person,
                      const std::function<bool(KindId, std::string_view)>& gone);

    // PMHキー cases.
    std::vector<KnownCase> open_cases(InsurerId insurer, KindId kind);
    std::optional<KnownCase> open_case(InsurerId insurer, KindId kind, const std::string& key);
    std::optional<KnownCase> case_by_id(CaseId id);
    /// Steps that do nothing to the record.
    void step_cases(const std::vector<CaseStep>& steps, Instant now);
    /// The note of this decision, when it was already taken on the case as it stood at that version.
    std::optional<std::string> case_decided(CaseId id, std::int64_t version, registration::CaseEvent finding);
    /// Keys of open cases whose rows are to be read.
    /// @param opened  also those that were opened since, and never looked at
    std::vector<std::string> cases_to_look_at(InsurerId insurer, KindId kind, bool opened);
    /// What stands where, for the report of a run over all rows.
    void count_standing(RunId run);

    // Batches.
    std::vector<BatchId> batches(InsurerId insurer, BatchState state, std::optional<Instant> due_until);
    /// Whether an accepted batch waits to be named as completed.
    bool awaits_completion(InsurerId insurer);
    /// The earliest time at which a batch or record is due; nothing when nothing waits for a time. A blocked
    /// record whose time has passed waits for something else.
    std::optional<Instant> next_due(InsurerId insurer, Instant now);
    Batch batch(BatchId id);
    /// Marks as unknown the batches that a run of this insurer was sending when it broke off. No run of the
    /// insurer may be under way.
    void interrupt(InsurerId insurer, Instant now);
    /// Whether a job that settles has something to do now: an answer to fetch, a record or request that is
    /// due, a case that was decided.
    bool has_work(InsurerId insurer, Instant now);
    void move_batch(BatchId id, BatchState from, BatchState to, const std::string& detail,
                    std::optional<Instant> due_at, std::uint32_t attempts, Instant now);
    /// Synced with the next commit: after a power loss the platform is asked for it, as after a lost answer.
    void batch_accepted(BatchId id, BatchState from, const std::string& reception_number, Instant now);
    struct BatchStanding {
        BatchId id = 0;
        BatchState state = BatchState::owed;
    };
    std::optional<BatchStanding> batch_by_request(const std::string& request_id);
    /// Batches of the insurer that are not settled.
    std::int64_t open_batches(InsurerId insurer);
    /// Batches that have waited for their results since `before` or longer, and are due to be asked for by
    /// their number.
    std::vector<BatchId> overdue_receptions(InsurerId insurer, Instant before, Instant now,
                                            std::size_t limit);
    /// Receptions that a listing named as completed, and the cursor behind them, in one transaction. Synced
    /// with the next commit: after a power loss the same listing names them again, or they are asked for by
    /// their numbers.
    struct Completed {
        BatchId batch;
        std::string processing_status;
    };
    /// @param cursor  empty: it stays where it is
    /// @return whether one of them was waited for
    bool receptions_completed(InsurerId insurer, const std::vector<Completed>& receptions,
                              const std::string& cursor, Instant now);
    std::string cursor(InsurerId insurer);
    /// Notes which records a forgotten request had. Of several versions of one record the last noted counts.
    /// @param key_width  characters of a recordId that name the record; the rest names its content
    void note_forgotten(InsurerId insurer, const ForgottenReception& reception,
                        const std::vector<std::string>& record_ids, std::size_t key_width);
    /// For a record that is sent again: its forgotten versions no longer count.
    /// @param name  the part of a recordId that names the record
    void drop_forgotten(InsurerId insurer, const std::string& name);
    /// By recordId.
    std::map<std::string, ForgottenReception> forgotten_records(InsurerId insurer);
    /// Makes a forgotten request a batch again, with those of its members that are known, so that its results
    /// are fetched. The rest of the request is forgotten for good.
    void adopt(RunId run, const BatchDraft& draft, const std::string& digest_key,
               const ForgottenReception& reception, Instant now);

    /// Of each member its record, when that is still in flight with this batch.
    std::vector<std::optional<Entry>> members_in_flight(const Batch& batch);
    /// Applies consequences to members of a batch and ends it (unless some are still without result) in one
    /// transaction. What follows from results alone is synced with the next commit: after a power loss before
    /// that, the results are fetched again.
    struct MemberOutcome {
        Entry entry;  ///< as it was in flight
        registration::Consequence consequence;
        std::string error_id;
        MaybeCaseStep case_step;
    };
    void apply_outcomes(const Batch& batch, const std::vector<MemberOutcome>& outcomes,
                        std::optional<BatchState> batch_to, const std::string& detail, Instant now);
    /// Replaces a batch by others with the same members, each with its own request id.
    std::vector<BatchId> split(RunId run, const Batch& batch, const std::vector<BatchDraft>& parts,
                               Instant now);
    /// Whether any owed record still needs the spool file of this batch.
    bool body_needed(BatchId batch);
    /// Request ids whose spool files must be kept.
    std::vector<std::string> open_request_ids();

    // Records that are owed apart from comparison.
    struct Owed {
        Entry entry;
        KindId kind = 0;
        std::string request_id;  ///< whose spool file holds the body; empty when none does
    };
    std::vector<Owed> owed(InsurerId insurer, Instant now, std::size_t limit);
    /// Moves blocked records whose reason has gone to pending: deletions whose dependants are gone.
    std::int64_t release_deletions(InsurerId insurer, KindId person_kind,
                                   const std::vector<KindId>& dependants, Instant now);
    /// Persons that were registered anew after their deletion: their dependants are owed as 新規 once more,
    /// which shows whether they survived. Never while a comparison reads the ledger.
    /// @return number of persons
    std::int64_t probe_recreated(InsurerId insurer, KindId person_kind, const std::vector<KindId>& dependants,
                                 Instant now);
    /// Keys of a kind that must be read from the source again: prerequisite arrived, or the body is gone.
    std::vector<std::string> keys_to_read(InsurerId insurer, KindId kind, std::optional<KindId> prerequisite,
                                          Instant now);
    void mark_body_lost(InsurerId insurer, KindId kind, const std::string& key, Instant now);
    /// Rejected and held records go out again on an operator's word; their content is read anew. What would
    /// grant a withdrawn consent goes only when that reason and the person are both named.
    std::int64_t resend_held(InsurerId insurer, std::optional<KindId> kind, const std::string& insured,
                             const std::string& reason, const std::string& actor, Instant now);

    /// A record's digests under another key.
    struct Rekeyed {
        std::string key;
        std::optional<Digest> acknowledged, sent, my_number;
    };
    /// @return how many there were under the former key
    std::int64_t rekey(InsurerId insurer, KindId kind, const std::string& former, const std::string& next,
                       const std::vector<Rekeyed>& records);

    /// Deletes what is past its retention: history of records, requests and closed cases, alarms, runs; and
    /// runs that only looked for answers. The standing of records, requests and open cases stays.
    struct Erased {
        std::int64_t history = 0, runs = 0;  ///< rows
    };
    Erased erase_past(Instant history_before, Instant polls_before);

    void alarm(std::optional<InsurerId> insurer, const std::string& code, const std::string& detail,
               Instant now);

  private:
    FileLock lock_;
    std::unique_ptr<sql::Session> session_;
};

}  // namespace kaigo::ledger
