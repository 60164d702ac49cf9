#include "jobs/sync/outbound/pacing.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::jobs;
using std::chrono::hours;
using test::kNoon;

TEST_CASE("what is pausing sends nothing before the longest pause is over") {
    Pacing pacing({0, 24 * 60});
    CHECK(pacing.may_send(kNoon));
    pacing.pause_until(kNoon + hours(2));
    pacing.pause_until(kNoon + hours(1));
    CHECK_FALSE(pacing.may_send(kNoon + hours(1)));
    CHECK(pacing.opens_at(kNoon) == kNoon + hours(2));
    CHECK(pacing.may_send(kNoon + hours(2)));
}

TEST_CASE("outside the service window nothing leaves, also when a pause ends there") {
    Pacing pacing({20 * 60, 6 * 60});  // over midnight
    CHECK_FALSE(pacing.may_send(kNoon));
    CHECK(pacing.opens_at(kNoon) == kNoon + hours(8));
    CHECK(pacing.may_send(kNoon + hours(17)));
    CHECK_FALSE(pacing.may_send(kNoon + hours(18)));
    pacing.pause_until(kNoon + hours(19));
    CHECK(pacing.opens_at(kNoon) == kNoon + hours(32));
}

TEST_CASE("after a refused certificate nothing leaves in this run") {
    Pacing pacing({0, 24 * 60});
    pacing.give_up({ErrorCode::certificate_refused, "why", "", ""});
    CHECK_FALSE(pacing.may_send(kNoon + hours(1000)));
    CHECK(pacing.fatal()->message == "why");
}
