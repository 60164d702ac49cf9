#include "jobs/operate/case_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/csv.h"
#include "base/i18n.h"
#include "base/text.h"
#include "domain/identifiers.h"
#include "jobs/operate/cases.h"
#include "jobs/words/case_words.h"
#include "spec/record.h"

namespace kaigo::jobs {

using ledger::CaseRow;
using registration::CaseEvent;

namespace {

constexpr std::size_t kLongestCell = 10'000;

/// Columns that are shown and not read.
constexpr std::array kShown = {"insurer",  "step",       "error",    "age",    "opened",
                               "evidence", "recurrence", "question", "answers"};
constexpr std::array kRead = {column::kCase,    column::kVersion, column::kInsured, column::kRow,
                              column::kFinding, column::kReason,  column::kNote};

/// What clerks write over a heading.
const std::map<std::string, const char*>& other_headings() {
    static const std::map<std::string, const char*> kOthers = {
        {"備考", column::kNote},
        {"メモ", column::kNote},
        {"回答", column::kFinding},
        {"理由", column::kReason},
        {"事案番号", column::kCase},
        {"版", column::kVersion},
        {"被保険者番号", column::kInsured},
    };
    return kOthers;
}

CsvRow headings() {
    const auto named = [](const std::string& words, const char* name) {
        return words == name ? words : words + " " + name;
    };
    return {named(tr("case number"), column::kCase),
            named(tr("version"), column::kVersion),
            named(tr("row of the table"), column::kRow),
            named(tr("insurer"), "insurer"),
            named(tr("insured number"), column::kInsured),
            named(tr("step"), "step"),
            named(tr("error"), "error"),
            named(tr("age in days"), "age"),
            named(tr("opened"), "opened"),
            named(tr("came back"), "recurrence"),
            named(tr("the source says"), "evidence"),
            named(tr("question"), "question"),
            named(tr("possible answers"), "answers"),
            named(tr("ANSWER"), column::kFinding),
            named(tr("reason (of leaving it in error)"), column::kReason),
            named(tr("note"), column::kNote)};
}

CsvRow table_row(const spec::Specification& specification, const CaseRow& row, const std::string& place,
                 Instant now) {
    const registration::PmhCase& c = row.pmh_case;
    std::string answers;
    for (const CaseEvent finding : registration::fitting_findings(c.state))
        answers += (answers.empty() ? "" : " / ") + case_event_in_words(finding);
    return {std::to_string(row.id),
            std::to_string(row.version),
            place,
            row.insurer,
            std::string(spec::insured_number_of(row.key)),
            numbered_step(c.state),
            c.error_id,
            std::to_string(case_age_days(row, now)),
            format_instant(from_milliseconds(row.opened_at)),
            recurrence_in_words(row),
            evidence_in_words(c.seen),
            question_in_words(specification, row),
            answers,
            "",
            "",
            ""};
}

/// The column that a heading names; empty: none.
std::string column_of(const std::string& heading) {
    const std::string plain = plain_form(heading);
    std::string last = plain.substr(plain.rfind(' ') + 1);
    if (std::ranges::find(kRead, last) != kRead.end() || std::ranges::find(kShown, last) != kShown.end())
        return last;
    const auto other = other_headings().find(plain);
    return other == other_headings().end() ? std::string() : other->second;
}

/// "3 of 317", in whatever language: how many rows there were. No program takes that for a date.
std::optional<std::size_t> rows_of(const std::string& place) {
    constexpr std::string_view kDigits = "0123456789";
    constexpr std::size_t kMostDigits = 9;
    const std::string plain = plain_form(place);
    std::vector<std::string> numbers;
    for (std::size_t at = plain.find_first_of(kDigits); at != std::string::npos;) {
        const std::size_t end = std::min(plain.find_first_not_of(kDigits, at), plain.size());
        numbers.push_back(plain.substr(at, end - at));
        at = plain.find_first_of(kDigits, end);
    }
    if (numbers.size() != 2 || numbers[1].size() > kMostDigits) return std::nullopt;
    return std::stoul(numbers[1]);
}

}  // namespace

std::string case_table(const spec::Specification& specification, const std::vector<CaseRow>& cases,
                       Instant now) {
    std::vector<const CaseRow*> rows;
    for (const CaseRow& row : cases)
        if (!registration::fitting_findings(row.pmh_case.state).empty()) rows.push_back(&row);
    std::string out(kCsvByteOrderMark);
    out += csv_line(headings());
    for (std::size_t i = 0; i < rows.size(); ++i)
        out += csv_line(table_row(specification, *rows[i], tr("row {} of {}", i + 1, rows.size()), now));
    return out;
}

std::string TableLine::cell(const char* column) const {
    const auto found = cells.find(column);
    return found == cells.end() ? std::string() : std::string(trim(found->second));
}

Result<std::int64_t> TableLine::number(const char* column) const {
    constexpr std::size_t kMostDigits = 15;
    const std::string plain = plain_form(cell(column));
    if (!plain.empty() && plain.size() <= kMostDigits && is_digits(plain)) return std::stoll(plain);
    const bool shortened = plain.find_first_of("eE") != std::string::npos &&
                           plain.find_first_not_of("0123456789.+-eE") == std::string::npos;
    if (shortened)
        return fail(ErrorCode::bad_data, tr("\"{}\" is a number that the spreadsheet shortened", plain))
            .remedy(tr("give the columns of numbers the format \"text\", and fill the export in again"));
    return fail(ErrorCode::bad_data, tr("case number or version is not a number"));
}

Result<ParsedTable> parse_case_table(const std::string& bytes, const std::string& file) {
    auto rows = parse_csv(bytes, kLongestCell);
    if (!rows) {
        rows.error().place = file;
        return tl::unexpected(rows.error());
    }
    ParsedTable out;
    std::vector<std::string> columns;
    if (!rows->empty())
        for (const std::string& heading : rows->front().cells) {
            columns.push_back(column_of(heading));
            if (columns.back().empty() && !heading.empty()) out.unread.push_back(heading);
        }
    for (const char* name : kRead) {
        const auto count = std::ranges::count(columns, name);
        const bool needed = name == column::kCase || name == column::kVersion || name == column::kInsured ||
                            name == column::kFinding;
        if (count > 1)
            return fail(ErrorCode::bad_data, tr("the first line has the column \"{}\" {} times", name, count))
                .at(file)
                .remedy(tr("leave one of them; a heading's last word names its column"));
        if (needed && count == 0)
            return fail(ErrorCode::bad_data, tr("the first line has no column \"{}\"", name))
                .at(file)
                .remedy(tr("use the table that cases export wrote, with its first line"));
    }
    for (std::size_t i = 1; i < rows->size(); ++i) {
        TableLine line{(*rows)[i].line, {}};
        const CsvRow& cells = (*rows)[i].cells;
        for (std::size_t c = 0; c < std::min(columns.size(), cells.size()); ++c)
            if (!columns[c].empty()) line.cells[columns[c]] = cells[c];
        if (std::ranges::all_of(cells, [](const std::string& cell) { return trim(cell).empty(); })) continue;
        if (const auto exported = rows_of(line.cell(column::kRow))) out.exported = exported;
        out.lines.push_back(std::move(line));
    }
    return out;
}

}  // namespace kaigo::jobs
