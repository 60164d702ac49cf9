#pragma once
// Rows of the ledger as values, and back.

#include <map>

#include "ledger/ledger.h"
#include "ledger/sql/session.h"
#include "ledger/view.h"

namespace kaigo::ledger::sql {

std::optional<std::int64_t> integer_or_null(const Statement& row, int column);
std::string text_of(const Statement& row, int column);
std::string state_name(std::int64_t state);
/// A record in flight is in the state of its batch.
std::string flight_name(std::int64_t state, std::int64_t batch_state);
/// Rows of four columns.
std::vector<StateCount> state_counts(Statement& rows);
constexpr bool has(std::int64_t flags, Flag flag) { return (flags & static_cast<std::int64_t>(flag)) != 0; }

/// One record as it is in the table; refers to data that its creator keeps.
struct StoredRecord {
    InsurerId insurer;
    KindId kind;
    const std::string& key;
    const registration::Standing& standing;
    const std::optional<Digest>& my_number;      ///< nothing: an update leaves it
    const std::optional<std::int64_t>& consent;  ///< nothing: an update leaves it
    const std::string& digest_key;
    std::optional<BatchId> batch;
    std::int64_t seq;
    std::optional<ComparisonId> comparison;
};
inline constexpr int kRecordColumns = 19;
/// In the order of the table's columns. The row must live until the statement has run.
void bind(Statement& statement, int first, const StoredRecord& row);

/// Reads the columns of {entry}; keeps the memory of what `entry` held before.
void read_entry(const Statement& row, Entry& entry);
/// Reads the columns of {case}.
KnownCase read_case(const Statement& row);

/// Members of a batch as one value: a row of their own for each would cost more than the record itself.
std::string pack(const std::vector<Sending>& sendings);
std::vector<Member> unpack_members(std::string_view bytes);

/// A line each: name=count.
std::string pack(const std::map<std::string, std::int64_t>& counts);
std::map<std::string, std::int64_t> unpack_counts(std::string_view packed);

}  // namespace kaigo::ledger::sql
