#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using namespace sql;

RunId Ledger::start_run(JobName job, const std::string& insurer, const std::string& actor, Instant now) {
    return session_->integer(
        "INSERT INTO run (job, started_at, actor, insurer) VALUES (?1, ?2, ?3, nullif(?4, '')) "
        "RETURNING id",
        name_of(kJobNames, job), now, actor, insurer);
}

void Ledger::end_run(RunId run, RunEnd how, int exit_status, const std::string& message, Instant now) {
    session_->run("UPDATE run SET ended_at = ?2, outcome = ?3, exit_status = ?4, message = ?5 WHERE id = ?1",
                  run, now, name_of(kRunEndNames, how), exit_status, message);
}

ComparisonId Ledger::start_comparison(RunId run, InsurerId insurer, KindId kind, const std::string& scope) {
    return session_->integer(
        "INSERT INTO comparison (run, insurer, kind, scope) VALUES (?1, ?2, ?3, ?4) RETURNING id", run,
        insurer, kind, scope);
}

void Ledger::finish_comparison(ComparisonId comparison, const Accounting& left, ComparisonEnd how,
                               bool complete) {
    session_->run(
        "UPDATE comparison "
        "SET outcome = ?2, complete = ?3, rows_read = ?4, unchanged = ?5, created = ?6, changed "
        "= ?7, waiting = ?8, rejected = ?9, blocked = ?10, duplicates = ?11, gone = ?12, closed "
        "= NULL WHERE id = ?1",
        comparison, name_of(kComparisonEndNames, how), complete, left.read, left.unchanged, left.created,
        left.changed, left.waiting, left.rejected, left.blocked, left.duplicates, left.gone);
}

std::vector<ComparisonId> Ledger::close_accounts(RunId run) {
    std::vector<ComparisonId> open;
    struct Account {
        ComparisonId id;
        InsurerId insurer;
        KindId kind;
        bool sent;  ///< otherwise no record belongs to it, and the search is skipped
    };
    std::vector<Account> all;
    auto& rows = session_->statement(
        "SELECT id, insurer, kind, created + changed + gone > 0 FROM comparison WHERE run = ?1 "
        "AND closed IS NULL AND coalesce(outcome, '') NOT IN ({comparison:failed}, {comparison:held})",
        run);
    while (rows.step())
        all.push_back({rows.integer(0), rows.integer(1), rows.integer(2), rows.integer(3) != 0});
    for (const auto& [id, insurer, kind, sent] : all) {
        Transaction transaction(*session_);
        auto& counts = session_->statement(
            "SELECT count(*) FILTER (WHERE state = {record:registered}), "
            "count(*) FILTER (WHERE state = {record:stored_in_error}), "
            "count(*) FILTER (WHERE state = {record:rejected}), "
            "count(*) FILTER (WHERE state = {record:blocked}), "
            "count(*) FILTER (WHERE state IN ({record:pending}, {record:sending})) "
            "FROM record WHERE ?4 = 1 AND insurer = ?1 AND kind = ?2 AND comparison = ?3",
            insurer, kind, id, sent);
        counts.step();
        const bool closed = session_->is_true(
            "UPDATE comparison SET registered = ?2, stored_in_error = ?3, refused = ?4, blocked_later = ?5, "
            "owed = ?6, closed = CASE WHEN rows_read = unchanged + created + changed + waiting + rejected + "
            "blocked + duplicates AND created + changed + gone = ?2 + deleted + ?3 + ?4 + ?5 + ?6 "
            "THEN 1 ELSE 0 END WHERE id = ?1 RETURNING closed",
            id, counts.integer(0), counts.integer(1), counts.integer(2), counts.integer(3),
            counts.integer(4));
        counts.reset();
        if (!closed) open.push_back(id);
        transaction.commit();
    }
    return open;
}

void Ledger::note_queries(ComparisonId comparison, const std::vector<QueryRows>& queries) {
    Transaction transaction(*session_);
    for (const QueryRows& each : queries)
        session_->run(
            "INSERT INTO comparison_query (comparison, query, rows_read, orphans) "
            "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (comparison, query) DO UPDATE "
            "SET rows_read = ?3, orphans = ?4",
            comparison, each.query, each.rows, each.orphans);
    transaction.commit();
}

std::optional<Baseline> Ledger::baseline(InsurerId insurer, KindId kind) {
    auto& row = session_->statement(
        "SELECT rows_read, mapping, spec, digest_key, contents FROM baseline WHERE insurer = ?1 "
        "AND kind = ?2",
        insurer, kind);
    std::optional<Baseline> out;
    if (row.step())
        out = Baseline{row.integer(0), std::string(row.text(1)), std::string(row.text(2)),
                       std::string(row.text(3)), unpack_counts(row.text(4))};
    row.reset();
    return out;
}

void Ledger::set_baseline(InsurerId insurer, KindId kind, const Baseline& baseline) {
    session_->run(
        "INSERT INTO baseline (insurer, kind, rows_read, mapping, spec, digest_key, contents) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (insurer, kind) DO UPDATE "
        "SET rows_read = ?3, mapping = ?4, spec = ?5, digest_key = ?6, contents = ?7",
        insurer, kind, baseline.rows_read, baseline.mapping, baseline.spec, baseline.digest_key,
        pack(baseline.contents));
}

void Ledger::keep_certificate(RunId run, InsurerId insurer, Instant at, const std::string& document) {
    session_->run(
        "INSERT INTO certificate (run, insurer, at, document) VALUES (?1, ?2, ?3, ?4) "
        "ON CONFLICT (run, insurer) DO UPDATE SET at = ?3, document = ?4",
        run, insurer, at, document);
}

void Ledger::count_standing(RunId run) {
    // In the order of the table, counted here: grouping in SQL would sort every record.
    std::map<std::tuple<InsurerId, KindId, std::int64_t, std::string>, std::int64_t> counts;
    std::int64_t* count = nullptr;
    std::tuple<InsurerId, KindId, std::int64_t, std::string> at;
    auto& rows = session_->statement("SELECT insurer, kind, state, reason FROM record");
    while (rows.step()) {
        auto& [insurer, kind, state, reason] = at;
        const bool same = count != nullptr && insurer == rows.integer(0) && kind == rows.integer(1) &&
                          state == rows.integer(2) && reason == rows.text(3);
        if (!same) {
            at = {rows.integer(0), rows.integer(1), rows.integer(2), std::string(rows.text(3))};
            count = &counts[at];
        }
        ++*count;
    }
    Transaction transaction(*session_);
    for (const auto& [what, records] : counts) {
        const auto& [insurer, kind, state, reason] = what;
        session_->run(
            "INSERT INTO run_count (run, insurer, kind, state, reason, records) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
            "ON CONFLICT (run, insurer, kind, state, reason) DO UPDATE SET records = ?6",
            run, insurer, kind, state, reason, records);
    }
    transaction.commit();
}

void Ledger::alarm(std::optional<InsurerId> insurer, const std::string& code, const std::string& detail,
                   Instant now) {
    session_->run("INSERT INTO alarm (at, insurer, code, detail) VALUES (?1, ?2, ?3, ?4)", now, insurer, code,
                  detail);
}

}  // namespace kaigo::ledger
