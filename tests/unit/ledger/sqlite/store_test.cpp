#include <catch2/catch.hpp>

#include "conformance/ledger_fixture.h"
#include "ledger/sqlite/schema.h"

using namespace kaigo;
using namespace kaigo::ledger;
using namespace kaigo::registration;
using test::kKey;
using test::kNoon;
using test::sending;

TEST_CASE("a ledger of a newer program is refused") {
    test::LedgerFixture f(test::ledger_engines().front());
    f.ledger.reset();
    {
        sqlite::Database db(f.folder / "ledger.db", sqlite::Open::read_write);
        db.execute("PRAGMA user_version = 99");
    }
    const auto opened = Store(f.folder / "ledger.db").open(kNoon);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message.find("newer program") != std::string::npos);
}

TEST_CASE("a ledger of the first version keeps its cases, each where its error puts it") {
    test::Folder folder;
    {
        sqlite::Database old(folder / "ledger.db", sqlite::Open::create);
        migrate_to(old, 1);
        old.execute(
            "INSERT INTO insurer VALUES (1, '122192'); INSERT INTO kind VALUES (1, 'insured-persons')");
        const auto record = [&](const char* key, int state, const char* reason) {
            auto insert = old.prepare(
                "INSERT INTO record (insurer, kind, key, state, flags, reason) VALUES (1, 1, ?1, ?2, 4, ?3)");
            insert.bind_blob(1, key).bind(2, state).bind(3, reason).run();
        };
        record("0000000001", 4, "KJP0001");
        record("0000000002", 4, "KJP0003");
        record("0000000003", 5, "");
        const auto open = [&](const char* key, const char* error) {
            auto insert = old.prepare(
                "INSERT INTO pmh_case (insurer, kind, key, error_id, state, opened_at) VALUES (1, 1, ?1, ?2, "
                "'awaiting-mynumber-check', 5)");
            insert.bind_blob(1, key).bind(2, error).run();
        };
        open("0000000001", "KJP0001");
        open("0000000002", "KJP0003");
    }
    const auto ledger = *Store(folder / "ledger.db").open(kNoon);
    const auto cases = ledger->open_cases(1, 1);
    REQUIRE(cases.size() == 2);
    CHECK(cases[0].pmh_case.state == CaseState::awaiting_mynumber_check);
    CHECK(cases[1].pmh_case.state == CaseState::awaiting_operator);
    CHECK(cases[0].version == 1);
    CHECK(ledger->cases_to_look_at(1, 1, false).size() == 2);
    LedgerReader reader = Store(folder / "ledger.db").records(1, 1);
    for (const bool in_case : {true, true, false}) {
        const Entry* entry = reader.next();
        REQUIRE(entry != nullptr);
        CHECK(entry->standing.in_case == in_case);
        CHECK(entry->standing.unlinked == in_case);
    }
}

TEST_CASE("what a power loss may take back is asked for again, and comes to the same end") {
    test::LedgerFixture f(test::ledger_engines().front());
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    const auto settle = [&](BatchState from) {
        f.ledger->batch_accepted(id, from, "N1", kNoon);
        REQUIRE(f.ledger->receptions_completed(f.insurer, {{id, "3"}}, "C1", kNoon));
        f.land(id, {true, true, "", ErrorClass::unknown});
    };
    // What the disk has for certain: the intent.
    const test::Folder disk;
    for (const char* file : {"ledger.db", "ledger.db-wal"})
        std::filesystem::copy(f.folder / file, disk / file);
    settle(BatchState::sending);
    CHECK(f.state() == "registered");

    f.ledger.reset();
    for (const char* file : {"ledger.db", "ledger.db-wal"}) std::filesystem::remove(f.folder / file);
    for (const char* file : {"ledger.db", "ledger.db-wal"})
        std::filesystem::copy(disk / file, f.folder / file);
    f.open();
    CHECK(f.ledger->batch(id).state == BatchState::unknown);
    CHECK(f.ledger->cursor(f.insurer).empty());
    settle(BatchState::unknown);
    CHECK(f.state() == "registered");
}
