#include "ledger/view.h"

#include "base/i18n.h"
#include "registration/record_state.h"

namespace kaigo::ledger {

using registration::RecordState;

namespace {

std::string state_name(std::int64_t state) {
    return std::string(name_of(registration::kRecordStateNames, static_cast<RecordState>(state)));
}

/// A record in flight is in the state of its batch.
std::string flight_name(std::int64_t state, std::int64_t batch_state) {
    if (static_cast<RecordState>(state) != RecordState::sending) return state_name(state);
    switch (static_cast<BatchState>(batch_state)) {
        case BatchState::unknown:
            return state_name(static_cast<std::int64_t>(RecordState::unknown));
        case BatchState::submitted:
        case BatchState::completed:
            return state_name(static_cast<std::int64_t>(RecordState::submitted));
        default:
            return state_name(state);
    }
}

std::string text(const sqlite::Statement& row, int column) { return std::string(row.text(column)); }

std::optional<std::int64_t> integer_or_null(const sqlite::Statement& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    return row.integer(column);
}

constexpr const char* kRunColumns = "id, job, outcome, message, actor, started_at, ended_at, exit_status";

RunRow read_run(const sqlite::Statement& row) {
    return {row.integer(0),
            text(row, 1),
            text(row, 2),
            text(row, 3),
            text(row, 4),
            row.integer(5),
            integer_or_null(row, 6),
            static_cast<int>(row.integer(7))};
}

constexpr const char* kRecordSql =
    "SELECT i.number, k.name, r.state, coalesce(b.state, 0), r.reason, r.key, r.owed, r.flags, r.due_at, "
    "r.attempts, "
    "b.request_id, b.reception_number, c.state, c.error_id, r.insurer, r.kind FROM record r "
    "JOIN insurer i ON i.id = r.insurer JOIN kind k ON k.id = r.kind LEFT JOIN batch b ON b.id = r.batch "
    "LEFT JOIN pmh_case c ON c.insurer = r.insurer AND c.kind = r.kind AND c.key = r.key AND c.closed_at IS "
    "NULL ";

RecordRow read_record(const sqlite::Statement& row) {
    RecordRow out;
    out.insurer = text(row, 0);
    out.kind = text(row, 1);
    out.state = flight_name(row.integer(2), row.integer(3));
    out.batch_state = std::string(name_of(kBatchStateNames, static_cast<BatchState>(row.integer(3))));
    out.reason = text(row, 4);
    out.key = row.blob(5);
    if (!row.is_null(6)) out.owed = static_cast<UpdateKind>(row.integer(6));
    out.on_platform = (row.integer(7) & 4) != 0;
    out.platform_owned = (row.integer(7) & 2) != 0;
    out.due_at = integer_or_null(row, 8);
    out.attempts = static_cast<std::uint32_t>(row.integer(9));
    out.request_id = text(row, 10);
    out.reception_number = text(row, 11);
    out.case_state = text(row, 12);
    out.case_error = text(row, 13);
    return out;
}

}  // namespace

Result<LedgerView> LedgerView::open(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
        return fail(ErrorCode::needs_person, tr("there is no ledger yet: no job has run"))
            .at(path.string())
            .remedy(tr("start with: kaigo-gateway run initial-setup"));
    try {
        return LedgerView(path);
    } catch (const sqlite::Failure& failure) {
        return fail(ErrorCode::cannot_read, failure.what()).at(path.string());
    }
}

std::vector<StateCount> LedgerView::counts() {
    auto rows = database_.prepare(
        "SELECT i.number, k.name, r.state, coalesce(b.state, 0), count(*) FROM record r JOIN insurer i ON "
        "i.id = "
        "r.insurer JOIN kind k ON k.id = r.kind LEFT JOIN batch b ON b.id = r.batch AND r.state = 2 "
        "GROUP BY 1, r.kind, 3, 4 ORDER BY 1, r.kind, 3");
    std::vector<StateCount> out;
    while (rows.step()) {
        StateCount count{text(rows, 0), text(rows, 1), flight_name(rows.integer(2), rows.integer(3)),
                         rows.integer(4)};
        if (!out.empty() && out.back().insurer == count.insurer && out.back().kind == count.kind &&
            out.back().state == count.state)
            out.back().count += count.count;
        else
            out.push_back(std::move(count));
    }
    return out;
}

std::vector<StateCount> LedgerView::reasons() {
    auto rows = database_.prepare(
        "SELECT i.number, k.name, r.reason, count(*) FROM record r JOIN insurer i ON i.id = r.insurer "
        "JOIN kind k ON k.id = r.kind WHERE r.state IN (4, 6, 8) GROUP BY 1, r.kind, 3 ORDER BY 1, r.kind, 4 "
        "DESC");
    std::vector<StateCount> out;
    while (rows.step()) out.push_back({text(rows, 0), text(rows, 1), text(rows, 2), rows.integer(3)});
    return out;
}

std::vector<StateCount> LedgerView::open_cases() {
    auto rows = database_.prepare(
        "SELECT i.number, c.error_id, c.state, count(*) FROM pmh_case c JOIN insurer i ON i.id = c.insurer "
        "WHERE closed_at IS NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3");
    std::vector<StateCount> out;
    while (rows.step()) out.push_back({text(rows, 0), text(rows, 1), text(rows, 2), rows.integer(3)});
    return out;
}

std::optional<std::int64_t> LedgerView::oldest_waiting() {
    auto rows = database_.prepare("SELECT min(created_at) FROM batch WHERE state < 6");
    rows.step();
    return integer_or_null(rows, 0);
}

std::vector<RunRow> LedgerView::runs(int limit) {
    auto rows =
        database_.prepare(std::string("SELECT ") + kRunColumns + " FROM run ORDER BY id DESC LIMIT ?1");
    rows.bind(1, limit);
    std::vector<RunRow> out;
    while (rows.step()) out.push_back(read_run(rows));
    return out;
}

std::optional<RunRow> LedgerView::run(RunId id) {
    auto rows = database_.prepare(std::string("SELECT ") + kRunColumns + " FROM run WHERE id = ?1");
    rows.bind(1, id);
    if (!rows.step()) return std::nullopt;
    return read_run(rows);
}

std::vector<RunRow> LedgerView::last_runs() {
    auto rows = database_.prepare(
        std::string("SELECT ") + kRunColumns +
        " FROM run WHERE id IN (SELECT max(id) FROM run WHERE outcome IS NOT 'dry-run' GROUP BY job) "
        "ORDER BY id");
    std::vector<RunRow> out;
    while (rows.step()) out.push_back(read_run(rows));
    return out;
}

std::vector<ComparisonRow> LedgerView::comparisons(RunId run) {
    auto rows = database_.prepare(
        "SELECT c.id, i.number, k.name, c.scope, c.outcome, c.complete, rows_read, unchanged, created, "
        "changed, waiting, "
        "rejected, blocked, duplicates, gone, registered, deleted, stored_in_error, refused, blocked_later, "
        "owed, closed "
        "FROM comparison c JOIN insurer i ON i.id = c.insurer JOIN kind k ON k.id = c.kind WHERE run = ?1 "
        "ORDER BY c.id");
    rows.bind(1, run);
    std::vector<ComparisonRow> out;
    while (rows.step()) {
        ComparisonRow row;
        row.id = rows.integer(0);
        row.insurer = text(rows, 1);
        row.kind = text(rows, 2);
        row.scope = text(rows, 3);
        row.outcome = text(rows, 4);
        row.complete = rows.integer(5) != 0;
        row.left = {rows.integer(6),  rows.integer(7),  rows.integer(8),  rows.integer(9), rows.integer(10),
                    rows.integer(11), rows.integer(12), rows.integer(13), rows.integer(14)};
        row.registered = rows.integer(15);
        row.deleted = rows.integer(16);
        row.stored_in_error = rows.integer(17);
        row.refused = rows.integer(18);
        row.blocked_later = rows.integer(19);
        row.owed = rows.integer(20);
        row.closed = rows.integer(21) != 0;
        out.push_back(std::move(row));
    }
    return out;
}

std::vector<RecordRow> LedgerView::records_of(const std::string& insurer, const std::string& insured) {
    auto rows =
        database_.prepare(std::string(kRecordSql) +
                          "WHERE (?1 = '' OR i.number = ?1) AND r.key >= CAST(?2 AS BLOB) AND "
                          "substr(r.key, 1, 10) = CAST(?2 AS BLOB) ORDER BY r.insurer, r.kind, r.key");
    rows.bind(1, insurer).bind(2, insured);
    auto history = database_.prepare(
        "SELECT h.at, h.from_state, h.to_state, h.event, h.reason, h.actor, b.request_id FROM record_history "
        "h "
        "LEFT JOIN batch b ON b.id = h.batch WHERE h.insurer = ?1 AND h.kind = ?2 AND h.key = ?3 ORDER BY "
        "h.id");
    std::vector<RecordRow> out;
    while (rows.step()) {
        RecordRow record = read_record(rows);
        history.reset();
        history.bind(1, rows.integer(14)).bind(2, rows.integer(15)).bind_blob(3, record.key);
        while (history.step())
            record.history.push_back({history.integer(0), state_name(history.integer(1)),
                                      state_name(history.integer(2)), text(history, 3), text(history, 4),
                                      text(history, 5), text(history, 6)});
        out.push_back(std::move(record));
    }
    return out;
}

std::vector<RecordRow> LedgerView::held(const HeldFilter& filter, int limit) {
    auto rows = database_.prepare(
        std::string(kRecordSql) +
        "WHERE r.state = 6 AND (?1 = '' OR i.number = ?1) AND (?2 = '' OR k.name = ?2) AND "
        "(?3 = '' OR substr(r.key, 1, 10) = CAST(?3 AS BLOB)) AND (?4 = '' OR r.reason = ?4) "
        "ORDER BY r.insurer, r.kind, r.key LIMIT ?5");
    rows.bind(1, filter.insurer)
        .bind(2, filter.kind)
        .bind(3, filter.insured)
        .bind(4, filter.reason)
        .bind(5, limit);
    std::vector<RecordRow> out;
    while (rows.step()) out.push_back(read_record(rows));
    return out;
}

std::vector<AlarmRow> LedgerView::alarms(int limit) {
    auto rows = database_.prepare(
        "SELECT at, (SELECT number FROM insurer WHERE id = alarm.insurer), code, detail FROM alarm ORDER BY "
        "id DESC "
        "LIMIT ?1");
    rows.bind(1, limit);
    std::vector<AlarmRow> out;
    while (rows.step()) out.push_back({rows.integer(0), text(rows, 1), text(rows, 2), text(rows, 3)});
    return out;
}

std::vector<SetupRow> LedgerView::setups() {
    auto rows = database_.prepare(
        "SELECT i.number, base_date, completed_at IS NOT NULL FROM setup s JOIN insurer i ON i.id = "
        "s.insurer ORDER BY 1");
    std::vector<SetupRow> out;
    while (rows.step()) out.push_back({text(rows, 0), text(rows, 1), rows.integer(2) != 0});
    return out;
}

std::string LedgerView::meta(const std::string& name) {
    auto rows = database_.prepare("SELECT value FROM meta WHERE name = ?1");
    rows.bind(1, name);
    return rows.step() ? text(rows, 0) : std::string();
}

std::string LedgerView::integrity() {
    auto rows = database_.prepare("PRAGMA integrity_check");
    rows.step();
    return text(rows, 0);
}

}  // namespace kaigo::ledger
