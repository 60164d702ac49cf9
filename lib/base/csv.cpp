#include "base/csv.h"

#include <csv.h>

#include <algorithm>
#include <memory>

#include "base/encoding.h"
#include "base/i18n.h"
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
    std::vector<CsvLine> lines;
    CsvLine at{1, {}};
    std::size_t ends_in_cells = 0;  ///< line ends inside the cells of this line
    std::size_t longest = 0;
    bool too_long = false;
    bool after_return = false;  ///< the last character was a CR that ended a line
};

void take_cell(void* bytes, std::size_t size, void* data) {
    Reading& reading = *static_cast<Reading*>(data);
    reading.after_return = false;
    if (size > reading.longest) {
        reading.too_long = true;
        size = 0;
    }
    std::string_view cell(static_cast<const char*>(bytes), size);
    reading.ends_in_cells += static_cast<std::size_t>(std::count(cell.begin(), cell.end(), '\n'));
    if (cell.starts_with('\'')) cell.remove_prefix(1);
    reading.at.cells.emplace_back(cell);
}

/// Called for every line end, also for those of blank lines. A CR LF makes two calls.
void take_end(int end, void* data) {
    Reading& reading = *static_cast<Reading*>(data);
    const bool second_half = end == '\n' && reading.after_return && reading.at.cells.empty();
    reading.after_return = end == '\r';
    if (second_half) return;
    const std::size_t next = reading.at.line + 1 + reading.ends_in_cells;
    if (!reading.at.cells.empty()) reading.lines.push_back(std::move(reading.at));
    reading.at = {next, {}};
    reading.ends_in_cells = 0;
}

/// Names the format of a file that is not text; empty: it may be a table.
std::string foreign_file(std::string_view bytes) {
    const bool archive = bytes.starts_with("PK\x03\x04");
    if (archive && bytes.find("opendocument") != std::string_view::npos)
        return tr("an OpenDocument spreadsheet (.ods)");
    if (archive && bytes.find("xl/") != std::string_view::npos) return tr("an Excel workbook (.xlsx)");
    if (archive) return tr("a ZIP archive");
    if (bytes.starts_with("\xD0\xCF\x11\xE0")) return tr("an old Excel workbook (.xls)");
    if (bytes.starts_with("%PDF")) return "PDF";
    return {};
}

/// What Excel saves as "Unicode text" stands between tabs.
char delimiter_of(std::string_view text) {
    const std::string_view first = text.substr(0, text.find_first_of("\r\n"));
    return std::count(first.begin(), first.end(), '\t') > std::count(first.begin(), first.end(), ',') ? '\t'
                                                                                                      : ',';
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

Result<std::vector<CsvLine>> parse_csv(std::string_view bytes, std::size_t longest) {
    if (const std::string other = foreign_file(bytes); !other.empty())
        return fail(ErrorCode::bad_data, tr("the file is {}", other))
            .remedy(tr("save it in the spreadsheet as \"CSV UTF-8\""));
    const auto decoded = text_of_file(bytes);
    if (!decoded || decoded->find('\0') != std::string::npos)
        return fail(ErrorCode::bad_data, tr("the file is neither UTF-8 nor UTF-16 nor CP932 (Shift_JIS)"))
            .remedy(tr("save it in the spreadsheet as \"CSV UTF-8\""));
    const std::string_view text = *decoded;
    csv_parser parser{};
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0)
        return fail(ErrorCode::internal, "csv_init");
    const std::unique_ptr<csv_parser, decltype(&csv_free)> owner(&parser, csv_free);
    csv_set_delim(&parser, static_cast<unsigned char>(delimiter_of(text)));
    Reading reading;
    reading.longest = longest;
    // In pieces, so that a cell without end is noticed before it fills the memory.
    constexpr std::size_t kPiece = 64 << 10;
    for (std::size_t at = 0; at < text.size(); at += kPiece) {
        const std::string_view piece = text.substr(at, kPiece);
        const bool read =
            csv_parse(&parser, piece.data(), piece.size(), take_cell, take_end, &reading) == piece.size();
        if (!read) break;
        reading.too_long = reading.too_long || parser.entry_pos > longest + 2;  // with its quotation marks
        if (reading.too_long) break;
    }
    const bool whole = csv_error(&parser) == CSV_SUCCESS && !reading.too_long &&
                       csv_fini(&parser, take_cell, take_end, &reading) == 0;
    if (reading.too_long)
        return fail(ErrorCode::bad_data,
                    tr("line {}: a cell has more than {} bytes", reading.at.line, longest));
    if (!whole)
        return fail(ErrorCode::bad_data, tr("line {}: a quotation mark is out of place", reading.at.line));
    if (!reading.at.cells.empty()) reading.lines.push_back(std::move(reading.at));
    return std::move(reading.lines);
}

}  // namespace kaigo
