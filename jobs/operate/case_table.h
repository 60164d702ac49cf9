#pragma once
// The work list of cases as a table for a spreadsheet, and such a table as it comes back.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

/// Columns of the table; the last word of a heading names it, whatever language stands before.
namespace column {
inline constexpr const char* kCase = "case";
inline constexpr const char* kVersion = "version";
inline constexpr const char* kInsured = "insured";
inline constexpr const char* kRow = "row";
inline constexpr const char* kFinding = "finding";
inline constexpr const char* kReason = "reason";
inline constexpr const char* kNote = "note";
}  // namespace column

/// CSV. Cases that wait for something else than an answer are left out.
std::string case_table(const spec::Specification& specification, const std::vector<ledger::CaseRow>& cases,
                       Instant now);

/// One line of a table that came back.
struct TableLine {
    std::size_t line = 0;  ///< of the file
    std::map<std::string, std::string> cells;
    /// Without spaces at both ends; empty when there is none.
    std::string cell(const char* column) const;
    /// A whole number, as it was exported; an error says what a spreadsheet made of it.
    Result<std::int64_t> number(const char* column) const;
};

struct ParsedTable {
    std::vector<TableLine> lines;
    std::vector<std::string> unread;      ///< headings of columns that nothing is read from
    std::optional<std::size_t> exported;  ///< rows that the table had
};

/// @param file  where it stands, for messages
Result<ParsedTable> parse_case_table(const std::string& bytes, const std::string& file);

}  // namespace kaigo::jobs
