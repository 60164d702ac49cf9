#include <algorithm>
#include <iterator>

#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using registration::Event;
using registration::RecordState;
using namespace sql;

namespace {

void probe_dependants(Session& session, InsurerId insurer, const std::string& person,
                      const std::vector<KindId>& dependants, Instant now) {
    for (const KindId kind : dependants) {
        // A record that is not registered now is not probed, so it is no longer known whether the platform
        // still holds its acknowledged content.
        session.run(
            "UPDATE record SET acknowledged = NULL WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 "
            "AND key < ?4 AND state <> {record:registered}",
            insurer, kind, Bytes{person}, Bytes{person + "\xFF"});
        const std::vector<std::string> keys = session.keys(
            "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 AND key < ?4 "
            "AND state = {record:registered} AND (flags & {flag:platform_owned}) = 0",
            insurer, kind, Bytes{person}, Bytes{person + "\xFF"});
        for (const std::string& key : keys) {
            session.run(
                "UPDATE record "
                "SET state = {record:pending}, owed = {owed:create}, flags = flags | {flag:needs_body}, "
                "reason = ?4, attempts = 0, due_at = ?5, batch = NULL WHERE insurer = ?1 AND kind = ?2 "
                "AND key = ?3 AND state = {record:registered}",
                insurer, kind, Bytes{key}, registration::reason::kProbe, now);
            write_history(
                session, insurer, kind, key,
                {RecordState::registered, RecordState::pending, Event::probed, registration::reason::kProbe},
                now);
        }
    }
}

}  // namespace

bool Ledger::has_work(InsurerId insurer, Instant now) {
    return session_->is_true(
        "SELECT EXISTS (SELECT 1 FROM batch WHERE insurer = ?1 AND state < {batch:settled} "
        "AND (due_at IS NULL OR due_at <= ?2)) OR EXISTS (SELECT 1 FROM record WHERE insurer = ?1 "
        "AND state = {record:pending} AND (due_at IS NULL OR due_at <= ?2)) OR EXISTS (SELECT 1 "
        "FROM pmh_case WHERE insurer = ?1 AND look = {look:decided} AND closed_at IS NULL)",
        insurer, now);
}

std::optional<Instant> Ledger::next_due(InsurerId insurer, Instant now) {
    auto& row = session_->statement(
        "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM batch WHERE insurer = ?1 "
        "AND state < {batch:settled} UNION ALL SELECT min(due_at) FROM record WHERE insurer = ?1 "
        "AND state = {record:pending} UNION ALL SELECT min(due_at) FROM record WHERE insurer = ?1 "
        "AND state = {record:blocked} AND due_at > ?2) AS due",
        insurer, now);
    row.step();
    const auto due = integer_or_null(row, 0);
    row.reset();
    if (!due) return std::nullopt;
    return from_milliseconds(*due);
}

std::vector<Ledger::Owed> Ledger::owed(InsurerId insurer, Instant now, std::size_t limit) {
    auto& rows = session_->statement(
        "SELECT {entry}, kind, (SELECT request_id FROM batch WHERE id = record.batch) FROM record "
        "WHERE insurer = ?1 AND state = {record:pending} AND (flags & {flag:needs_body}) = 0 "
        "AND (due_at IS NULL OR due_at <= ?2) ORDER BY kind, owed = {owed:remove}, batch, seq "
        "LIMIT ?3",
        insurer, now, limit);
    std::vector<Owed> out;
    while (rows.step()) {
        Owed& each = out.emplace_back();
        read_entry(rows, each.entry);
        each.kind = rows.integer(17);
        each.request_id = rows.text(18);
    }
    return out;
}

std::int64_t Ledger::release_deletions(InsurerId insurer, KindId person_kind,
                                       const std::vector<KindId>& dependants, Instant now) {
    const std::vector<std::string> keys = session_->keys(
        "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND state = {record:blocked} "
        "AND owed = {owed:remove}",
        insurer, person_kind);
    std::int64_t released = 0;
    Transaction transaction(*session_);
    for (const std::string& key : keys) {
        bool waits = false;
        for (const KindId kind : dependants) {
            // On the platform, or on its way there.
            waits = waits ||
                    session_->is_true(
                        "SELECT EXISTS (SELECT 1 FROM record WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 "
                        "AND key < ?4 AND ((flags & {flag:on_platform}) != 0 "
                        "OR state IN ({record:pending}, {record:sending})))",
                        insurer, kind, Bytes{key}, Bytes{key + "\xFF"});
        }
        if (waits) continue;
        session_->run(
            "UPDATE record SET state = {record:pending}, reason = NULL, due_at = ?4 "
            "WHERE insurer = ?1 AND kind = ?2 AND key = ?3 AND state = {record:blocked}",
            insurer, person_kind, Bytes{key}, now);
        write_history(*session_, insurer, person_kind, key,
                      {RecordState::blocked, RecordState::pending, Event::released}, now);
        ++released;
    }
    transaction.commit();
    return released;
}

std::int64_t Ledger::probe_recreated(InsurerId insurer, KindId person_kind,
                                     const std::vector<KindId>& dependants, Instant now) {
    const std::vector<std::string> persons = session_->keys(
        "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 "
        "AND (flags & {flag:recreating}) != 0 AND (flags & {flag:on_platform}) != 0 "
        "AND state <> {record:sending}",
        insurer, person_kind);
    if (persons.empty()) return 0;
    Transaction transaction(*session_);
    for (const std::string& key : persons) {
        probe_dependants(*session_, insurer, key, dependants, now);
        session_->run(
            "UPDATE record SET flags = flags & ~{flag:recreating} WHERE insurer = ?1 AND kind = ?2 "
            "AND key = ?3",
            insurer, person_kind, Bytes{key});
    }
    transaction.commit();
    return static_cast<std::int64_t>(persons.size());
}

std::vector<std::string> Ledger::keys_to_read(InsurerId insurer, KindId kind,
                                              std::optional<KindId> prerequisite, Instant now) {
    std::vector<std::string> out = session_->keys(
        "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND state = {record:pending} "
        "AND (flags & {flag:needs_body}) != 0 AND (due_at IS NULL OR due_at <= ?3) ORDER BY key",
        insurer, kind, now);
    if (!prerequisite) return out;
    std::vector<std::string> blocked = session_->keys(
        "SELECT key FROM record AS r WHERE insurer = ?1 AND kind = ?2 "
        "AND state = {record:blocked} AND reason = ?5 AND (due_at IS NULL OR due_at <= ?3) "
        "AND EXISTS (SELECT 1 FROM record AS p WHERE p.insurer = ?1 AND p.kind = ?4 "
        "AND p.key = substr(r.key, 1, {layout:person_width}) "
        "AND (p.flags & {flag:on_platform}) != 0 AND p.owed IS DISTINCT FROM {owed:remove}) "
        "ORDER BY key",
        insurer, kind, now, *prerequisite, registration::reason::kPrerequisite);
    std::ranges::move(blocked, std::back_inserter(out));
    return out;
}

void Ledger::mark_body_lost(InsurerId insurer, KindId kind, const std::string& key, Instant now) {
    session_->run(
        "UPDATE record SET flags = CASE WHEN owed = {owed:remove} THEN flags "
        "ELSE flags | {flag:needs_body} END, batch = NULL, reason = ?5, due_at = ?4 "
        "WHERE insurer = ?1 AND kind = ?2 AND key = ?3 AND state = {record:pending}",
        insurer, kind, Bytes{key}, now, registration::reason::kBodyLost);
}

std::int64_t Ledger::resend_held(InsurerId insurer, std::optional<KindId> kind, const std::string& insured,
                                 const std::string& reason, const std::string& actor, Instant now) {
    Transaction transaction(*session_);
    std::vector<std::tuple<KindId, std::string, UpdateKind>> held;
    auto& rows = session_->statement(
        "SELECT kind, key, CASE WHEN owed = {owed:remove} "
        "THEN {owed:remove} WHEN (flags & {flag:on_platform}) != 0 THEN {owed:update} "
        "ELSE {owed:create} END FROM record WHERE insurer = ?1 AND state = {record:rejected} "
        "AND (kind = ?2 OR ?2 IS NULL) AND (substr(key, 1, {layout:person_width}) = ?3 OR ?3 IS NULL) "
        "AND (?4 = '' OR reason = ?4) AND (coalesce(reason, '') <> ?5 OR (?4 <> '' AND ?3 IS NOT NULL))",
        insurer, kind, bytes_or_all(insured), reason, registration::reason::kWithdrawnBefore);
    while (rows.step())
        held.emplace_back(rows.integer(0), std::string(rows.blob(1)),
                          static_cast<UpdateKind>(rows.integer(2)));
    const std::string_view why = reason == registration::reason::kWithdrawnBefore
                                     ? registration::reason::kWithdrawalReleased
                                     : registration::reason::kResend;
    for (const auto& [record_kind, key, owed] : held) {
        session_->run(
            "UPDATE record "
            "SET state = {record:pending}, owed = ?4, flags = CASE WHEN CAST(?4 AS BIGINT) = {owed:remove} "
            "THEN flags "
            "ELSE flags | {flag:needs_body} END, reason = ?5, sent = NULL, attempts = 0, due_at = ?6, batch "
            "= NULL, comparison = NULL WHERE insurer = ?1 AND kind = ?2 AND key = ?3 "
            "AND state = {record:rejected}",
            insurer, record_kind, Bytes{key}, owed, why, now);
        write_history(
            *session_, insurer, record_kind, key,
            {RecordState::rejected, RecordState::pending, Event::resend_by_operator, why, {}, actor}, now);
    }
    // Whoever names the person knows of this withdrawal. One that a record itself sent stays stored with that
    // record.
    if (why == registration::reason::kWithdrawalReleased && !held.empty())
        session_->run("DELETE FROM withdrawal WHERE insurer = ?1 AND person = ?2", insurer, Bytes{insured});
    transaction.commit();
    return static_cast<std::int64_t>(held.size());
}

}  // namespace kaigo::ledger
