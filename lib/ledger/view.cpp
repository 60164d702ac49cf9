#include "ledger/view.h"

#include "base/files.h"
#include "base/i18n.h"
#include "ledger/schema.h"
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

constexpr const char* kRunColumns =
    "id, job, outcome, message, actor, insurer, started_at, ended_at, exit_status";

RunRow read_run(const sqlite::Statement& row) {
    return {row.integer(0),
            text(row, 1),
            text(row, 2),
            text(row, 3),
            text(row, 4),
            text(row, 5),
            row.integer(6),
            integer_or_null(row, 7),
            static_cast<int>(row.integer(8))};
}

constexpr const char* kRecordSql =
    "SELECT i.number, k.name, r.state, coalesce(b.state, 0), r.reason, r.key, r.owed, r.flags, r.due_at, "
    "r.attempts, "
    "b.request_id, b.reception_number, c.state, c.error_id, r.insurer, r.kind, c.id, r.consent FROM record r "
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
    out.case_id = integer_or_null(row, 16);
    if (!row.is_null(17)) out.consent = registration::ConsentVerdict::unpack(row.integer(17));
    return out;
}

constexpr const char* kCaseSql =
    "SELECT c.id, i.number, k.name, c.key, c.state, c.error_id, c.left_reason, c.exemption_seen, "
    "c.enrolment_seen, c.residence, c.version, c.opened_at, c.changed_at, c.closed_at, r.state, "
    "coalesce(b.state, 0), r.reason, c.hindrance, (SELECT count(*) FROM pmh_case_history h JOIN pmh_case p "
    "ON "
    "p.id = h.pmh_case WHERE p.insurer = c.insurer AND p.kind = c.kind AND p.key = c.key AND p.id <= c.id "
    "AND "
    "h.event IN ('result-not-linked', 'result-needs-operator')) - 1, "
    "(SELECT h.event FROM pmh_case_history h JOIN pmh_case p ON p.id = h.pmh_case WHERE p.insurer = "
    "c.insurer AND "
    "p.kind = c.kind AND p.key = c.key AND h.actor <> '' ORDER BY h.id DESC LIMIT 1), "
    "(SELECT h.at FROM pmh_case_history h JOIN pmh_case p ON p.id = h.pmh_case WHERE p.insurer = c.insurer "
    "AND "
    "p.kind = c.kind AND p.key = c.key AND h.actor <> '' ORDER BY h.id DESC LIMIT 1) FROM pmh_case c JOIN "
    "insurer i ON i.id = c.insurer "
    "JOIN kind k ON k.id = c.kind LEFT JOIN record r ON r.insurer = c.insurer AND r.kind = c.kind AND r.key "
    "= "
    "c.key LEFT JOIN batch b ON b.id = r.batch AND r.state = 2 ";

CaseRow read_case_row(const sqlite::Statement& row) {
    CaseRow out;
    out.id = row.integer(0);
    out.insurer = text(row, 1);
    out.kind = text(row, 2);
    out.key = row.blob(3);
    registration::PmhCase& c = out.pmh_case;
    c.state = value_of(registration::kCaseStateNames, row.text(4)).value_or(registration::CaseState::none);
    c.error_id = text(row, 5);
    c.left = value_of(registration::kLeftReasonNames, row.text(6)).value_or(registration::LeftReason::none);
    c.seen.exemption = registration::unpack_fact(row.text(7));
    c.seen.enrolment = registration::unpack_fact(row.text(8));
    c.seen.residence = text(row, 9);
    out.version = row.integer(10);
    out.opened_at = row.integer(11);
    out.changed_at = row.integer(12);
    out.closed_at = integer_or_null(row, 13);
    if (!row.is_null(14)) out.record_state = flight_name(row.integer(14), row.integer(15));
    out.record_reason = text(row, 16);
    c.hindrance = text(row, 17);
    out.recurrences = std::max<std::int64_t>(0, row.integer(18));
    out.last_answer = text(row, 19);
    out.last_answer_at = row.integer(20);
    return out;
}

/// Records that depend on the record r and stay in the source: their own deletion is not owed.
const std::string kDependantsInSource =
    "(SELECT count(*) FROM kind dk JOIN record d ON d.insurer = r.insurer AND d.kind = dk.id AND d.key > "
    "r.key "
    "AND d.key < CAST(r.key || x'FF' AS BLOB) WHERE dk.id <> r.kind AND (d.flags & 4) <> 0 AND "
    "coalesce(d.owed, 0) <> 3)";

}  // namespace

Result<LedgerView> LedgerView::open(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
        return fail(ErrorCode::needs_person, tr("there is no ledger yet: no job has run"))
            .at(path.string())
            .remedy(tr("start with: kaigo-gateway run initial-setup"));
    try {
        LedgerView view(path);
        if (static_cast<std::size_t>(view.database_.integer("PRAGMA user_version")) != current_version())
            return fail(ErrorCode::needs_person, tr("the ledger is of another version of this program"))
                .at(path.string())
                .remedy(tr("run any job once with this program, which brings it up to date"));
        return view;
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

std::vector<CaseRow> LedgerView::cases(const CaseFilter& filter) {
    auto rows = database_.prepare(
        std::string(kCaseSql) +
        "WHERE (?1 = '' OR i.number = ?1) AND (CASE WHEN ?2 = '' THEN c.closed_at IS NULL ELSE c.state = ?2 "
        "END) "
        "AND (?3 = '' OR c.error_id = ?3 OR c.left_reason = ?3) AND (?4 IS NULL OR c.opened_at < ?4) "
        "ORDER BY c.opened_at, c.id");
    rows.bind(1, filter.insurer)
        .bind(2, filter.state ? name_of(registration::kCaseStateNames, *filter.state) : std::string_view(""))
        .bind(3, filter.reason);
    if (filter.opened_before)
        rows.bind(4, *filter.opened_before);
    else
        rows.bind_null(4);
    std::vector<CaseRow> out;
    while (rows.step()) out.push_back(read_case_row(rows));
    return out;
}

std::optional<CaseRow> LedgerView::pmh_case(CaseId id) {
    auto row = database_.prepare(std::string(kCaseSql) + "WHERE c.id = ?1");
    row.bind(1, id);
    if (!row.step()) return std::nullopt;
    CaseRow out = read_case_row(row);
    auto steps = database_.prepare(
        "SELECT version, at, from_state, event, to_state, evidence, actor, note FROM pmh_case_history WHERE "
        "pmh_case = ?1 ORDER BY version");
    steps.bind(1, id);
    while (steps.step())
        out.history.push_back({steps.integer(0), steps.integer(1), text(steps, 2), text(steps, 3),
                               text(steps, 4), text(steps, 5), text(steps, 6), text(steps, 7)});
    return out;
}

std::vector<CaseRow> LedgerView::cases_at(std::int64_t at) {
    auto rows = database_.prepare(std::string(kCaseSql) +
                                  "WHERE c.opened_at <= ?1 AND (c.closed_at IS NULL OR c.closed_at > ?1) "
                                  "ORDER BY c.opened_at, c.id");
    auto step = database_.prepare(
        "SELECT to_state FROM pmh_case_history WHERE pmh_case = ?1 AND at <= ?2 ORDER BY version DESC LIMIT "
        "1");
    rows.bind(1, at);
    std::vector<CaseRow> out;
    while (rows.step()) {
        CaseRow row = read_case_row(rows);
        step.reset();
        step.bind(1, row.id).bind(2, at);
        if (step.step())
            row.pmh_case.state =
                value_of(registration::kCaseStateNames, step.text(0)).value_or(row.pmh_case.state);
        out.push_back(std::move(row));
    }
    return out;
}

std::vector<SameNumber> LedgerView::same_numbers() {
    auto rows = database_.prepare(
        "WITH twice AS (SELECT insurer, my_number FROM record WHERE my_number IS NOT NULL GROUP BY 1, 2 "
        "HAVING count(*) > 1) SELECT i.number, r.my_number, r.key FROM record r JOIN twice t ON t.insurer = "
        "r.insurer AND t.my_number = r.my_number JOIN insurer i ON i.id = r.insurer ORDER BY 1, 2, 3");
    std::vector<SameNumber> out;
    std::string last;
    while (rows.step()) {
        const std::string number = text(rows, 0) + std::string(rows.blob(1));
        if (number != last) out.push_back({text(rows, 0), {}});
        last = number;
        out.back().keys.emplace_back(rows.blob(2));
    }
    return out;
}

std::vector<WithoutNumber> LedgerView::without_number() {
    const std::string missing(registration::reason::kMyNumberMissing);
    auto rows = database_.prepare(
        "SELECT i.number, substr(r.reason, ?2), r.key FROM record r JOIN insurer i ON i.id = r.insurer WHERE "
        "r.state = 8 AND (r.reason = ?1 OR r.reason GLOB ?1 || ':*') ORDER BY 1, 2, 3");
    rows.bind(1, missing).bind(2, static_cast<std::int64_t>(missing.size()) + 2);
    std::vector<WithoutNumber> out;
    while (rows.step()) {
        const std::string insurer = text(rows, 0);
        const std::string ask = text(rows, 1);
        if (out.empty() || out.back().insurer != insurer || out.back().ask != ask)
            out.push_back({insurer, ask, {}});
        out.back().keys.emplace_back(rows.blob(2));
    }
    return out;
}

std::optional<std::int64_t> LedgerView::oldest_waiting() {
    auto rows = database_.prepare("SELECT min(created_at) FROM batch WHERE state < 6");
    rows.step();
    return integer_or_null(rows, 0);
}

std::vector<LedgerView::Waiting> LedgerView::waiting_by_insurer() {
    auto rows = database_.prepare(
        "SELECT i.number, (SELECT min(created_at) FROM batch WHERE insurer = i.id AND state < 6), (SELECT "
        "min(opened_at) FROM pmh_case WHERE insurer = i.id AND closed_at IS NULL), (SELECT "
        "coalesce(sum(attempts), 0) FROM batch WHERE insurer = i.id AND state < 6) + (SELECT "
        "coalesce(sum(attempts), 0) FROM record WHERE insurer = i.id AND state = 1) FROM insurer i ORDER BY "
        "1");
    std::vector<Waiting> out;
    while (rows.step())
        out.push_back({text(rows, 0), integer_or_null(rows, 1), integer_or_null(rows, 2), rows.integer(3)});
    return out;
}

std::int64_t LedgerView::alarm_count() { return database_.integer("SELECT count(*) FROM alarm"); }

std::vector<RunRow> LedgerView::last_runs_by_insurer() {
    auto rows = database_.prepare(std::string("SELECT ") + kRunColumns +
                                  " FROM run WHERE id IN (SELECT max(id) FROM run WHERE outcome IS NOT "
                                  "'dry-run' GROUP BY job, insurer) "
                                  "ORDER BY id");
    std::vector<RunRow> out;
    while (rows.step()) out.push_back(read_run(rows));
    return out;
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

std::vector<LedgerView::LastStart> LedgerView::last_starts() {
    auto rows = database_.prepare(
        "SELECT job, insurer, max(started_at) FROM run WHERE outcome IS NOT 'dry-run' AND outcome IS NOT "
        "'interrupted' AND exit_status IS NOT 69 AND exit_status IS NOT 75 GROUP BY job, insurer");
    std::vector<LastStart> out;
    while (rows.step()) out.push_back({text(rows, 0), text(rows, 1), rows.integer(2)});
    return out;
}

bool LedgerView::setup_broke_off(const std::string& insurer) {
    auto row = database_.prepare(
        "SELECT outcome = 'interrupted' FROM run WHERE job = 'initial-setup' AND (insurer IS NULL OR insurer "
        "= "
        "?1) AND EXISTS (SELECT 1 FROM setup s JOIN insurer i ON i.id = s.insurer WHERE i.number = ?1 AND "
        "completed_at IS NULL) ORDER BY id DESC LIMIT 1");
    row.bind(1, insurer);
    return row.step() && row.integer(0) != 0;
}

std::vector<RunRow> LedgerView::runs_between(std::int64_t from, std::int64_t until) {
    auto rows = database_.prepare(
        std::string("SELECT ") + kRunColumns +
        " FROM run WHERE started_at >= ?1 AND started_at < ?2 AND outcome IS NOT 'dry-run' ORDER BY id");
    rows.bind(1, from).bind(2, until);
    std::vector<RunRow> out;
    while (rows.step()) out.push_back(read_run(rows));
    return out;
}

std::vector<StandingCount> LedgerView::standing(std::int64_t until, int runs) {
    auto rows = database_.prepare(
        "SELECT c.run, i.number, k.name, c.state, c.reason, c.records FROM run_count c JOIN insurer i ON "
        "i.id = "
        "c.insurer JOIN kind k ON k.id = c.kind WHERE c.run IN (SELECT DISTINCT run FROM run_count WHERE run "
        "IN "
        "(SELECT id FROM run WHERE started_at < ?1) ORDER BY run DESC LIMIT ?2) ORDER BY c.run, 2, c.kind, "
        "c.state");
    rows.bind(1, until).bind(2, runs);
    std::vector<StandingCount> out;
    while (rows.step())
        out.push_back({rows.integer(0), text(rows, 1), text(rows, 2), state_name(rows.integer(3)),
                       text(rows, 4), rows.integer(5)});
    return out;
}

std::vector<StandingCount> LedgerView::standing_now() {
    auto rows = database_.prepare(
        "SELECT i.number, k.name, r.state, coalesce(r.reason, ''), count(*) FROM record r JOIN insurer i ON "
        "i.id = "
        "r.insurer JOIN kind k ON k.id = r.kind GROUP BY 1, r.kind, 3, 4 ORDER BY 1, r.kind, 3");
    std::vector<StandingCount> out;
    while (rows.step())
        out.push_back(
            {0, text(rows, 0), text(rows, 1), state_name(rows.integer(2)), text(rows, 3), rows.integer(4)});
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
    auto about = database_.prepare(
        "SELECT EXISTS (SELECT 1 FROM withheld w WHERE w.insurer = r.insurer AND w.kind = r.kind AND w.key = "
        "r.key), CASE WHEN r.state = 8 AND r.owed = 3 THEN " +
        kDependantsInSource +
        " ELSE 0 END FROM record r WHERE r.insurer = ?1 AND r.kind = ?2 AND r.key = ?3");
    std::vector<RecordRow> out;
    while (rows.step()) {
        RecordRow record = read_record(rows);
        history.reset();
        history.bind(1, rows.integer(14)).bind(2, rows.integer(15)).bind_blob(3, record.key);
        about.reset();
        about.bind(1, rows.integer(14)).bind(2, rows.integer(15)).bind_blob(3, record.key);
        if (about.step()) {
            record.withheld = about.integer(0) != 0;
            record.dependants_in_source = about.integer(1);
        }
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

std::vector<AttentionRow> LedgerView::attention() {
    auto rows = database_.prepare(
        "SELECT i.number, k.name, a.code, a.records, a.detail, a.at FROM attention a JOIN insurer i ON i.id "
        "= "
        "a.insurer JOIN kind k ON k.id = a.kind ORDER BY a.insurer, a.kind, a.code");
    std::vector<AttentionRow> out;
    while (rows.step())
        out.push_back(
            {text(rows, 0), text(rows, 1), {text(rows, 2), rows.integer(3), text(rows, 4)}, rows.integer(5)});
    return out;
}

std::vector<StateCount> LedgerView::stuck_deletions() {
    auto rows = database_.prepare(
        "SELECT i.number, k.name, r.reason, count(*) FROM record r JOIN insurer i ON i.id = r.insurer JOIN "
        "kind k "
        "ON k.id = r.kind WHERE r.state = 8 AND r.owed = 3 AND r.reason = 'dependants-on-platform' AND " +
        kDependantsInSource + " > 0 GROUP BY 1, 2, 3");
    std::vector<StateCount> out;
    while (rows.step()) out.push_back({text(rows, 0), text(rows, 1), text(rows, 2), rows.integer(3)});
    return out;
}

std::vector<StateCount> LedgerView::without_person() {
    auto rows = database_.prepare(
        "SELECT i.number, k.name, r.reason, count(*) FROM record r JOIN insurer i ON i.id = r.insurer JOIN "
        "kind k ON k.id = r.kind WHERE r.state = 8 AND r.reason = 'prerequisite-not-on-platform' AND NOT "
        "EXISTS (SELECT 1 FROM record p WHERE p.insurer = r.insurer AND p.kind IN (SELECT id FROM kind) AND "
        "p.key = substr(r.key, 1, 10)) GROUP BY 1, 2, 3");
    std::vector<StateCount> out;
    while (rows.step()) out.push_back({text(rows, 0), text(rows, 1), text(rows, 2), rows.integer(3)});
    return out;
}

std::vector<QueryRows> LedgerView::queries(ComparisonId comparison) {
    auto rows = database_.prepare(
        "SELECT query, rows_read, orphans FROM comparison_query WHERE comparison = ?1 ORDER BY query");
    rows.bind(1, comparison);
    std::vector<QueryRows> out;
    while (rows.step()) out.push_back({text(rows, 0), rows.integer(1), rows.integer(2)});
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

std::vector<AlarmRow> LedgerView::alarms_between(std::int64_t from, std::int64_t until) {
    auto rows = database_.prepare(
        "SELECT at, (SELECT number FROM insurer WHERE id = alarm.insurer), code, detail FROM alarm WHERE at "
        ">= ?1 "
        "AND at < ?2 ORDER BY id");
    rows.bind(1, from).bind(2, until);
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

std::optional<double> LedgerView::sending_rate() {
    constexpr std::int64_t kMany = 10'000;
    auto row = database_.prepare(
        "SELECT sum(b.member_count), r.ended_at - r.started_at FROM run r JOIN batch b ON b.run = r.id "
        "WHERE r.ended_at > r.started_at GROUP BY r.id HAVING sum(b.member_count) >= ?1 ORDER BY r.id DESC "
        "LIMIT 1");
    row.bind(1, kMany);
    if (!row.step()) return std::nullopt;
    return static_cast<double>(row.integer(0)) * 1000.0 / static_cast<double>(row.integer(1));
}

ReceptionCounts LedgerView::receptions(InsurerId insurer, KindId kind) {
    auto rows = database_.prepare(
        "SELECT state, count(*), sum(member_count) FROM batch WHERE insurer = ?1 AND kind = ?2 GROUP BY "
        "state");
    rows.bind(1, insurer).bind(2, kind);
    ReceptionCounts out;
    while (rows.step()) {
        switch (static_cast<BatchState>(rows.integer(0))) {
            case BatchState::settled:
                out.settled = rows.integer(1);
                out.settled_records = rows.integer(2);
                break;
            case BatchState::refused:
            case BatchState::dissolved:
                out.refused += rows.integer(1);
                break;
            default:
                out.open += rows.integer(1);
        }
    }
    return out;
}

std::vector<BatchId> LedgerView::unconfirming(InsurerId insurer, KindId kind) {
    // A settled batch has a reception number; whatever else a registered record names does not confirm it.
    auto rows = database_.prepare(
        "SELECT id FROM batch WHERE insurer = ?1 AND kind = ?2 AND (state <> 6 OR reception_number IS NULL)");
    rows.bind(1, insurer).bind(2, kind);
    std::vector<BatchId> out;
    while (rows.step()) out.push_back(rows.integer(0));
    return out;
}

std::vector<std::string> LedgerView::certificates(RunId run) {
    auto rows = database_.prepare("SELECT document FROM certificate WHERE run = ?1 ORDER BY insurer");
    rows.bind(1, run);
    std::vector<std::string> out;
    while (rows.step()) out.emplace_back(rows.text(0));
    return out;
}

std::optional<LedgerView::SetupTimes> LedgerView::setup_times(InsurerId insurer) {
    auto row = database_.prepare("SELECT base_date, started_at, completed_at FROM setup WHERE insurer = ?1");
    row.bind(1, insurer);
    if (!row.step()) return std::nullopt;
    return SetupTimes{text(row, 0), row.integer(1), integer_or_null(row, 2)};
}

std::string LedgerView::meta(const std::string& name) {
    auto rows = database_.prepare("SELECT value FROM meta WHERE name = ?1");
    rows.bind(1, name);
    return rows.step() ? text(rows, 0) : std::string();
}

std::vector<std::string> LedgerView::faults() {
    std::vector<std::string> out;
    auto rows = database_.prepare("PRAGMA integrity_check");
    while (rows.step())
        if (rows.text(0) != "ok") out.push_back(text(rows, 0));
    if (!out.empty()) return out;
    const auto count = [&](const char* sql, const char* what) {
        const std::int64_t found = database_.integer(sql);
        if (found > 0) out.push_back(tr(what, found));
    };
    count(
        "SELECT count(*) FROM record r WHERE state = 2 AND NOT EXISTS (SELECT 1 FROM batch b WHERE b.id = "
        "r.batch "
        "AND b.state < 6)",
        N_("{} records are in flight without a request"));
    count(
        "SELECT count(*) FROM batch b WHERE state < 6 AND NOT EXISTS (SELECT 1 FROM batch_members m WHERE "
        "m.batch "
        "= b.id)",
        N_("{} requests under way have no members"));
    count(
        "SELECT count(*) FROM record r WHERE (flags & 16) != 0 AND NOT EXISTS (SELECT 1 FROM pmh_case c "
        "WHERE "
        "c.insurer = r.insurer AND c.kind = r.kind AND c.key = r.key AND c.closed_at IS NULL)",
        N_("{} records belong to a case that is not open"));
    count("SELECT count(*) FROM comparison WHERE closed = 0", N_("the sums of {} comparisons do not close"));
    return out;
}

Status LedgerView::copy_to(const std::filesystem::path& file) {
    try {
        auto copy = database_.prepare("VACUUM INTO ?1");
        copy.bind(1, file.string()).run();
    } catch (const sqlite::Failure& failure) {
        return fail(ErrorCode::cannot_write, failure.what())
            .at(file.string())
            .remedy(tr("check the folder, its permissions and the free space"));
    }
    return sync_file(file);
}

Result<std::vector<std::string>> faults_of(const std::filesystem::path& path) {
    try {
        KAIGO_TRY(auto view, LedgerView::open(path));
        return view.faults();
    } catch (const sqlite::Failure& failure) {
        return std::vector<std::string>{failure.what()};
    }
}

std::string engine_version() { return std::string("SQLite ") + sqlite::version(); }

}  // namespace kaigo::ledger
