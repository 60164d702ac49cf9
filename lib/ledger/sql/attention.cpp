#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using namespace sql;

namespace {

void write_attention(Session& session, InsurerId insurer, KindId kind,
                     const std::vector<Attention>& attention, Instant now) {
    for (const Attention& each : attention)
        session.run(
            "INSERT INTO attention (insurer, kind, code, at, records, detail) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (insurer, kind, code) DO UPDATE "
            "SET at = ?4, records = ?5, detail = ?6",
            insurer, kind, each.code, now, each.records, each.detail);
}

}  // namespace

void Ledger::set_attention(InsurerId insurer, KindId kind, const std::vector<Attention>& attention,
                           Instant now) {
    Transaction transaction(*session_);
    session_->run("DELETE FROM attention WHERE insurer = ?1 AND kind = ?2", insurer, kind);
    write_attention(*session_, insurer, kind, attention, now);
    transaction.commit();
}

void Ledger::suspend(InsurerId insurer, KindId kind, const std::vector<Attention>& why, Instant now) {
    Transaction transaction(*session_);
    session_->run("DELETE FROM attention WHERE insurer = ?1 AND kind = ?2 AND code LIKE 'held-%'", insurer,
                  kind);
    write_attention(*session_, insurer, kind, why, now);
    transaction.commit();
}

bool Ledger::is_suspended(InsurerId insurer, std::optional<KindId> kind) {
    return session_->is_true(
        "SELECT EXISTS (SELECT 1 FROM attention WHERE insurer = ?1 AND (kind = ?2 OR ?2 IS NULL) "
        "AND code LIKE 'held-%')",
        insurer, kind);
}

void Ledger::withhold(InsurerId insurer, KindId kind, const std::vector<std::string>& keys) {
    Transaction transaction(*session_);
    session_->run("DELETE FROM withheld WHERE insurer = ?1 AND kind = ?2", insurer, kind);
    for (const std::string& key : keys)
        session_->run("INSERT INTO withheld (insurer, kind, key) VALUES (?1, ?2, ?3)", insurer, kind,
                      Bytes{key});
    transaction.commit();
}

}  // namespace kaigo::ledger
