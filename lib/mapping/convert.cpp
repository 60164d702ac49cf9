#include "mapping/convert.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/date.h"
#include "base/text.h"

namespace kaigo::mapping {

using source::Cell;
using spec::Arena;
using spec::Item;
using spec::ItemType;
using spec::Value;

namespace {

constexpr std::string_view kOpenStart = "0000-01-01";
constexpr std::string_view kOpenStartCompact = "00000101";
constexpr std::string_view kOpenEnd = "9999-12-31";

Value text_value(std::string_view text) { return {.kind = Value::Kind::text, .text = text}; }

/// Each run of line ends and tabs as one space.
std::string on_one_line(std::string_view text) {
    std::string out;
    bool between = false;
    for (const char c : text) {
        const bool breaks = c == '\r' || c == '\n' || c == '\t';
        if (!breaks && between && !out.empty()) out += ' ';
        if (!breaks) out += c;
        between = breaks;
    }
    return out;
}

Value date(std::string_view text, const Conversion& conversion, Arena& arena) {
    if (text == kOpenStart || text == kOpenStartCompact || text == kOpenEnd) return {};
    if (conversion.dates.empty()) return text_value(text);
    for (const DateForm form : conversion.dates) {
        if (form == DateForm::iso && Date::parse_iso(text)) return text_value(text);
        const auto parsed = form == DateForm::compact  ? Date::parse_compact(text)
                            : form == DateForm::wareki ? Date::parse_wareki(text)
                                                       : std::nullopt;
        if (!parsed) continue;
        const std::string iso = parsed->iso();
        return iso == kOpenEnd ? Value{} : text_value(arena.copy(iso));
    }
    return malformed(fault::kDate, text, arena);
}

Value integer(std::string_view text, Arena& arena) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        return malformed(fault::kInteger, text, arena);
    return {.kind = Value::Kind::number, .number = number};
}

Value decimal(double number, std::string_view raw, const Item& item, Arena& arena) {
    const double scaled = number * std::pow(10.0, item.decimals);
    if (!std::isfinite(scaled) || std::abs(scaled) > 1e15 || std::abs(scaled - std::round(scaled)) > 1e-6)
        return malformed(fault::kDecimals, raw, arena);
    return {.kind = Value::Kind::number, .number = std::llround(scaled)};
}

Value decimal(std::string_view text, const Item& item, Arena& arena) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        return malformed(fault::kNumber, text, arena);
    return decimal(number, text, item, arena);
}

Value boolean(std::string_view text, Arena& arena) {
    if (text == "true" || text == "1") return {.kind = Value::Kind::boolean, .number = 1};
    if (text == "false" || text == "0") return {.kind = Value::Kind::boolean, .number = 0};
    return malformed(fault::kBoolean, text, arena);
}

}  // namespace

Value malformed(std::string_view why, std::string_view raw, Arena& arena) {
    Value out{.kind = Value::Kind::malformed, .text = why};
    out.children = spec::make_values(1, arena);
    out.children[out.count++] = text_value(raw);
    return out;
}

std::string_view as_text(const Cell& cell, Arena& arena) {
    switch (cell.type) {
        case Cell::Type::text:
            return cell.text;
        case Cell::Type::integer: {
            char buffer[24];
            const auto end = std::to_chars(buffer, buffer + sizeof buffer, cell.integer).ptr;
            return arena.copy({buffer, static_cast<std::size_t>(end - buffer)});
        }
        case Cell::Type::real:
            return arena.copy(fmt::format("{}", cell.real));
        default:
            return {};
    }
}

CellText cell_text(const Cell& cell, const Conversion& conversion, Arena& arena) {
    if (cell.type == Cell::Type::blob) return {{}, fault::kBinary};
    std::string_view text = as_text(cell, arena);
    if (!is_well_formed(text)) return {{}, fault::kEncoding};
    if (conversion.one_line && text.find_first_of("\r\n\t") != std::string_view::npos)
        text = arena.copy(on_one_line(text));
    if (conversion.trim) text = trim(text);
    return {text, {}};
}

Value convert(const Cell& cell, const Conversion& conversion, const Item& item, Arena& arena) {
    if (cell.type == Cell::Type::null) return {};
    const bool number = cell.type == Cell::Type::integer || cell.type == Cell::Type::real;
    if (item.type == ItemType::decimal && number && !conversion.codes)
        return decimal(cell.type == Cell::Type::real ? cell.real : static_cast<double>(cell.integer),
                       as_text(cell, arena), item, arena);
    const CellText read = cell_text(cell, conversion, arena);
    if (!read.fault.empty()) return malformed(read.fault, {}, arena);
    std::string_view text = read.text;
    if (text.empty()) return {};
    if (conversion.codes) {
        const std::string* found = conversion.codes->find(text);
        if (found == nullptr) return malformed(fault::kCode, text, arena);
        text = *found;
    }
    switch (item.type) {
        case ItemType::date:
            return date(text, conversion, arena);
        case ItemType::integer:
            return integer(text, arena);
        case ItemType::decimal:
            return decimal(text, item, arena);
        case ItemType::boolean:
            return boolean(text, arena);
        default:
            break;
    }
    if (conversion.full_width_kana) text = arena.copy(full_width_kana(text));
    if (conversion.pad_left > text.size())
        text = arena.copy(std::string(conversion.pad_left - text.size(), '0') + std::string(text));
    if (item.type == ItemType::text && !is_normalized(text)) text = arena.copy(normalize(text));
    return text_value(text);
}

}  // namespace kaigo::mapping
