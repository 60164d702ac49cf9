#include "observe/events.h"

#include <catch2/catch.hpp>
#include <set>

#include "unit/support.h"

using namespace kaigo;

TEST_CASE("an event is one line of JSON with its name, its level and what to do") {
    const test::FixedClock clock;
    std::string out;
    const auto write = [&](std::string_view line) { out += line; };
    observe::JsonEvents events(write, clock, false);
    events.record("run-failed", {{"insurer", "122192"}, {"error", "a \"word\"\nand a line"}, {"empty", ""}});
    const std::string line = out;
    CHECK(line.ends_with("}\n"));
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(line.find(R"("level":"error","event":"run-failed")") != std::string::npos);
    CHECK(line.find(R"("error":"a \"word\"\u000aand a line")") != std::string::npos);
    CHECK(line.find("empty") == std::string::npos);
    CHECK(line.find(R"("remedy":")") != std::string::npos);
}

TEST_CASE("journald is told the priority of each line") {
    const test::FixedClock clock;
    std::string out;
    const auto write = [&](std::string_view line) { out += line; };
    observe::JsonEvents(write, clock, true).record("disk-low", {});
    CHECK(out.starts_with("<4>{"));
}

TEST_CASE("the last events are kept in order for a support bundle") {
    const test::FixedClock clock;
    std::string out;
    const auto write = [&](std::string_view line) { out += line; };
    observe::JsonEvents events(write, clock, false);
    for (int i = 0; i < 700; ++i) events.record("run-begun", {{"run", std::to_string(i)}});
    const auto recent = events.recent();
    CHECK(recent.size() == 500);
    CHECK(recent.front().find(R"("run":"200")") != std::string::npos);
    CHECK(recent.back().find(R"("run":"699")") != std::string::npos);
}

TEST_CASE("an event that stands in no list is a fault of the program") {
    const test::FixedClock clock;
    std::string out;
    const auto write = [&](std::string_view line) { out += line; };
    observe::JsonEvents events(write, clock, false);
    CHECK_THROWS_AS(events.record("no-such-event", {}), std::logic_error);
    std::set<std::string_view> names;
    for (const auto& event : observe::all_events()) CHECK(names.insert(event.id).second);
}

TEST_CASE("what is no UTF-8 does not break the line") {
    const test::FixedClock clock;
    std::string out;
    const auto write = [&](std::string_view line) { out += line; };
    observe::JsonEvents(write, clock, false).record("control-refused", {{"request", "DELETE /v1/runs/\xFF"}});
    CHECK(out.find(R"x("request":"(not UTF-8)")x") != std::string::npos);
}
