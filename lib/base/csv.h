#pragma once
// CSV files that people work on in a spreadsheet (RFC 4180; libcsv behind it): UTF-8 with BOM, so that Excel
// knows the encoding, and cells that no spreadsheet takes for a formula, a number or a date.

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

/// Rows of a whole file, without BOM and without the apostrophes. Blank lines are left out.
/// @return error when it is not UTF-8, a cell has more than `longest` bytes, or a quote is not closed
Result<std::vector<CsvRow>> parse_csv(std::string_view text, std::size_t longest);

}  // namespace kaigo
