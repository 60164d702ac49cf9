#include "jobs/sync/outbound/judge.h"

#include <catch2/catch.hpp>

using namespace kaigo;
using namespace kaigo::jobs;

namespace {

ledger::Baseline last_time() {
    ledger::Baseline out;
    out.rows_read = 1000;
    out.contents = {{"item:survey", 900},
                    {"item:facility", 40},
                    {"query:remarks", 300},
                    {"query:evidence", 1000},
                    {"orphans:remarks", 0}};
    return out;
}

Reading the_same() {
    Reading out;
    out.seen = out.records = 1000;
    out.children = {{"remarks", 300, 0, {}}};
    out.contents = last_time().contents;
    return out;
}

std::string options(const Reading& now, Accepted accepted = {}, const std::string& changed_inputs = "",
                    std::optional<ledger::Baseline> before = last_time(), config::Safety safety = {}) {
    std::string out;
    for (const Objection& each : Judge(safety, before, accepted).objections(now, changed_inputs))
        out += std::string(out.empty() ? "" : " ") + each.option;
    return out;
}

}  // namespace

TEST_CASE("a day as any other is not held") {
    CHECK(options(the_same()).empty());
    Reading now = the_same();
    now.seen = now.records = 900;  // a tenth fewer, not more
    now.changed = 45;
    now.contents["item:survey"] = 800;
    CHECK(options(now).empty());
}

TEST_CASE("too many rows that are gone, or records that change, hold the run for its own word") {
    Reading now = the_same();
    now.seen = now.records = 899;
    CHECK(options(now) == "--accept-drop");
    CHECK(options(now, {.drop = true}).empty());
    CHECK(options(now, {.change = true, .resend = true}) == "--accept-drop");
    now = the_same();
    now.changed = 51;
    CHECK(options(now) == "--accept-change");
    CHECK(options(now, {.change = true}).empty());
    CHECK(options(now, {.drop = true, .resend = true}) == "--accept-change");
}

TEST_CASE("records that lose what they had hold the run, and it says what fell") {
    Reading now = the_same();
    now.contents["item:survey"] = 840;
    const auto before = std::optional(last_time());
    const auto found = Judge({}, before, {}).objections(now, "");
    REQUIRE(found.size() == 1);
    CHECK(found[0].records == 60);
    CHECK(found[0].text.find("survey") != std::string::npos);
    // Rows that are gone, and may be, take their items with them.
    now.seen = now.records = 950;
    CHECK(options(now).empty());
}

TEST_CASE("a side table or evidence that fell below a tenth holds the run, few records or not") {
    Reading now = the_same();
    now.contents["query:remarks"] = 29;
    CHECK(options(now) == "--accept-change");
    now.contents["query:remarks"] = 30;
    CHECK(options(now).empty());
    now.contents["query:evidence"] = 0;
    CHECK(options(now) == "--accept-change");
    now.contents.erase("query:evidence");  // not asked today
    CHECK(options(now).empty());
}

TEST_CASE("orphans hold the run when they are more than a person accepted before") {
    Reading now = the_same();
    now.children[0].orphans = 12;
    CHECK(options(now) == "--accept-change");
    CHECK(options(now, {.change = true}).empty());
    ledger::Baseline accepted = last_time();
    accepted.contents["orphans:remarks"] = 12;
    CHECK(options(now, {}, "", accepted).empty());
    CHECK(options(now, {}, "", std::nullopt) == "--accept-change");  // the first comparison too
}

TEST_CASE("few records never hold a run") {
    config::Safety safety;
    ledger::Baseline small;
    small.rows_read = 12;
    Reading now;
    now.seen = now.records = 3;
    now.changed = 3;
    now.children = {{"remarks", 9, 9, {}}};
    CHECK(options(now, {}, "", small).empty());
    safety.floor = 0;
    CHECK(options(now, {}, "", small, safety) == "--accept-drop --accept-change --accept-change");
}

TEST_CASE("whoever accepts that all is sent again need not accept the changes once more") {
    Reading now = the_same();
    now.changed = 1000;
    CHECK(options(now, {}, "the mapping") == "--accept-resend --accept-change");
    CHECK(options(now, {.resend = true}, "the mapping").empty());
    CHECK(options(now, {.resend = true}) == "--accept-change");
}

TEST_CASE("rows of others than the platform has hold the run, with a last time and without") {
    for (const auto& before : {std::optional(last_time()), std::optional<ledger::Baseline>()}) {
        Reading now = the_same();
        now.known = 1000;
        now.gone = 100;  // a tenth, not more
        CHECK(options(now, {}, "", before).empty());
        now.gone = 101;
        CHECK(options(now, {}, "", before) == "--accept-drop");
        CHECK(options(now, {.drop = true}, "", before).empty());
        now.gone = 0;
        now.changed = 51;
        CHECK(options(now, {}, "", before) == "--accept-change");
    }
}

TEST_CASE("a first reading without a row is held where other kinds require what it would give") {
    Reading now;
    CHECK(options(now, {}, "", std::nullopt).empty());
    now.required = true;
    CHECK(options(now, {}, "", std::nullopt) == "--accept-drop");
    CHECK(options(now, {.drop = true}, "", std::nullopt).empty());
}
