#include "base/sqlite.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;

TEST_CASE("a commit that is synced with the next leaves the file as strict as before, however it ends") {
    const test::Folder folder;
    sqlite::Database database(folder / "s.db", sqlite::Open::create);
    database.execute("PRAGMA journal_mode = WAL");
    database.execute("PRAGMA synchronous = FULL");
    database.execute("CREATE TABLE t (n INTEGER PRIMARY KEY)");
    constexpr int kNormal = 1;
    constexpr int kFull = 2;
    const auto strictness = [&] { return database.integer("PRAGMA synchronous"); };
    {
        sqlite::Transaction transaction(database, sqlite::Synced::with_the_next);
        CHECK(strictness() == kNormal);
        database.execute("INSERT INTO t VALUES (1)");
        transaction.commit();
    }
    CHECK(strictness() == kFull);
    {
        const sqlite::Transaction given_up(database, sqlite::Synced::with_the_next);
        database.execute("INSERT INTO t VALUES (2)");
    }
    CHECK(strictness() == kFull);
    {
        const sqlite::Transaction rolled_back_by_sqlite(database, sqlite::Synced::with_the_next);
        CHECK_THROWS_AS(database.execute("INSERT OR ROLLBACK INTO t VALUES (1)"), sqlite::Failure);
    }
    CHECK(strictness() == kFull);
    {
        sqlite::Transaction strict(database);
        CHECK(strictness() == kFull);
        strict.commit();
    }
    CHECK(database.integer("SELECT sum(n) FROM t") == 1);
}
