#pragma once
// Converts a cell of the source to the value of an item, in the same way for every part of a mapping.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/code_table.h"
#include "source/source.h"
#include "spec/record.h"

namespace kaigo::mapping {

enum class DateForm : std::uint8_t { iso, compact, wareki };

/// What a mapping says of the way from a cell to a value.
struct Conversion {
    std::optional<CodeTable> codes;
    std::vector<DateForm> dates;
    bool trim = false;
    bool one_line = false;  ///< line ends and tabs become a space
    bool full_width_kana = false;
    std::size_t pad_left = 0;  ///< with zeros, to so many characters
};

/// Why a value could not be read, as `text` of a malformed value.
namespace fault {
inline constexpr std::string_view kBinary = "binary";
inline constexpr std::string_view kEncoding = "bad-bytes";
inline constexpr std::string_view kCode = "code-not-in-table";
inline constexpr std::string_view kDate = "not-a-date";
inline constexpr std::string_view kInteger = "not-an-integer";
inline constexpr std::string_view kNumber = "not-a-number";
inline constexpr std::string_view kDecimals = "too-many-decimals";
inline constexpr std::string_view kBoolean = "not-a-boolean";
inline constexpr std::string_view kFlag = "neither-set-nor-unset";
inline constexpr std::string_view kConsent = "consent-evidence";
}  // namespace fault

/// @param raw  what stood there, in memory that lives as long as the value; may be empty
spec::Value malformed(std::string_view why, std::string_view raw, spec::Arena& arena);

/// A cell as text, after the text conversions; empty for NULL.
struct CellText {
    std::string_view text;
    std::string_view fault;  ///< empty: it could be read
};
CellText cell_text(const source::Cell& cell, const Conversion& conversion, spec::Arena& arena);

/// A cell as text without conversions: numbers in their shortest form.
std::string_view as_text(const source::Cell& cell, spec::Arena& arena);

/// NULL and empty text are absent; dates 0000-01-01 and 9999-12-31 (compact too) as well.
spec::Value convert(const source::Cell& cell, const Conversion& conversion, const spec::Item& item,
                    spec::Arena& arena);

}  // namespace kaigo::mapping
