#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using namespace sql;

std::vector<KnownCase> Ledger::open_cases(InsurerId insurer, KindId kind) {
    auto& rows = session_->statement(
        "SELECT {case} FROM pmh_case WHERE insurer = ?1 AND kind = ?2 AND closed_at IS NULL "
        "ORDER BY key",
        insurer, kind);
    std::vector<KnownCase> out;
    while (rows.step()) out.push_back(read_case(rows));
    return out;
}

std::optional<KnownCase> Ledger::open_case(InsurerId insurer, KindId kind, const std::string& key) {
    auto& row = session_->statement(
        "SELECT {case} FROM pmh_case WHERE insurer = ?1 AND kind = ?2 AND key = ?3 "
        "AND closed_at IS NULL",
        insurer, kind, Bytes{key});
    std::optional<KnownCase> out;
    if (row.step()) out = read_case(row);
    row.reset();
    return out;
}

std::optional<KnownCase> Ledger::case_by_id(CaseId id) {
    auto& row = session_->statement("SELECT {case} FROM pmh_case WHERE id = ?1", id);
    std::optional<KnownCase> out;
    if (row.step()) out = read_case(row);
    row.reset();
    return out;
}

void Ledger::step_cases(const std::vector<CaseStep>& steps, Instant now) {
    if (steps.empty()) return;
    Transaction transaction(*session_);
    for (const CaseStep& step : steps) write_case(*session_, step, now);
    transaction.commit();
}

std::optional<std::string> Ledger::case_decided(CaseId id, std::int64_t version,
                                                registration::CaseEvent finding) {
    auto& row = session_->statement(
        "SELECT coalesce(note, '') FROM pmh_case_history WHERE pmh_case = ?1 AND version = ?2 "
        "AND event = ?3",
        id, version + 1, name_of(registration::kCaseEventNames, finding));
    std::optional<std::string> note;
    if (row.step()) note = row.text(0);
    row.reset();
    return note;
}

std::vector<std::string> Ledger::cases_to_look_at(InsurerId insurer, KindId kind, bool opened) {
    return session_->keys(
        "SELECT key FROM pmh_case WHERE insurer = ?1 AND kind = ?2 AND closed_at IS NULL "
        "AND (look = {look:decided} OR (?3 = 1 AND look = {look:opened})) "
        "AND NOT EXISTS (SELECT 1 FROM record r WHERE r.insurer = ?1 AND r.kind = ?2 "
        "AND r.key = pmh_case.key AND r.state = {record:sending}) ORDER BY key",
        insurer, kind, opened);
}

}  // namespace kaigo::ledger
