#include <algorithm>

#include "base/failpoint.h"
#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using registration::RecordState;
using namespace sql;

void Ledger::batch_accepted(BatchId id, BatchState from, const std::string& reception_number, Instant now) {
    Transaction transaction(*session_, Synced::with_the_next);
    session_->run(
        "UPDATE batch "
        "SET state = {batch:submitted}, reception_number = ?3, attempts = 0, due_at = NULL "
        "WHERE id = ?1 AND state = ?2",
        id, from, reception_number);
    if (session_->changes() != 1)
        throw std::logic_error("a batch was not in the state that its change began from");
    write_batch_history(*session_, id, from, BatchState::submitted, reception_number, now);
    transaction.commit();
}

std::vector<BatchId> Ledger::overdue_receptions(InsurerId insurer, Instant before, Instant now,
                                                std::size_t limit) {
    return session_->integers(
        "SELECT id FROM batch WHERE insurer = ?1 AND state = {batch:submitted} AND {open batch} "
        "AND created_at <= ?2 AND (due_at IS NULL OR due_at <= ?3) ORDER BY id LIMIT ?4",
        insurer, before, now, limit);
}

bool Ledger::receptions_completed(InsurerId insurer, const std::vector<Completed>& receptions,
                                  const std::string& cursor, Instant now) {
    bool some = false;
    Transaction transaction(*session_, Synced::with_the_next);
    for (const Completed& each : receptions) {
        session_->run(
            "UPDATE batch SET state = {batch:completed}, due_at = ?2, processing_status = ?3 "
            "WHERE id = ?1 AND state = {batch:submitted}",
            each.batch, now, each.processing_status);
        if (session_->changes() != 1) continue;
        some = true;
        write_batch_history(*session_, each.batch, BatchState::submitted, BatchState::completed,
                            each.processing_status, now);
    }
    if (!cursor.empty())
        session_->run(
            "INSERT INTO cursor (insurer, value) VALUES (?1, ?2) ON CONFLICT (insurer) DO UPDATE "
            "SET value = ?2",
            insurer, cursor);
    transaction.commit();
    return some;
}

std::string Ledger::cursor(InsurerId insurer) {
    auto& row = session_->statement("SELECT value FROM cursor WHERE insurer = ?1", insurer);
    std::string out;
    if (row.step()) out = row.text(0);
    row.reset();
    return out;
}

std::vector<std::optional<Entry>> Ledger::members_in_flight(const Batch& batch) {
    // Members mostly stand in key order and close together: the next rows are looked at before a new search.
    constexpr int kStepsBeforeSearch = 3;
    std::vector<std::optional<Entry>> out(batch.members.size());
    Statement& rows = session_->statement(
        "SELECT {entry} FROM record WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 ORDER BY key");
    std::string_view at;
    bool has_row = false;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const std::string& key = batch.members[i].key;
        for (int steps = 0; has_row && at < key && steps < kStepsBeforeSearch; ++steps) {
            has_row = rows.step();
            if (has_row) at = rows.blob(0);
        }
        if (!has_row || at != key) {
            rows.reset();
            rows.bind(1, batch.insurer).bind(2, batch.kind).bind_blob_view(3, key);
            has_row = rows.step();
            if (has_row) at = rows.blob(0);
        }
        if (!has_row || at != key) continue;
        Entry entry;
        read_entry(rows, entry);
        if (entry.batch == batch.id && entry.standing.state == RecordState::sending)
            out[i] = std::move(entry);
    }
    rows.reset();
    return out;
}

void Ledger::apply_outcomes(const Batch& batch, const std::vector<MemberOutcome>& outcomes,
                            std::optional<BatchState> batch_to, const std::string& detail, Instant now) {
    // What follows from results can be fetched again. A refusal cannot, nor can a case that somebody may look
    // at now.
    const bool can_be_fetched_again =
        (!batch_to || *batch_to == BatchState::settled) &&
        std::ranges::none_of(outcomes, [](const MemberOutcome& each) { return each.case_step != nullptr; });
    Transaction transaction(*session_, can_be_fetched_again ? Synced::with_the_next : Synced::at_once);
    const RecordState from = batch.state == BatchState::submitted || batch.state == BatchState::completed
                                 ? RecordState::submitted
                             : batch.state == BatchState::unknown ? RecordState::unknown
                                                                  : RecordState::sending;
    for (const MemberOutcome& outcome : outcomes) {
        const auto& [event, next, alarmed] = outcome.consequence;
        require_edge(from, event, next.state);
        const auto& [key, standing, my_number, consent, digest_key, batch_id, seq, comparison] =
            outcome.entry;
        write_record(*session_, from,
                     {batch.insurer, batch.kind, key, next, std::nullopt, std::nullopt, digest_key,
                      next.needs_body ? std::nullopt : std::optional(batch.id), seq, comparison});
        if (next.state == RecordState::absent && comparison) count_deleted(*session_, *comparison);
        if (!is_normal_path(event))
            write_history(*session_, batch.insurer, batch.kind, key,
                          {from, next.state, event, outcome.error_id.empty() ? next.reason : outcome.error_id,
                           batch.id},
                          now);
        if (outcome.case_step) write_case(*session_, *outcome.case_step, now);
    }
    if (batch_to) {
        session_->run(
            "UPDATE batch SET state = ?2, reason = ?3, due_at = NULL, settled_at = ?4 WHERE id = ?1",
            batch.id, *batch_to, detail, now);
        delete_members(*session_, batch.id);
        write_batch_history(*session_, batch.id, batch.state, *batch_to, detail, now);
    }
    transaction.commit();
    failpoint("result-committed");
}

}  // namespace kaigo::ledger
