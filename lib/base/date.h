#pragma once
// Calendar dates: ISO, compact and 和暦.

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace kaigo {

/// A day of the proleptic Gregorian calendar, years 1 to 9999.
class Date {
  public:
    explicit Date(std::chrono::sys_days days) : days_(days) {}

    /// `YYYY-MM-DD`, a real calendar date.
    static std::optional<Date> parse_iso(std::string_view text);
    /// `YYYYMMDD`.
    static std::optional<Date> parse_compact(std::string_view text);
    /// 和暦 in any of the forms that systems use: 昭和15年3月1日 (also 元年), S15.3.1, S15-03-01, 3150301
    /// (era code 1 明治 … 5 令和, then YYMMDD). The day must lie inside its era; the days on which two eras
    /// met (明治45-07-30/大正元-07-30, 大正15-12-25/昭和元-12-25) belong to both.
    static std::optional<Date> parse_wareki(std::string_view text);
    static std::optional<Date> from(int year, unsigned month, unsigned day);

    std::string iso() const;
    std::chrono::sys_days days() const { return days_; }
    Date plus_days(int n) const { return Date(days_ + std::chrono::days(n)); }
    auto operator<=>(const Date&) const = default;

  private:
    std::chrono::sys_days days_;
};

}  // namespace kaigo
