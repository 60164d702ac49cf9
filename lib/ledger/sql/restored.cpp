#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using namespace sql;

void Ledger::note_forgotten(InsurerId insurer, const ForgottenReception& reception,
                            const std::vector<std::string>& record_ids, std::size_t key_width) {
    Transaction transaction(*session_);
    for (const std::string& id : record_ids) {
        drop_forgotten(insurer, id.substr(0, key_width));
        session_->run(
            "INSERT INTO forgotten_record (insurer, record_id, request_id, reception_number, "
            "processing_status) VALUES (?1, ?2, ?3, ?4, ?5)",
            insurer, id, reception.request_id, reception.reception_number, reception.processing_status);
    }
    transaction.commit();
}

void Ledger::drop_forgotten(InsurerId insurer, const std::string& name) {
    // Ids are base32: nothing in them sorts behind a tilde.
    session_->run("DELETE FROM forgotten_record WHERE insurer = ?1 AND record_id >= ?2 AND record_id < ?3",
                  insurer, name, name + "~");
}

std::map<std::string, ForgottenReception> Ledger::forgotten_records(InsurerId insurer) {
    auto& rows = session_->statement(
        "SELECT record_id, request_id, reception_number, processing_status FROM forgotten_record "
        "WHERE insurer = ?1",
        insurer);
    std::map<std::string, ForgottenReception> out;
    while (rows.step())
        out.emplace(rows.text(0), ForgottenReception{std::string(rows.text(1)), std::string(rows.text(2)),
                                                     std::string(rows.text(3))});
    return out;
}

void Ledger::adopt(RunId run, const BatchDraft& draft, const std::string& digest_key,
                   const ForgottenReception& reception, Instant now) {
    // The next start can go on after each step: with nothing left to take over, with a batch in flight, or
    // with one that has a reception. The deletion comes first: the request must not be taken over twice.
    session_->run("DELETE FROM forgotten_record WHERE insurer = ?1 AND request_id = ?2", draft.insurer,
                  reception.request_id);
    const BatchId id = commit_intent(run, draft, digest_key, BatchState::sending, now);
    batch_accepted(id, BatchState::sending, reception.reception_number, now);
    receptions_completed(draft.insurer, {{id, reception.processing_status}}, "", now);
}

}  // namespace kaigo::ledger
