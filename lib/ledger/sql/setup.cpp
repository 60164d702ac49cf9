#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using namespace sql;

std::optional<Setup> Ledger::setup(InsurerId insurer) {
    auto& row = session_->statement(
        "SELECT base_date, compared_at, completed_at FROM setup WHERE insurer = ?1", insurer);
    std::optional<Setup> out;
    if (row.step()) out = Setup{std::string(row.text(0)), !row.is_null(1), !row.is_null(2)};
    row.reset();
    return out;
}

void Ledger::start_setup(InsurerId insurer, const std::string& base_date, Instant now) {
    session_->run(
        "INSERT INTO setup (insurer, base_date, started_at) VALUES (?1, ?2, ?3) "
        "ON CONFLICT (insurer) DO NOTHING",
        insurer, base_date, now);
}

void Ledger::setup_compared(InsurerId insurer, Instant now) {
    session_->run("UPDATE setup SET compared_at = ?2 WHERE insurer = ?1 AND compared_at IS NULL", insurer,
                  now);
}

bool Ledger::setup_settled(InsurerId insurer) {
    const auto state = setup(insurer);
    if (!state || !state->compared) return false;
    return session_->is_true(
        "SELECT NOT EXISTS (SELECT 1 FROM record WHERE insurer = ?1 "
        "AND state IN ({record:pending}, {record:sending}))",
        insurer);
}

void Ledger::complete_setup(InsurerId insurer, Instant now) {
    session_->run("UPDATE setup SET completed_at = ?2 WHERE insurer = ?1 AND completed_at IS NULL", insurer,
                  now);
}

}  // namespace kaigo::ledger
