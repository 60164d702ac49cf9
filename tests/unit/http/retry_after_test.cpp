#include "http/retry_after.h"

#include <catch2/catch.hpp>

using namespace kaigo;
using namespace kaigo::http;
using std::chrono::seconds;

TEST_CASE("a pause is told in seconds or as a date") {
    constexpr const char* kDate = "Mon, 02 Nov 2026 03:00:00 GMT";
    CHECK(retry_after("120", "") == seconds(120));
    CHECK(retry_after("Mon, 02 Nov 2026 03:02:00 GMT", kDate) == seconds(120));
    CHECK(retry_after("Monday, 02-Nov-26 03:02:00 GMT", kDate) == seconds(120));
    CHECK(retry_after("Mon Nov  2 03:02:00 2026", kDate) == seconds(120));
}

TEST_CASE("a pause that says nothing is none, and a long one is a day") {
    for (const char* nothing : {"", "0", "-5", "soon", "12x", "Mon, 02 Foo 2026 03:00:00 GMT"})
        CHECK(retry_after(nothing, "") == std::nullopt);
    CHECK(retry_after("Mon, 02 Nov 2026 03:00:00 GMT", "Mon, 02 Nov 2026 03:00:01 GMT") == std::nullopt);
    CHECK(retry_after("86401", "") == seconds(86'400));
    CHECK(retry_after("99999999999999999999999999", "") == seconds(86'400));
    CHECK(retry_after("Mon, 02 Nov 2226 03:00:00 GMT", "Mon, 02 Nov 2026 03:00:00 GMT") == seconds(86'400));
}
