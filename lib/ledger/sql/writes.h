#pragma once
// Writes that several transactions share. Each change of a state is one guarded update.

#include <span>

#include "ledger/sql/codec.h"

namespace kaigo::ledger::sql {

/// @throws std::logic_error  when the table of states has no such edge
void require_edge(registration::RecordState from, registration::Event event, registration::RecordState to);
/// History rows are for what leaves the normal path.
bool is_normal_path(registration::Event event);

/// @throws Conflict  when the record is not in the state `from`
void write_record(Session& session, registration::RecordState from, const StoredRecord& row);
void insert_records(Session& session, std::span<const StoredRecord> rows);

struct RecordMove {
    registration::RecordState from, to;
    registration::Event event;
    std::string_view reason = {};
    std::optional<BatchId> batch = {};
    std::string_view actor = {};  ///< a person
};
void write_history(Session& session, InsurerId insurer, KindId kind, std::string_view key,
                   const RecordMove& move, Instant now);
void write_batch_history(Session& session, BatchId batch, BatchState from, BatchState to,
                         const std::string& detail, Instant now);
/// @throws Conflict  when the case took another step meanwhile
void write_case(Session& session, const CaseStep& step, Instant now);
BatchId insert_batch(Session& session, RunId run, const BatchDraft& draft, BatchState state, Instant now);
/// Members are needed until their batch has ended.
void delete_members(Session& session, BatchId batch);
/// A record of this account is gone. A closed account stays as it is: it counted the record as still owed.
void count_deleted(Session& session, ComparisonId account);

}  // namespace kaigo::ledger::sql
