// Text of the source: any bytes. What is well-formed stays so, and is brought into a form that stays as it
// is.

#include "base/csv.h"
#include "base/date.h"
#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(kaigo::Date::parse_wareki(text));
    static_cast<void>(kaigo::Date::parse_iso(text));
    static_cast<void>(kaigo::parse_csv(text, 100));
    if (!kaigo::count_characters(text)) return 0;
    // A cell comes back as it was written.
    if (const auto rows = kaigo::parse_csv(kaigo::csv_line({"x", std::string(text)}), size); rows)
        if (rows->size() != 1 || rows->front().cells.size() != 2 || rows->front().cells[1] != text)
            __builtin_trap();
    const std::string normal = kaigo::normalize(text);
    if (!kaigo::count_characters(normal) || !kaigo::is_normalized(normal)) __builtin_trap();
    const std::string wide = kaigo::full_width_kana(text);
    if (!kaigo::count_characters(wide) || kaigo::full_width_kana(wide) != wide) __builtin_trap();
    std::string json;
    kaigo::append_json_string(json, kaigo::trim(text));
    if (json.size() < 2) __builtin_trap();
    return 0;
}
