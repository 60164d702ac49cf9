#include "base/date.h"

#include <array>

#include "base/text.h"

namespace kaigo {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr sys_days ymd(int y, unsigned m, unsigned d) {
    return sys_days(year_month_day(year(y), month(m), day(d)));
}

struct Era {
    std::string_view kanji;
    char letter;
    char code;
    int first_year;
    sys_days first;
    sys_days last;  // inclusive: the change days of 1912 and 1926 belong to both eras
};

constexpr std::array kEras = {
    Era{"明治", 'M', '1', 1868, ymd(1868, 1, 25), ymd(1912, 7, 30)},
    Era{"大正", 'T', '2', 1912, ymd(1912, 7, 30), ymd(1926, 12, 25)},
    Era{"昭和", 'S', '3', 1926, ymd(1926, 12, 25), ymd(1989, 1, 7)},
    Era{"平成", 'H', '4', 1989, ymd(1989, 1, 8), ymd(2019, 4, 30)},
    Era{"令和", 'R', '5', 2019, ymd(2019, 5, 1), ymd(9999, 12, 31)},
};

std::optional<unsigned> number(std::string_view digits) {
    unsigned value = 0;
    if (digits.empty() || digits.size() > 4) return std::nullopt;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

std::optional<Date> in_era(const Era& era, unsigned era_year, unsigned m, unsigned d) {
    if (era_year == 0) return std::nullopt;
    const auto date = Date::from(era.first_year + static_cast<int>(era_year) - 1, m, d);
    if (!date || date->days() < era.first || date->days() > era.last) return std::nullopt;
    return date;
}

/// Digits up to `mark`; what was read is taken off the front of `text`.
std::optional<unsigned> take_number(std::string_view& text, std::string_view mark) {
    const std::size_t end = mark.empty() ? text.size() : text.find(mark);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.substr(0, end);
    text.remove_prefix(end + mark.size());
    if (digits == "元") return 1;
    return number(digits);
}

}  // namespace

std::optional<Date> Date::from(int y, unsigned m, unsigned d) {
    if (y < 1 || y > 9999) return std::nullopt;
    const year_month_day date{year(y), month(m), day(d)};
    if (!date.ok()) return std::nullopt;
    return Date(sys_days(date));
}

std::optional<Date> Date::parse_iso(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto y = number(text.substr(0, 4));
    const auto m = number(text.substr(5, 2));
    const auto d = number(text.substr(8, 2));
    if (!y || !m || !d) return std::nullopt;
    return from(static_cast<int>(*y), *m, *d);
}

std::optional<Date> Date::parse_compact(std::string_view text) {
    if (text.size() != 8 || !is_digits(text)) return std::nullopt;
    return from(static_cast<int>(*number(text.substr(0, 4))), *number(text.substr(4, 2)),
                *number(text.substr(6, 2)));
}

std::optional<Date> Date::parse_wareki(std::string_view text) {
    for (const Era& era : kEras) {
        if (text.starts_with(era.kanji)) {
            std::string_view rest = text.substr(era.kanji.size());
            const auto y = take_number(rest, "年");
            const auto m = y ? take_number(rest, "月") : std::nullopt;
            const auto d = m ? take_number(rest, "日") : std::nullopt;
            if (!d || !rest.empty()) return std::nullopt;
            return in_era(era, *y, *m, *d);
        }
        if (!text.empty() && text.front() == era.letter) {
            std::string_view rest = text.substr(1);
            const std::string_view mark = rest.find('.') != std::string_view::npos ? "." : "-";
            const auto y = take_number(rest, mark);
            const auto m = y ? take_number(rest, mark) : std::nullopt;
            const auto d = m ? take_number(rest, "") : std::nullopt;
            if (!d) return std::nullopt;
            return in_era(era, *y, *m, *d);
        }
        if (text.size() == 7 && is_digits(text) && text.front() == era.code)
            return in_era(era, *number(text.substr(1, 2)), *number(text.substr(3, 2)),
                          *number(text.substr(5, 2)));
    }
    return std::nullopt;
}

std::string Date::iso() const {
    const year_month_day date(days_);
    std::string out = "0000-00-00";
    const auto put = [&out](std::size_t end, unsigned value, int digits) {
        for (; digits > 0; --digits, value /= 10) out[--end] = static_cast<char>('0' + value % 10);
    };
    put(4, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    put(7, static_cast<unsigned>(date.month()), 2);
    put(10, static_cast<unsigned>(date.day()), 2);
    return out;
}

}  // namespace kaigo
