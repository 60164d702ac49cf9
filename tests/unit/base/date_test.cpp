#include "base/date.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/clock.h"

using kaigo::Date;

TEST_CASE("only real calendar dates are read") {
    CHECK(Date::parse_iso("2024-02-29"));
    CHECK_FALSE(Date::parse_iso("2026-02-29"));
    CHECK_FALSE(Date::parse_iso("2100-02-29"));
    CHECK_FALSE(Date::parse_iso("2026-13-01"));
    CHECK_FALSE(Date::parse_iso("0000-00-00"));
    CHECK_FALSE(Date::parse_iso("2026-1-01"));
    CHECK_FALSE(Date::parse_iso("2026-01-01 "));
    CHECK(Date::parse_compact("20260401")->iso() == "2026-04-01");
    CHECK_FALSE(Date::parse_compact("20260431"));
}

TEST_CASE("和暦 is read in every form that systems use") {
    CHECK(Date::parse_wareki("昭和15年3月1日")->iso() == "1940-03-01");
    CHECK(Date::parse_wareki("令和元年5月1日")->iso() == "2019-05-01");
    CHECK(Date::parse_wareki("S15.3.1")->iso() == "1940-03-01");
    CHECK(Date::parse_wareki("S15-03-01")->iso() == "1940-03-01");
    CHECK(Date::parse_wareki("3150301")->iso() == "1940-03-01");
    CHECK_FALSE(Date::parse_wareki("昭和15年3月"));
    CHECK_FALSE(Date::parse_wareki("昭和0年3月1日"));
    CHECK_FALSE(Date::parse_wareki("昭和15年3月1日夜"));
    CHECK_FALSE(Date::parse_wareki(""));
}

TEST_CASE("a day belongs to its era, and the days on which eras met belong to both") {
    CHECK(Date::parse_wareki("昭和64年1月7日")->iso() == "1989-01-07");
    CHECK_FALSE(Date::parse_wareki("昭和64年1月8日"));
    CHECK(Date::parse_wareki("平成元年1月8日")->iso() == "1989-01-08");
    CHECK_FALSE(Date::parse_wareki("平成元年1月7日"));
    CHECK(Date::parse_wareki("平成31年4月30日")->iso() == "2019-04-30");
    CHECK_FALSE(Date::parse_wareki("平成31年5月1日"));
    CHECK_FALSE(Date::parse_wareki("令和元年4月30日"));
    CHECK(Date::parse_wareki("明治45年7月30日")->iso() == Date::parse_wareki("大正元年7月30日")->iso());
    CHECK(Date::parse_wareki("大正15年12月25日")->iso() == Date::parse_wareki("昭和元年12月25日")->iso());
}

// An oracle of its own: walks the days and counts years by itself.
TEST_CASE("every day from 1873 to 2100 reads back from its 和暦") {
    const auto era_of = [](int y, unsigned m, unsigned d) -> std::pair<const char*, int> {
        const int n = y * 10000 + static_cast<int>(m) * 100 + static_cast<int>(d);
        if (n >= 20190501) return {"令和", y - 2018};
        if (n >= 19890108) return {"平成", y - 1988};
        if (n >= 19261225) return {"昭和", y - 1925};
        if (n >= 19120730) return {"大正", y - 1911};
        return {"明治", y - 1867};
    };
    for (int y = 1873; y <= 2100; ++y)
        for (unsigned m = 1; m <= 12; ++m)
            for (unsigned d = 1; d <= 31; ++d) {
                const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
                const unsigned days[] = {31, leap ? 29U : 28U, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
                const auto [era, year] = era_of(y, m, d);
                const std::string text = std::string(era) + (year == 1 ? "元" : std::to_string(year)) + "年" +
                                         std::to_string(m) + "月" + std::to_string(d) + "日";
                const auto date = Date::parse_wareki(text);
                REQUIRE(date.has_value() == (d <= days[m - 1]));
                if (!date) continue;
                char iso[16];
                std::snprintf(iso, sizeof iso, "%04d-%02u-%02u", y, m, d);
                REQUIRE(date->iso() == iso);
            }
}

TEST_CASE("civil time is Japan's") {
    const auto instant = kaigo::from_milliseconds(1'793'545'200'000);  // 2026-11-01T15:00:00Z
    CHECK(kaigo::japan_date(instant).iso() == "2026-11-02");
    CHECK(kaigo::japan_minute_of_day(instant) == 0);
    CHECK(kaigo::format_instant(instant) == "2026-11-02T00:00:00+09:00");
}
