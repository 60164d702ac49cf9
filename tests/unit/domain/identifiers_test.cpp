#include "domain/identifiers.h"

#include <catch2/catch.hpp>

#include "base/units.h"

using namespace kaigo;

TEST_CASE("check digits follow the published rules") {
    CHECK(my_number_check_digit_ok("123456789018", MyNumberCheck::real));
    CHECK_FALSE(my_number_check_digit_ok("123456789019", MyNumberCheck::real));
    CHECK_FALSE(my_number_check_digit_ok("12345678901", MyNumberCheck::real));
    CHECK_FALSE(my_number_check_digit_ok("12345678901x", MyNumberCheck::real));
    for (const char* number : {"122192", "122069", "121012", "442012"})
        CHECK(insurer_number_check_digit_ok(number));
    CHECK_FALSE(insurer_number_check_digit_ok("123456"));
    CHECK_FALSE(insurer_number_check_digit_ok("999999"));
}

TEST_CASE("no number passes both as real and as test") {
    for (int n = 0; n < 20'000; ++n) {
        std::string eleven = std::to_string(10'000'000'000LL + n * 7'919LL);
        for (char last = '0'; last <= '9'; ++last) {
            const bool real = my_number_check_digit_ok(eleven + last, MyNumberCheck::real);
            const bool test = my_number_check_digit_ok(eleven + last, MyNumberCheck::test);
            REQUIRE_FALSE((real && test));
        }
    }
    CHECK(my_number_check_digit_ok("123456789019", MyNumberCheck::test));
}

TEST_CASE("insured numbers keep leading zeros and take H numbers") {
    CHECK(InsuredNumber::parse("0000000001")->value() == "0000000001");
    CHECK(InsuredNumber::parse("H000000001"));
    CHECK_FALSE(InsuredNumber::parse("000000001"));
    CHECK_FALSE(InsuredNumber::parse("00000000 1"));
    CHECK_FALSE(InsurerNumber::parse("12219"));
}

TEST_CASE("request ids are ULIDs that sort by time") {
    std::array<std::uint8_t, 10> chance{};
    chance[9] = 1;
    const auto early = RequestId::make(1'000, chance);
    const auto late = RequestId::make(2'000, chance);
    CHECK(early.value().size() == 26);
    CHECK(early < late);
    CHECK(RequestId::parse(early.value()));
    CHECK_FALSE(RequestId::parse("01JD3X7Q2M8V5K9T4N6R1B0ZWI"));  // I is not a Crockford character
}

TEST_CASE("durations, sizes and times read as the configuration writes them") {
    CHECK(parse_duration("15m")->count() == 900'000);
    CHECK(parse_duration("250ms")->count() == 250);
    CHECK(parse_duration("0")->count() == 0);
    CHECK_FALSE(parse_duration("15"));
    CHECK_FALSE(parse_duration("-1s"));
    CHECK_FALSE(parse_duration("99999999999999999999d"));
    CHECK(parse_size("8MiB") == 8U << 20);
    CHECK_FALSE(parse_size("8MB"));
    CHECK(parse_time_of_day("24:00") == 1440);
    CHECK_FALSE(parse_time_of_day("24:01"));
    CHECK_FALSE(parse_time_of_day("2:30"));
}
