#include "base/csv.h"

#include <csv.h>

#include <algorithm>
#include <memory>

#include "base/i18n.h"
#include "base/identifiers.h"
#include "base/text.h"

namespace kaigo {
namespace {

constexpr std::size_t kDigitsOfANumber = 11;  // beyond it a spreadsheet shows 1.2E+11

bool needs_apostrophe(std::string_view cell) {
    if (cell.empty()) return false;
    if (std::string_view("=+-@'\t\r").find(cell.front()) != std::string_view::npos) return true;
    return is_digits(cell) && (cell.size() > kDigitsOfANumber || (cell.size() > 1 && cell.front() == '0'));
}

struct Reading {
    std::vector<CsvRow> rows;
    CsvRow row;
    std::size_t longest = 0;
    bool too_long = false;
};

void take_cell(void* bytes, std::size_t size, void* data) {
    Reading& reading = *static_cast<Reading*>(data);
    if (size > reading.longest) {
        reading.too_long = true;
        size = 0;
    }
    std::string_view cell(static_cast<const char*>(bytes), size);
    if (cell.starts_with('\'')) cell.remove_prefix(1);
    reading.row.emplace_back(cell);
}

void take_row(int, void* data) {
    Reading& reading = *static_cast<Reading*>(data);
    reading.rows.push_back(std::move(reading.row));
    reading.row.clear();
}

}  // namespace

std::string csv_line(const CsvRow& cells) {
    std::string out;
    for (const std::string& cell : cells) {
        if (!out.empty()) out += ',';
        const std::string written = needs_apostrophe(cell) ? "'" + cell : cell;
        std::string quoted(2 * written.size() + 2, '\0');
        quoted.resize(csv_write2(quoted.data(), quoted.size(), written.data(), written.size(), '"'));
        out += quoted;
    }
    return out + "\r\n";
}

Result<std::vector<CsvRow>> parse_csv(std::string_view text, std::size_t longest) {
    if (text.starts_with(kCsvByteOrderMark)) text.remove_prefix(kCsvByteOrderMark.size());
    if (!count_characters(text))
        return fail(ErrorCode::bad_data, tr("the file is not UTF-8"))
            .remedy(tr("save it in the spreadsheet as \"CSV UTF-8\""));
    csv_parser parser{};
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) return fail(ErrorCode::internal, "csv_init");
    const std::unique_ptr<csv_parser, decltype(&csv_free)> owner(&parser, csv_free);
    Reading reading;
    reading.longest = longest;
    // In pieces, so that a cell without end is noticed before it fills the memory.
    constexpr std::size_t kPiece = 64 << 10;
    for (std::size_t at = 0; at < text.size(); at += kPiece) {
        const std::string_view piece = text.substr(at, kPiece);
        const bool read =
            csv_parse(&parser, piece.data(), piece.size(), take_cell, take_row, &reading) == piece.size();
        if (!read) break;
        reading.too_long = reading.too_long || parser.entry_pos > longest + 2;  // with its quotation marks
        if (reading.too_long) break;
    }
    const bool whole = csv_error(&parser) == CSV_SUCCESS && !reading.too_long &&
                       csv_fini(&parser, take_cell, take_row, &reading) == 0;
    if (reading.too_long)
        return fail(ErrorCode::bad_data,
                    tr("line {}: a cell has more than {} bytes", reading.rows.size() + 1, longest));
    if (!whole)
        return fail(ErrorCode::bad_data,
                    tr("line {}: a quotation mark is out of place", reading.rows.size() + 1));
    return std::move(reading.rows);
}

}  // namespace kaigo
