#pragma once
// Reading the ledger for people: from a read-only connection of its own, also while a job writes.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/job_name.h"
#include "ledger/types.h"
#include "registration/consent.h"

namespace kaigo::ledger {

namespace sql {
class Session;
}

struct StateCount {
    std::string insurer, kind, state;
    std::int64_t count = 0;
};

struct RunRow {
    RunId id = 0;
    std::string job, outcome, message, actor;
    std::string insurer;  ///< empty: all
    std::int64_t started_at = 0;
    std::optional<std::int64_t> ended_at;
    int exit_status = 0;
};

struct ComparisonRow {
    ComparisonId id = 0;
    std::string insurer, kind, scope, outcome;
    bool complete = false;
    Accounting left;
    std::int64_t registered = 0, deleted = 0, stored_in_error = 0, refused = 0, blocked_later = 0, owed = 0;
    bool closed = false;
};

struct HistoryRow {
    std::int64_t at = 0;
    std::string from, to, event, reason, actor;
    std::string request_id;
};

struct RecordRow {
    std::string insurer, kind, state, reason;
    std::string key;  ///< bytes, as spec::append_key made them
    std::optional<UpdateKind> owed;
    bool on_platform = false;
    bool platform_owned = false;
    std::optional<std::int64_t> due_at;
    std::uint32_t attempts = 0;
    std::string request_id, reception_number, batch_state;
    std::optional<CaseId> case_id;  ///< of the open PMHキー case
    std::string case_state;
    std::string case_error;
    std::optional<registration::ConsentVerdict> consent;
    bool withheld = false;                  ///< its row is gone, and deletions of its kind are withheld
    std::int64_t dependants_in_source = 0;  ///< of a deletion that waits for them
    std::vector<HistoryRow> history;
};

/// What a person must see to in a kind, as the last comparison of all rows left it.
struct AttentionRow {
    std::string insurer, kind;
    Attention attention;
    std::int64_t at = 0;
};

struct CaseStepRow {
    std::int64_t version = 0;
    std::int64_t at = 0;
    std::string from, event, to, evidence, actor, note;
};

struct CaseRow {
    CaseId id = 0;
    std::string insurer, kind;
    std::string key;  ///< bytes, as spec::append_key made them
    registration::PmhCase pmh_case;
    std::int64_t version = 0;
    std::int64_t opened_at = 0;
    std::int64_t changed_at = 0;
    std::optional<std::int64_t> closed_at;
    std::string record_state;  ///< empty: the ledger no longer has the record
    std::string record_reason;
    std::int64_t recurrences = 0;  ///< how often the error came back after the record was sent again
    std::string last_answer;       ///< event of the last decision of a person; empty: none
    std::int64_t last_answer_at = 0;
    std::vector<CaseStepRow> history;
};

struct CaseFilter {
    std::string insurer;
    std::optional<registration::CaseState> state;  ///< nothing: every open one
    std::string reason;                            ///< errorId or reason of being left; empty: any
    std::optional<std::int64_t> opened_before;     ///< milliseconds since the epoch
};

struct AlarmRow {
    std::int64_t at = 0;
    std::string insurer, code, detail;
};

/// How many records stood where when a run over all rows ended.
struct StandingCount {
    RunId run = 0;
    std::string insurer, kind, state, reason;
    std::int64_t records = 0;
};

/// Persons of one insurer whose records wait for a マイナンバー.
struct WithoutNumber {
    std::string insurer;
    std::string ask;  ///< 保険者番号 of the municipality to ask (住所地特例); empty: none
    std::vector<std::string> keys;
};

/// Persons of one insurer whose マイナンバー is the same.
struct SameNumber {
    std::string insurer;
    std::vector<std::string> keys;
};

struct SetupRow {
    std::string insurer, base_date;
    bool completed = false;
};

struct HeldFilter {
    std::string insurer, kind, insured, reason;  ///< empty: any
};

/// Receptions of one kind of one insurer.
struct ReceptionCounts {
    std::int64_t settled = 0;          ///< requests whose results were all taken
    std::int64_t settled_records = 0;  ///< their members
    std::int64_t refused = 0;          ///< requests of which nothing was accepted
    std::int64_t open = 0;             ///< owed, under way, or without results yet
};

class LedgerView {
  public:
    /// Store::view makes one.
    explicit LedgerView(std::unique_ptr<sql::Session> session);
    LedgerView(LedgerView&&) noexcept;
    LedgerView& operator=(LedgerView&&) noexcept;
    ~LedgerView();

    /// Records by insurer, kind and state; flights by the state of their batch.
    std::vector<StateCount> counts();
    /// Rejected records by reason.
    std::vector<StateCount> reasons();
    std::vector<StateCount> open_cases();
    /// Oldest first, without their history.
    std::vector<CaseRow> cases(const CaseFilter& filter);
    std::optional<CaseRow> pmh_case(CaseId id);
    /// Cases that were open at a time, each in the state it had then.
    std::vector<CaseRow> cases_at(std::int64_t at);
    std::vector<SameNumber> same_numbers();
    std::vector<WithoutNumber> without_number();
    std::optional<std::int64_t> oldest_waiting();
    /// What waits, of each insurer.
    struct Waiting {
        std::string insurer;
        std::optional<std::int64_t> oldest_request, oldest_case;
        std::int64_t attempts = 0;
    };
    std::vector<Waiting> waiting_by_insurer();
    std::int64_t alarm_count();
    std::vector<RunRow> runs(int limit);
    std::optional<RunRow> run(RunId id);
    std::vector<RunRow> last_runs();
    /// The last start of every job, for the schedule: of runs that did their work, not of those that broke
    /// off or found nobody there.
    struct LastStart {
        JobName job;
        std::string insurer;  ///< empty: all
        std::int64_t started_at = 0;
    };
    std::vector<LastStart> last_starts();
    /// Whether the last initial setup of an insurer ended with its process.
    bool setup_broke_off(const std::string& insurer);
    std::vector<RunRow> last_runs_by_insurer();
    /// Runs that began in [from, until), milliseconds since the epoch; dry runs are none.
    std::vector<RunRow> runs_between(std::int64_t from, std::int64_t until);
    /// What stood where at the end of the last so many runs over all rows that began before `until`, oldest
    /// first.
    std::vector<StandingCount> standing(std::int64_t until, int runs);
    /// The same as it is now, under run 0.
    std::vector<StandingCount> standing_now();
    std::vector<ComparisonRow> comparisons(RunId run);
    std::vector<QueryRows> queries(ComparisonId comparison);
    /// Records a second of the last run that sent many; nothing when there was none.
    std::optional<double> sending_rate();
    std::vector<RecordRow> records_of(const std::string& insurer, const std::string& insured);
    std::vector<RecordRow> held(const HeldFilter& filter, int limit);
    std::vector<AttentionRow> attention();
    /// Persons who left the source while records that depend on them stay there: their deletion waits for
    /// ever.
    std::vector<StateCount> stuck_deletions();
    /// Records that wait for a person of whom the source gave no row.
    std::vector<StateCount> without_person();
    std::vector<AlarmRow> alarms(int limit);
    std::vector<AlarmRow> alarms_between(std::int64_t from, std::int64_t until);
    std::vector<SetupRow> setups();
    ReceptionCounts receptions(InsurerId insurer, KindId kind);
    /// Batches that are no settled receptions: they confirm nothing.
    std::vector<BatchId> unconfirming(InsurerId insurer, KindId kind);
    /// Certificates of a run, as JSON, by insurer.
    std::vector<std::string> certificates(RunId run);
    /// In milliseconds since the epoch.
    struct SetupTimes {
        std::string base_date;
        std::int64_t started_at = 0;
        std::optional<std::int64_t> completed_at;
    };
    std::optional<SetupTimes> setup_times(InsurerId insurer);
    std::string meta(const std::string& name);
    /// What does not fit together in it; empty: nothing.
    std::vector<std::string> contradictions();

  private:
    std::unique_ptr<sql::Session> session_;
};

}  // namespace kaigo::ledger
