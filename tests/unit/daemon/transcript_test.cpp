#include "daemon/transcript.h"

#include <catch2/catch.hpp>

using namespace kaigo::daemon;

TEST_CASE("a listener gets what is new, and never half a character") {
    Transcript transcript;
    std::ostream out(&transcript);
    out << "市";
    CHECK(transcript.since(0) == "市");
    CHECK(transcript.since(3).empty());
    out << "川" << std::string("\xE5\xB8", 2);
    CHECK(transcript.since(3) == "川");
    out << '\x82';
    CHECK(transcript.since(6) == "\xE5\xB8\x82");
    out << "x";
    CHECK(transcript.since(9) == "x");
    CHECK(transcript.since(1'000).empty());
}
