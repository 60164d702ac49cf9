#pragma once
// Reading the ledger for people: from a read-only connection of its own, also while a job writes.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/sqlite.h"
#include "ledger/types.h"

namespace kaigo::ledger {

struct StateCount {
    std::string insurer, kind, state;
    std::int64_t count = 0;
};

struct RunRow {
    RunId id = 0;
    std::string job, outcome, message, actor;
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
    std::string key;  ///< bytes, as spec::encode_key made them
    std::optional<UpdateKind> owed;
    bool on_platform = false;
    bool platform_owned = false;
    std::optional<std::int64_t> due_at;
    std::uint32_t attempts = 0;
    std::string request_id, reception_number, batch_state;
    std::string case_state;  ///< of the open PMHキー case
    std::string case_error;
    std::vector<HistoryRow> history;
};

struct AlarmRow {
    std::int64_t at = 0;
    std::string insurer, code, detail;
};

struct SetupRow {
    std::string insurer, base_date;
    bool completed = false;
};

struct HeldFilter {
    std::string insurer, kind, insured, reason;  ///< empty: any
};

class LedgerView {
  public:
    /// @return an error when there is no ledger yet
    static Result<LedgerView> open(const std::filesystem::path& path);

    /// Records by insurer, kind and state; flights by the state of their batch.
    std::vector<StateCount> counts();
    /// Rejected records by reason.
    std::vector<StateCount> reasons();
    std::vector<StateCount> open_cases();
    std::optional<std::int64_t> oldest_waiting();
    std::vector<RunRow> runs(int limit);
    std::optional<RunRow> run(RunId id);
    std::vector<RunRow> last_runs();
    std::vector<ComparisonRow> comparisons(RunId run);
    std::vector<RecordRow> records_of(const std::string& insurer, const std::string& insured);
    std::vector<RecordRow> held(const HeldFilter& filter, int limit);
    std::vector<AlarmRow> alarms(int limit);
    std::vector<SetupRow> setups();
    std::string meta(const std::string& name);
    std::string integrity();

  private:
    explicit LedgerView(const std::filesystem::path& path) : database_(path, sqlite::Open::read_only) {}
    sqlite::Database database_;
};

}  // namespace kaigo::ledger
