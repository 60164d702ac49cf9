#pragma once
// Tables that people work on in a spreadsheet (RFC 4180; libcsv behind it): written as UTF-8 with BOM, so
// that Excel knows the encoding, and with cells that no spreadsheet takes for a formula, a number or a date;
// read in whatever form a spreadsheet saves text.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kaigo {

using CsvRow = std::vector<std::string>;

/// What begins the file.
inline constexpr std::string_view kCsvByteOrderMark = "\xEF\xBB\xBF";

/// One line with its end, every cell quoted. A cell that a spreadsheet would compute (= + - @), or whose
/// leading zeros or length it would lose as a number, is written behind an apostrophe.
std::string csv_line(const CsvRow& cells);

struct CsvLine {
    std::size_t line = 0;  ///< of the file, from 1; blank lines count
    CsvRow cells;
};

/// The whole table: commas or tabs, UTF-8, UTF-16 or CP932, without blank lines and apostrophes before cells.
/// @param longest  bytes of a cell
/// @return bad_data with the line, or with the name of what the file is instead
Result<std::vector<CsvLine>> parse_csv(std::string_view bytes, std::size_t longest);

}  // namespace kaigo
