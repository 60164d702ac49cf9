#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using namespace sql;

Ledger::Ledger(FileLock lock, std::unique_ptr<Session> session)
    : lock_(std::move(lock)), session_(std::move(session)) {}

Ledger::~Ledger() = default;

InsurerId Ledger::ensure_insurer(const std::string& number) {
    session_->run("INSERT INTO insurer (number) VALUES (?1) ON CONFLICT (number) DO NOTHING", number);
    return session_->integer("SELECT id FROM insurer WHERE number = ?1", number);
}

KindId Ledger::ensure_kind(const std::string& name) {
    session_->run("INSERT INTO kind (name) VALUES (?1) ON CONFLICT (name) DO NOTHING", name);
    return session_->integer("SELECT id FROM kind WHERE name = ?1", name);
}

std::optional<std::string> Ledger::meta(const std::string& name) {
    auto& row = session_->statement("SELECT value FROM meta WHERE name = ?1", name);
    std::optional<std::string> value;
    if (row.step()) value = std::string(row.text(0));
    row.reset();
    return value;
}

void Ledger::set_meta(const std::string& name, const std::string& value) {
    session_->run(
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE "
        "SET value = ?2",
        name, value);
}

}  // namespace kaigo::ledger
