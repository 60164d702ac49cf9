#include "daemon/schedule.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;
using namespace std::chrono_literals;

TEST_CASE("a job is due at its time of day in Japan, once a day") {
    config::ScheduleEntry entry;
    entry.at = 2 * 60 + 30;
    const Instant today = test::kNoon - 9h - 30min;  // 02:30
    CHECK(daemon::due_at(entry, {}, test::kNoon) == today + 24h);
    CHECK(daemon::due_at(entry, {}, today - 1h) == today);
    CHECK(daemon::due_at(entry, today, today) == today + 24h);
    CHECK(daemon::due_at(entry, today + 3min, today) == today + 24h);
}

TEST_CASE("a run missed while the daemon was down is due at once, and only once") {
    config::ScheduleEntry entry;
    entry.at = 2 * 60 + 30;
    const Instant three_days_ago = test::kNoon - 72h;
    CHECK(daemon::due_at(entry, three_days_ago, test::kNoon) < test::kNoon);
    CHECK(daemon::due_at(entry, test::kNoon, test::kNoon) > test::kNoon);
}

TEST_CASE("an interval counts from the start of the last run") {
    config::ScheduleEntry entry;
    entry.every = 60s;
    CHECK(daemon::due_at(entry, {}, test::kNoon) == test::kNoon);
    CHECK(daemon::due_at(entry, test::kNoon, test::kNoon) == test::kNoon + 60s);
}

TEST_CASE("a job of certain days waits for the next of them") {
    config::ScheduleEntry entry;
    entry.at = 2 * 60 + 30;
    const Instant today = test::kNoon - 9h - 30min;
    const unsigned weekday = std::chrono::weekday(japan_date(today).days()).c_encoding();
    entry.days = {(weekday + 3) % 7};
    CHECK(daemon::due_at(entry, {}, test::kNoon) == today + 72h);
    CHECK(daemon::due_at(entry, today + 72h, test::kNoon) == today + 240h);
}
