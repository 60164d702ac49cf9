#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using registration::RecordState;
using registration::Term;
using namespace sql;

void Ledger::apply_changes(ComparisonId comparison, InsurerId insurer, KindId kind,
                           const std::string& digest_key, const std::vector<Change>& changes, Instant now) {
    if (changes.empty()) return;
    Transaction transaction(*session_);
    for (const Change& change : changes) {
        require_edge(change.from, change.event, change.next.state);
        const auto account = change.term == Term::gone ? std::optional(comparison) : change.account;
        write_record(*session_, change.from,
                     {insurer, kind, change.key, change.next, change.my_number, change.consent, digest_key,
                      std::nullopt, 0, account});
        if (change.case_step) write_case(*session_, *change.case_step, now);
        if (account && change.next.state == RecordState::absent) count_deleted(*session_, *account);
        if (!is_normal_path(change.event))
            write_history(*session_, insurer, kind, change.key,
                          {change.from, change.next.state, change.event, change.next.reason}, now);
    }
    transaction.commit();
}

void Ledger::note_consents(InsurerId insurer, KindId kind,
                           const std::vector<std::pair<std::string, std::int64_t>>& verdicts) {
    if (verdicts.empty()) return;
    Transaction transaction(*session_);
    for (const auto& [key, verdict] : verdicts)
        session_->run("UPDATE record SET consent = ?4 WHERE insurer = ?1 AND kind = ?2 AND key = ?3", insurer,
                      kind, Bytes{key}, verdict);
    transaction.commit();
}

std::map<std::string, Withdrawal, std::less<>> Ledger::withdrawals(InsurerId insurer) {
    std::map<std::string, Withdrawal, std::less<>> out;
    auto& told = session_->statement("SELECT person, day FROM withdrawal WHERE insurer = ?1", insurer);
    while (told.step()) out[std::string(told.blob(0))].told = told.integer(1);
    told.reset();
    // Not those whose deletion is under way; a rejected one is not.
    auto& rows = session_->statement(
        "SELECT substr(key, 1, {layout:person_width}), max(consent >> {layout:consent_day_shift}) "
        "FROM record {by record_withdrawn} WHERE insurer = ?1 AND {told withdrawn} "
        "AND ((flags & ({flag:on_platform} | {flag:recreating})) != 0 "
        "OR state IN ({record:pending}, {record:sending})) AND NOT ({leaves} "
        "AND state IN ({record:pending}, {record:sending}, {record:blocked})) "
        "GROUP BY substr(key, 1, {layout:person_width})",
        insurer);
    while (rows.step()) out[std::string(rows.blob(0))].stands = rows.integer(1);
    rows.reset();
    return out;
}

bool Ledger::person_stays(InsurerId insurer, const std::vector<KindId>& kinds, const std::string& person,
                          const std::function<bool(KindId, std::string_view)>& gone) {
    for (const KindId kind : kinds) {
        auto& rows = session_->statement(
            "SELECT key FROM record WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 AND key < ?4 "
            "AND NOT {leaves}",
            insurer, kind, Bytes{person}, Bytes{person + "\xFF"});
        bool stays = false;
        while (!stays && rows.step()) stays = !gone(kind, rows.blob(0));
        rows.reset();
        if (stays) return true;
    }
    return false;
}

std::int64_t Ledger::rekey(InsurerId insurer, KindId kind, const std::string& former, const std::string& next,
                           const std::vector<Rekeyed>& records) {
    std::int64_t changed = 0;
    Transaction transaction(*session_);
    for (const Rekeyed& each : records) {
        session_->run(
            "UPDATE record SET acknowledged = ?5, sent = ?6, my_number = ?7, digest_key = ?8 "
            "WHERE insurer = ?1 AND kind = ?2 AND key = ?3 AND digest_key = ?4",
            insurer, kind, Bytes{each.key}, former, each.acknowledged, each.sent, each.my_number, next);
        changed += session_->changes();
    }
    transaction.commit();
    return changed;
}

}  // namespace kaigo::ledger
