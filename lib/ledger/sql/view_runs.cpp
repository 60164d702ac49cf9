#include "ledger/sql/codec.h"
#include "ledger/view.h"

namespace kaigo::ledger {

using namespace sql;

namespace {

RunRow read_run(const Statement& row) {
    return {row.integer(0),  text_of(row, 1),         text_of(row, 2),
            text_of(row, 3), text_of(row, 4),         text_of(row, 5),
            row.integer(6),  integer_or_null(row, 7), static_cast<int>(row.integer(8))};
}

}  // namespace

std::int64_t LedgerView::alarm_count() { return session_->integer("SELECT count(*) FROM alarm"); }

std::vector<RunRow> LedgerView::last_runs_by_insurer() {
    auto rows = session_->prepare(
        "SELECT {run} FROM run WHERE id IN (SELECT max(id) FROM run WHERE outcome IS DISTINCT "
        "FROM {run:dry-run} GROUP BY job, insurer) ORDER BY id");
    std::vector<RunRow> out;
    while (rows.step()) out.push_back(read_run(rows));
    return out;
}

std::vector<RunRow> LedgerView::runs(int limit) {
    auto rows = session_->prepare("SELECT {run} FROM run ORDER BY id DESC LIMIT ?1", limit);
    std::vector<RunRow> out;
    while (rows.step()) out.push_back(read_run(rows));
    return out;
}

std::optional<RunRow> LedgerView::run(RunId id) {
    auto rows = session_->prepare("SELECT {run} FROM run WHERE id = ?1", id);
    if (!rows.step()) return std::nullopt;
    return read_run(rows);
}

std::vector<RunRow> LedgerView::last_runs() {
    auto rows = session_->prepare(
        "SELECT {run} FROM run WHERE id IN (SELECT max(id) FROM run WHERE outcome IS DISTINCT "
        "FROM {run:dry-run} GROUP BY job) ORDER BY id");
    std::vector<RunRow> out;
    while (rows.step()) out.push_back(read_run(rows));
    return out;
}

std::vector<LedgerView::LastStart> LedgerView::last_starts() {
    auto rows = session_->prepare(
        "SELECT job, insurer, max(started_at) FROM run WHERE outcome IS DISTINCT FROM {run:dry-run} "
        "AND outcome IS DISTINCT FROM {run:interrupted} AND exit_status IS DISTINCT FROM ?1 "
        "AND exit_status IS DISTINCT FROM ?2 GROUP BY job, insurer",
        info(ErrorCode::platform_unreachable).exit_status, info(ErrorCode::busy).exit_status);
    std::vector<LastStart> out;
    while (rows.step())
        if (const auto job = value_of(kJobNames, rows.text(0)))
            out.push_back({*job, text_of(rows, 1), rows.integer(2)});
    return out;
}

bool LedgerView::setup_broke_off(const std::string& insurer) {
    auto row = session_->prepare(
        "SELECT outcome = {run:interrupted} FROM run WHERE job = {job:initial-setup} AND (insurer IS NULL "
        "OR insurer = ?1) AND EXISTS (SELECT 1 FROM setup s JOIN insurer i ON i.id = s.insurer "
        "WHERE i.number = ?1 AND completed_at IS NULL) ORDER BY id DESC LIMIT 1",
        insurer);
    return row.step() && row.integer(0) != 0;
}

std::vector<RunRow> LedgerView::runs_between(std::int64_t from, std::int64_t until) {
    auto rows = session_->prepare(
        "SELECT {run} FROM run WHERE started_at >= ?1 AND started_at < ?2 AND outcome IS DISTINCT "
        "FROM {run:dry-run} ORDER BY id",
        from, until);
    std::vector<RunRow> out;
    while (rows.step()) out.push_back(read_run(rows));
    return out;
}

std::vector<StandingCount> LedgerView::standing(std::int64_t until, int runs) {
    auto rows = session_->prepare(
        "SELECT c.run, i.number, k.name, c.state, c.reason, c.records FROM run_count c "
        "JOIN insurer i ON i.id = c.insurer JOIN kind k ON k.id = c.kind "
        "WHERE c.run IN (SELECT DISTINCT run FROM run_count WHERE run IN (SELECT id FROM run "
        "WHERE started_at < ?1) ORDER BY run DESC LIMIT ?2) ORDER BY c.run, i.number, c.kind, c.state",
        until, runs);
    std::vector<StandingCount> out;
    while (rows.step())
        out.push_back({rows.integer(0), text_of(rows, 1), text_of(rows, 2), state_name(rows.integer(3)),
                       text_of(rows, 4), rows.integer(5)});
    return out;
}

std::vector<StandingCount> LedgerView::standing_now() {
    auto rows = session_->prepare(
        "SELECT i.number, k.name, r.state, coalesce(r.reason, ''), count(*) FROM record r "
        "JOIN insurer i ON i.id = r.insurer JOIN kind k ON k.id = r.kind "
        "GROUP BY i.number, r.kind, k.name, r.state, coalesce(r.reason, '') "
        "ORDER BY i.number, r.kind, r.state");
    std::vector<StandingCount> out;
    while (rows.step())
        out.push_back({0, text_of(rows, 0), text_of(rows, 1), state_name(rows.integer(2)), text_of(rows, 3),
                       rows.integer(4)});
    return out;
}

std::vector<ComparisonRow> LedgerView::comparisons(RunId run) {
    auto rows = session_->prepare(
        "SELECT c.id, i.number, k.name, c.scope, c.outcome, c.complete, rows_read, unchanged, created, "
        "changed, waiting, rejected, blocked, duplicates, gone, registered, deleted, stored_in_error, "
        "refused, blocked_later, owed, closed FROM comparison c JOIN insurer i ON i.id = c.insurer "
        "JOIN kind k ON k.id = c.kind WHERE run = ?1 ORDER BY c.id",
        run);
    std::vector<ComparisonRow> out;
    while (rows.step()) {
        ComparisonRow row;
        row.id = rows.integer(0);
        row.insurer = text_of(rows, 1);
        row.kind = text_of(rows, 2);
        row.scope = text_of(rows, 3);
        row.outcome = text_of(rows, 4);
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

std::vector<QueryRows> LedgerView::queries(ComparisonId comparison) {
    auto rows = session_->prepare(
        "SELECT query, rows_read, orphans FROM comparison_query WHERE comparison = ?1 ORDER BY query",
        comparison);
    std::vector<QueryRows> out;
    while (rows.step()) out.push_back({text_of(rows, 0), rows.integer(1), rows.integer(2)});
    return out;
}

std::vector<AlarmRow> LedgerView::alarms(int limit) {
    auto rows = session_->prepare(
        "SELECT at, (SELECT number FROM insurer WHERE id = alarm.insurer), code, detail FROM alarm "
        "ORDER BY id DESC LIMIT ?1",
        limit);
    std::vector<AlarmRow> out;
    while (rows.step())
        out.push_back({rows.integer(0), text_of(rows, 1), text_of(rows, 2), text_of(rows, 3)});
    return out;
}

std::vector<AlarmRow> LedgerView::alarms_between(std::int64_t from, std::int64_t until) {
    auto rows = session_->prepare(
        "SELECT at, (SELECT number FROM insurer WHERE id = alarm.insurer), code, detail FROM alarm "
        "WHERE at >= ?1 AND at < ?2 ORDER BY id",
        from, until);
    std::vector<AlarmRow> out;
    while (rows.step())
        out.push_back({rows.integer(0), text_of(rows, 1), text_of(rows, 2), text_of(rows, 3)});
    return out;
}

std::vector<SetupRow> LedgerView::setups() {
    auto rows = session_->prepare(
        "SELECT i.number, base_date, completed_at IS NOT NULL FROM setup s "
        "JOIN insurer i ON i.id = s.insurer ORDER BY i.number");
    std::vector<SetupRow> out;
    while (rows.step()) out.push_back({text_of(rows, 0), text_of(rows, 1), rows.integer(2) != 0});
    return out;
}

std::vector<std::string> LedgerView::certificates(RunId run) {
    auto rows = session_->prepare("SELECT document FROM certificate WHERE run = ?1 ORDER BY insurer", run);
    std::vector<std::string> out;
    while (rows.step()) out.emplace_back(rows.text(0));
    return out;
}

std::optional<LedgerView::SetupTimes> LedgerView::setup_times(InsurerId insurer) {
    auto row = session_->prepare("SELECT base_date, started_at, completed_at FROM setup WHERE insurer = ?1",
                                 insurer);
    if (!row.step()) return std::nullopt;
    return SetupTimes{text_of(row, 0), row.integer(1), integer_or_null(row, 2)};
}

std::optional<double> LedgerView::sending_rate() {
    constexpr std::int64_t kMany = 10'000;
    auto row = session_->prepare(
        "SELECT sum(b.member_count), r.ended_at - r.started_at FROM run r JOIN batch b ON b.run = r.id "
        "WHERE r.ended_at > r.started_at GROUP BY r.id HAVING sum(b.member_count) >= ?1 "
        "ORDER BY r.id DESC LIMIT 1",
        kMany);
    if (!row.step()) return std::nullopt;
    return static_cast<double>(row.integer(0)) * 1000.0 / static_cast<double>(row.integer(1));
}

}  // namespace kaigo::ledger
