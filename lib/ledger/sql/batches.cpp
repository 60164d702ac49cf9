#include "base/failpoint.h"
#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using registration::Event;
using registration::RecordState;
using registration::Standing;
using namespace sql;

namespace {

/// @param insurer  nothing: of all
void mark_interrupted_as_unknown(Session& session, std::optional<InsurerId> insurer, Instant now) {
    const auto interrupted = session.integers(
        "SELECT id FROM batch WHERE state = {batch:sending} AND (insurer = ?1 OR ?1 IS NULL)", insurer);
    for (const BatchId id : interrupted) {
        session.run("UPDATE batch SET state = {batch:unknown}, due_at = ?2 WHERE id = ?1", id, now);
        write_batch_history(session, id, BatchState::sending, BatchState::unknown, "interrupted", now);
    }
}

}  // namespace

void Ledger::recover(Instant now) {
    Transaction transaction(*session_);
    mark_interrupted_as_unknown(*session_, std::nullopt, now);
    // A run that has no end was interrupted too.
    session_->run("UPDATE run SET ended_at = ?1, outcome = {run:interrupted} WHERE ended_at IS NULL", now);
    transaction.commit();
}

void Ledger::interrupt(InsurerId insurer, Instant now) {
    Transaction transaction(*session_);
    mark_interrupted_as_unknown(*session_, insurer, now);
    transaction.commit();
}

BatchId Ledger::commit_intent(RunId run, const BatchDraft& draft, const std::string& digest_key,
                              BatchState state, Instant now) {
    failpoint("intent-begun");
    Transaction transaction(*session_);
    const BatchId batch = insert_batch(*session_, run, draft, state, now);
    std::vector<Standing> standings(draft.sendings.size());
    std::vector<StoredRecord> fresh;
    for (std::size_t i = 0; i < draft.sendings.size(); ++i) {
        const Sending& each = draft.sendings[i];
        if (each.from != RecordState::pending || each.event != Event::batched)
            require_edge(each.from, each.event, RecordState::pending);
        Standing& next = standings[i] = each.next;
        next.state = RecordState::sending;
        next.due_at.reset();
        const StoredRecord row{draft.insurer,  draft.kind,     each.member.key,
                               next,           each.my_number, each.consent,
                               digest_key,     batch,          static_cast<std::int64_t>(i),
                               each.comparison};
        if (each.from == RecordState::absent)
            fresh.push_back(row);
        else
            write_record(*session_, each.from, row);
        if (each.case_step) write_case(*session_, *each.case_step, now);
        if (!is_normal_path(each.event))
            write_history(*session_, draft.insurer, draft.kind, each.member.key,
                          {each.from, RecordState::pending, each.event, each.next.reason, batch}, now);
    }
    insert_records(*session_, fresh);
    transaction.commit();
    failpoint("intent-committed");
    return batch;
}

std::vector<BatchId> Ledger::batches(InsurerId insurer, BatchState state, std::optional<Instant> due_until) {
    return session_->integers(
        "SELECT id FROM batch WHERE insurer = ?1 AND state = ?2 AND {open batch} AND (due_at IS NULL "
        "OR due_at <= ?3 OR ?3 IS NULL) ORDER BY id",
        insurer, state, due_until);
}

bool Ledger::awaits_completion(InsurerId insurer) {
    return session_->is_true(
        "SELECT EXISTS (SELECT 1 FROM batch WHERE insurer = ?1 AND state = {batch:submitted} "
        "AND {open batch})",
        insurer);
}

Batch Ledger::batch(BatchId id) {
    auto& row = session_->statement(
        "SELECT insurer, kind, request_id, mode, base_date, state, body_digest, members, "
        "reception_number, attempts, due_at, processing_status, created_at FROM batch LEFT "
        "JOIN batch_members ON batch_members.batch = batch.id WHERE id = ?1",
        id);
    if (!row.step()) throw std::logic_error("no such batch");
    Batch out;
    out.id = id;
    out.insurer = row.integer(0);
    out.kind = row.integer(1);
    out.request_id = row.text(2);
    out.mode = row.text(3);
    if (!row.is_null(4)) out.base_date = std::string(row.text(4));
    out.state = static_cast<BatchState>(row.integer(5));
    out.body_digest = row.text(6);
    out.members = unpack_members(row.blob(7));
    out.reception_number = row.text(8);
    out.attempts = static_cast<std::uint32_t>(row.integer(9));
    out.due_at = integer_or_null(row, 10);
    out.processing_status = row.text(11);
    out.created_at = row.integer(12);
    row.reset();
    return out;
}

void Ledger::move_batch(BatchId id, BatchState from, BatchState to, const std::string& detail,
                        std::optional<Instant> due_at, std::uint32_t attempts, Instant now) {
    Transaction transaction(*session_);
    session_->run(
        "UPDATE batch SET state = ?3, due_at = ?4, attempts = ?5, reason = ?6 WHERE id = ?1 "
        "AND state = ?2",
        id, from, to, due_at, attempts, detail);
    if (session_->changes() != 1)
        throw std::logic_error("a batch was not in the state that its change began from");
    if (from != to) write_batch_history(*session_, id, from, to, detail, now);
    transaction.commit();
}

std::vector<BatchId> Ledger::split(RunId run, const Batch& batch, const std::vector<BatchDraft>& parts,
                                   Instant now) {
    Transaction transaction(*session_);
    std::vector<BatchId> out;
    for (const BatchDraft& part : parts) {
        const BatchId id = insert_batch(*session_, run, part, BatchState::owed, now);
        std::int64_t seq = 0;
        for (const Sending& each : part.sendings)
            session_->run(
                "UPDATE record SET batch = ?4, seq = ?5 WHERE insurer = ?1 AND kind = ?2 AND key = ?3 "
                "AND batch = ?6",
                batch.insurer, batch.kind, Bytes{each.member.key}, id, seq++, batch.id);
        out.push_back(id);
    }
    session_->run("UPDATE batch SET state = {batch:dissolved}, due_at = NULL, settled_at = ?2 WHERE id = ?1",
                  batch.id, now);
    delete_members(*session_, batch.id);
    write_batch_history(*session_, batch.id, batch.state, BatchState::dissolved, "split", now);
    transaction.commit();
    return out;
}

std::optional<Ledger::BatchStanding> Ledger::batch_by_request(const std::string& request_id) {
    auto& row = session_->statement("SELECT id, state FROM batch WHERE request_id = ?1", request_id);
    std::optional<BatchStanding> out;
    if (row.step()) out = BatchStanding{row.integer(0), static_cast<BatchState>(row.integer(1))};
    row.reset();
    return out;
}

std::int64_t Ledger::open_batches(InsurerId insurer) {
    return session_->integer("SELECT count(*) FROM batch WHERE insurer = ?1 AND state < {batch:settled}",
                             insurer);
}

bool Ledger::body_needed(BatchId batch) {
    return session_->is_true(
        "SELECT EXISTS (SELECT 1 FROM record WHERE batch = ?1 AND state = {record:pending})", batch);
}

std::vector<std::string> Ledger::open_request_ids() {
    std::vector<std::string> out;
    auto& rows = session_->statement(
        "SELECT request_id FROM batch WHERE state < {batch:settled} OR id IN (SELECT batch "
        "FROM record WHERE state = {record:pending} AND batch IS NOT NULL)");
    while (rows.step()) out.emplace_back(rows.text(0));
    return out;
}

}  // namespace kaigo::ledger
