#include "ledger/sql/writes.h"

#include <fmt/format.h>

namespace kaigo::ledger::sql {

using registration::Event;
using registration::RecordState;

namespace {

constexpr std::size_t kRowsAtOnce = 50;

/// The text that inserts so many records.
std::string insert_text(std::size_t rows) {
    std::string out = "INSERT INTO record VALUES ";
    int parameter = 0;
    for (std::size_t row = 0; row < rows; ++row) {
        out += row == 0 ? "(" : ", (";
        for (int column = 0; column < kRecordColumns; ++column)
            out += fmt::format("{}?{}", column == 0 ? "" : ", ", ++parameter);
        out += ")";
    }
    return out;
}

}  // namespace

bool is_normal_path(Event event) {
    return event == Event::source_new || event == Event::batched || event == Event::accepted ||
           event == Event::succeeded || event == Event::platform_owned;
}

void require_edge(RecordState from, Event event, RecordState to) {
    if (registration::is_edge(from, event, to)) return;
    throw std::logic_error(
        fmt::format("no edge {} --{}--> {}", name_of(registration::kRecordStateNames, from),
                    registration::name_of_event(event), name_of(registration::kRecordStateNames, to)));
}

/// Many rows by one statement: its beginning and end cost as much as a row does.
void insert_records(Session& session, std::span<const StoredRecord> rows) {
    static const std::string kInsert = insert_text(1);
    static const std::string kInsertMany = insert_text(kRowsAtOnce);
    while (!rows.empty()) {
        const bool many = rows.size() >= kRowsAtOnce;
        const auto now = rows.first(many ? kRowsAtOnce : 1);
        auto& insert = session.statement(many ? kInsertMany : kInsert);
        int first = 1;
        for (const StoredRecord& row : now) {
            bind(insert, first, row);
            first += kRecordColumns;
        }
        insert.run();
        rows = rows.subspan(now.size());
    }
}

void write_record(Session& session, RecordState from, const StoredRecord& row) {
    if (row.standing.state == RecordState::absent) {
        session.run("DELETE FROM record WHERE insurer = ?1 AND kind = ?2 AND key = ?3", row.insurer, row.kind,
                    Bytes{row.key});
        return;
    }
    if (from == RecordState::absent) return insert_records(session, {&row, 1});
    // The table has one state for all of a flight; the batch says which part of it this is.
    const RecordState stored_from =
        from == RecordState::unknown || from == RecordState::submitted ? RecordState::sending : from;
    auto& update = session.statement(
        "UPDATE record "
        "SET state = ?4, owed = ?5, flags = ?6, reason = ?7, acknowledged = ?8, "
        "acknowledged_history = ?9, sent = ?10, sent_history = ?11, my_number = coalesce(?12, "
        "my_number), digest_key = ?13, attempts = ?14, due_at = ?15, batch = ?16, seq = ?17, "
        "comparison = ?18, consent = coalesce(?19, consent) WHERE insurer = ?1 AND kind = ?2 "
        "AND key = ?3 AND state = ?20");
    bind(update, 1, row);
    update.bind(kRecordColumns + 1, static_cast<std::int64_t>(stored_from)).run();
    if (session.changes() != 1) throw Conflict("a record was not in the state that its change began from");
}

void write_history(Session& session, InsurerId insurer, KindId kind, std::string_view key,
                   const RecordMove& move, Instant now) {
    session.run(
        "INSERT INTO record_history (insurer, kind, key, at, from_state, to_state, event, reason, batch, "
        "actor) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, ''), ?9, nullif(?10, ''))",
        insurer, kind, Bytes{key}, now, move.from, move.to, registration::name_of_event(move.event),
        move.reason, move.batch, move.actor);
}

void write_batch_history(Session& session, BatchId batch, BatchState from, BatchState to,
                         const std::string& detail, Instant now) {
    session.run(
        "INSERT INTO batch_history (batch, at, from_state, to_state, detail) "
        "VALUES (?1, ?2, ?3, ?4, ?5)",
        batch, now, from, to, detail);
}

void write_case(Session& session, const CaseStep& step, Instant now) {
    const registration::PmhCase& c = step.next;
    const auto state = name_of(registration::kCaseStateNames, c.state);

    const auto version = step.known.version + static_cast<std::int64_t>(step.moves.size());
    CaseId id = step.known.id;
    if (id == 0) {
        id = session.integer(
            "INSERT INTO pmh_case (insurer, kind, key, error_id, state, opened_at, changed_at, look, "
            "version) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, {look:opened}, ?7) RETURNING id",
            step.known.insurer, step.known.kind, Bytes{step.known.key}, c.error_id, state, now, version);
    } else {
        session.run(
            "UPDATE pmh_case SET state = ?3, error_id = ?4, left_reason = ?5, exemption_seen = ?6, "
            "exemption_used = ?7, enrolment_seen = ?8, enrolment_used = ?9, residence = ?10, version = ?11, "
            "look = CASE WHEN ?12 = 1 THEN {look:no} ELSE {look:decided} END, "
            "changed_at = CASE WHEN ?13 = 1 THEN ?14 ELSE changed_at END, "
            "closed_at = CASE WHEN ?15 = 1 THEN ?14 END, hindrance = ?16 "
            "WHERE id = ?1 AND version = ?2 AND closed_at IS NULL",
            id, step.known.version, state, c.error_id, name_of(registration::kLeftReasonNames, c.left),
            registration::pack_fact(c.seen.exemption), registration::pack_fact(c.exemption_used),
            registration::pack_fact(c.seen.enrolment), registration::pack_fact(c.enrolment_used),
            c.seen.residence, version, step.looked_at, !step.moves.empty(), now,
            c.state == registration::CaseState::closed, c.hindrance);
        if (session.changes() != 1) throw Conflict("a case was not in the state that its step began from");
    }
    std::int64_t number = step.known.version;
    for (const registration::CaseMove& move : step.moves) {
        if (registration::next_case_state(move.from, move.event) != move.to)
            throw std::logic_error("a case took a step that is not in its table");
        // Steps that follow a decision by themselves come from the source, not from the person.
        const bool decided = registration::is_decision(move.event);
        session.run(
            "INSERT INTO pmh_case_history (pmh_case, version, at, from_state, event, to_state, evidence, "
            "actor, "
            "note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, nullif(?7, ''), nullif(?8, ''), nullif(?9, ''))",
            id, ++number, now, name_of(registration::kCaseStateNames, move.from),
            name_of(registration::kCaseEventNames, move.event),
            name_of(registration::kCaseStateNames, move.to), move.evidence, decided ? step.actor : "",
            decided ? step.note : "");
    }
}

void count_deleted(Session& session, ComparisonId account) {
    session.run("UPDATE comparison SET deleted = deleted + 1 WHERE id = ?1 AND closed IS NULL", account);
}

BatchId insert_batch(Session& session, RunId run, const BatchDraft& draft, BatchState state, Instant now) {
    const BatchId id = session.integer(
        "INSERT INTO batch (insurer, kind, request_id, mode, base_date, state, body_digest, member_count, "
        "run, "
        "created_at, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) RETURNING id",
        draft.insurer, draft.kind, draft.request_id, draft.mode, draft.base_date, state, draft.body_digest,
        draft.sendings.size(), run, now);
    const std::string members = pack(draft.sendings);
    session.run("INSERT INTO batch_members (batch, members) VALUES (?1, ?2)", id, Bytes{members});
    return id;
}

void delete_members(Session& session, BatchId batch) {
    session.run("DELETE FROM batch_members WHERE batch = ?1", batch);
}

}  // namespace kaigo::ledger::sql
