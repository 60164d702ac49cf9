// Whole runs over a source in memory and a platform that answers as the test says: what goes out, what waits,
// and how the run ends.

#include "jobs/sync/run.h"

#include "support/small_city.h"

using namespace kaigo;
using namespace kaigo::jobs;
using test::insured;
using test::SmallCity;

using States = std::map<std::string, int>;
using Outcome = platform::SubmitResult::Outcome;

TEST_CASE("the first day sends everything, the next one nothing, and the sums close") {
    SmallCity city(5);
    const auto first = city.daily();
    CHECK(first.exit_status == 0);
    CHECK(city.sent() == 5);
    CHECK(city.states() == States{{"registered", 5}});
    const auto second = city.daily();
    CHECK(second.exit_status == 0);
    CHECK(city.sent() == 0);
    auto view = city.view();
    for (const auto run : {first.run, second.run})
        for (const auto& row : view.comparisons(run)) {
            CHECK(row.closed);
            CHECK(row.outcome == "done");
        }
    CHECK(view.comparisons(second.run)[0].left.unchanged == 5);
}

TEST_CASE("a change is an update, a row that is gone a deletion, and both are sent once") {
    SmallCity city(5);
    city.daily();
    city.sent();
    city.move(2, "elsewhere");
    city.remove(4);
    city.daily();
    CHECK(city.sent() == 2);
    CHECK(city.states() == States{{"registered", 4}});
    city.daily();
    CHECK(city.sent() == 0);
}

TEST_CASE("without a setup that is complete a daily run sends nothing") {
    SmallCity city(3, false);
    const auto done = city.daily();
    CHECK(done.exit_status == 1);
    CHECK(city.platform.requests.empty());
    CHECK(city.states().empty());
    CHECK(city.view().run(done.run)->outcome == "held");
}

TEST_CASE("rows that are missing hold a run until a person says that it is right") {
    SmallCity city(10);
    city.daily();
    city.sent();
    for (int i = 1; i <= 5; ++i) city.remove(i);
    const auto held = city.daily();
    CHECK(held.exit_status == 1);
    CHECK(city.sent() == 0);
    CHECK(city.states() == States{{"registered", 10}});
    const auto waits = city.view().attention();
    REQUIRE(waits.size() == 1);
    CHECK(waits[0].attention.code == std::string(ledger::attention::kHeldDrop));
    CHECK(city.view().comparisons(held.run)[0].outcome == "held");
    // What only settles does not look past it either.
    city.run(JobName::retry_due);
    CHECK(city.sent() == 0);
    CHECK(city.daily({.accept_drop = true}).exit_status == 0);
    CHECK(city.sent() == 5);
    CHECK(city.states() == States{{"registered", 5}});
    CHECK(city.view().attention().empty());
}

TEST_CASE("a source that is empty today empties nothing") {
    SmallCity city(10);
    city.daily();
    city.sent();
    const auto rows = std::exchange(city.persons(), {});
    CHECK(city.daily().exit_status == 1);
    CHECK(city.sent() == 0);
    city.persons() = rows;
    CHECK(city.daily().exit_status == 0);
    CHECK(city.sent() == 0);
    CHECK(city.states() == States{{"registered", 10}});
}

TEST_CASE("few deletions need no word, and neither do few changes") {
    SmallCity city(40);
    city.daily();
    city.sent();
    city.remove(1);
    city.remove(2);
    city.move(3, "elsewhere");
    city.move(4, "elsewhere");
    CHECK(city.daily().exit_status == 0);
    CHECK(city.sent() == 4);
}

TEST_CASE("a mass change is held until a person says that it is right") {
    SmallCity city(10);
    city.daily();
    city.sent();
    for (int i = 1; i <= 10; ++i) city.move(i, "renumbered");
    CHECK(city.daily().exit_status == 1);
    CHECK(city.sent() == 0);
    CHECK(city.daily({.accept_drop = true}).exit_status == 1);  // another word does not let it go
    CHECK(city.sent() == 0);
    CHECK(city.daily({.accept_change = true}).exit_status == 0);
    CHECK(city.sent() == 10);
}

TEST_CASE("rows out of order are sorted, and nothing is taken for gone") {
    SmallCity city(5);
    city.daily();
    city.sent();
    std::swap(city.persons()[0], city.persons()[3]);
    const auto done = city.daily();
    CHECK(done.exit_status == 0);
    CHECK(city.sent() == 0);
    const auto rows = city.view().comparisons(done.run);
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].outcome == "restarted-sorted");
    CHECK(rows[1].outcome == "done");
    CHECK(rows[1].left.unchanged == 5);
}

TEST_CASE("different rows under one key are believed neither, equal ones are one") {
    SmallCity city(4);
    city.add_person(4);
    city.add_person(5);
    city.add_person(5, "another place");
    const auto done = city.daily();
    CHECK(done.exit_status == 1);
    CHECK(city.sent() == 4);
    CHECK(city.states() == States{{"registered", 4}, {"rejected", 1}});
    const auto row = city.view().comparisons(done.run)[0];
    CHECK(row.left.read == 7);
    CHECK(row.left.duplicates == 1);
    CHECK(row.left.rejected == 2);
    CHECK(row.closed);
}

TEST_CASE("a key that cannot be read withholds deletions, and only those") {
    SmallCity city(6);
    city.daily();
    city.sent();
    city.remove(2);
    city.person(4)[1] = "123";
    city.move(5, "elsewhere");
    CHECK(city.daily().exit_status == 1);
    CHECK(city.sent() == 1);
    CHECK(city.states() == States{{"registered", 6}});
    CHECK(city.record(2).withheld);
}

TEST_CASE("a person without a number waits, and goes when it comes") {
    SmallCity city(3);
    city.person(2)[3] = "";
    city.daily();
    CHECK(city.sent() == 2);
    CHECK(city.states() == States{{"registered", 2}, {"blocked", 1}});
    city.person(2)[3] = test::my_number(2);
    city.daily();
    CHECK(city.sent() == 1);
    CHECK(city.states() == States{{"registered", 3}});
}

TEST_CASE("a dependant waits for its person, and a person's deletion for its dependants") {
    SmallCity city(2);
    city.add_consent(1, "1", "2026-06-01", "1");
    city.add_consent(9, "1", "2026-06-01", "1");
    city.daily();
    CHECK(city.sent() == 3);
    CHECK(city.states() == States{{"registered", 3}, {"blocked", 1}});
    city.add_person(9);
    city.daily();
    city.sent();
    CHECK(city.states() == States{{"registered", 5}});
    city.remove(1);
    city.daily();
    CHECK(city.sent() == 0);  // its consent stays in the source
    CHECK(city.record(1).state == "blocked");
    city.table(test::kConsents).rows.erase(city.table(test::kConsents).rows.begin());
    city.daily();
    CHECK(city.sent() == 2);
    CHECK(city.view().records_of("122192", insured(1)).empty());
}

TEST_CASE("a consent that was withdrawn is not granted again because the source has forgotten it") {
    SmallCity city(1);
    city.add_consent(1, "1", "2026-05-01", "1");
    city.add_consent(1, "2", "2026-06-01", "3");
    city.daily();
    city.sent();
    CHECK(city.states() == States{{"registered", 3}});
    city.table(test::kConsents).rows.pop_back();
    CHECK(city.daily().exit_status == 1);
    CHECK(city.sent() == 0);
    CHECK(city.view().held({.reason = std::string(registration::reason::kWithdrawnBefore)}, 10).size() == 1);
}

TEST_CASE("a record that the platform kept in error opens a case, which no comparison sends past") {
    SmallCity city(3);
    city.platform.error_for_all = "KJP0001";
    CHECK(city.daily().exit_status == 1);
    city.sent();
    CHECK(city.states() == States{{"stored_in_error", 3}});
    CHECK(city.view().cases({}).size() == 3);
    CHECK(city.daily().exit_status == 1);  // it still waits for a person
    CHECK(city.sent() == 0);
}

TEST_CASE("an error of the data holds the record until its row changes") {
    SmallCity city(3);
    city.platform.error_for_all = "KJR0001";
    CHECK(city.daily().exit_status == 1);
    city.sent();
    CHECK(city.states() == States{{"rejected", 3}});
    city.platform.error_for_all.clear();
    city.daily();
    CHECK(city.sent() == 0);
    city.move(2, "corrected");
    city.daily();
    CHECK(city.sent() == 1);
    CHECK(city.states() == States{{"registered", 1}, {"rejected", 2}});
}

TEST_CASE("a dry run says what would go out, sends nothing and leaves the ledger as it was") {
    SmallCity city(5);
    city.daily();
    city.sent();
    city.move(1, "elsewhere");
    const auto before = city.states();
    const auto done = city.daily({.dry_run = true});
    CHECK(done.exit_status == 0);
    REQUIRE(!done.plans.empty());
    CHECK(done.plans[0].left.changed == 1);
    CHECK(done.plans[0].requests == 1);
    CHECK(city.sent() == 0);
    CHECK(city.states() == before);
    CHECK(city.view().run(done.run)->outcome == "dry-run");
}

TEST_CASE("a source that breaks off changes nothing, and its account says so") {
    SmallCity city(5);
    city.daily();
    city.sent();
    city.move(1, "elsewhere");
    city.table(test::kPersons).breaks_after = 3;
    const auto done = city.daily();
    CHECK(done.exit_status == 69);
    CHECK(city.sent() == 0);
    CHECK(city.states() == States{{"registered", 5}});
    CHECK(city.view().comparisons(done.run)[0].outcome == "failed");
    city.table(test::kPersons).breaks_after.reset();
    CHECK(city.daily().exit_status == 0);
    CHECK(city.sent() == 1);
}

TEST_CASE("what one run could not bring to an end the next one does, whichever job it is") {
    const auto job = GENERATE(JobName::daily_sync, JobName::collect_results, JobName::retry_due);
    SmallCity city(3);
    city.platform.scripts = {{Outcome::no_answer, true}};
    city.daily({.wait = Duration(0)});
    city.run(job);
    CHECK(city.platform.requests.size() == 1);
    CHECK(city.states() == States{{"registered", 3}});
}

TEST_CASE("a refused certificate ends the run, and nothing is lost") {
    SmallCity city(3);
    city.platform.scripts = {{Outcome::certificate, false}};
    const auto done = city.daily();
    CHECK(done.exit_status == info(ErrorCode::certificate_refused).exit_status);
    city.daily();
    CHECK(city.states() == States{{"registered", 3}});
}

TEST_CASE("source, ledger and receptions agree after a day, and a difference is found") {
    SmallCity city(4);
    city.daily();
    const auto sound = city.run(JobName::reconcile);
    CHECK(sound.exit_status == 0);
    CHECK(sound.differences == 0);
    CHECK(sound.certificates.size() == 1);
    city.move(3, "elsewhere");
    const auto differs = city.run(JobName::reconcile);
    CHECK(differs.exit_status == 1);
    CHECK(differs.differences == 1);
}
