#include "sqlite/sqlite.h"

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
        sqlite::Transaction other(database);
        CHECK_THROWS_AS(sqlite::Transaction(database, sqlite::Synced::at_once), sqlite::Failure);
        other.commit();
    }
    {
        sqlite::Database writer(folder / "s.db", sqlite::Open::read_write);
        database.execute("PRAGMA busy_timeout = 1");
        const sqlite::Transaction holds(writer);
        CHECK_THROWS_AS(sqlite::Transaction(database, sqlite::Synced::with_the_next), sqlite::Failure);
    }
    CHECK(strictness() == kFull);
    {
        sqlite::Transaction strict(database);
        CHECK(strictness() == kFull);
        strict.commit();
    }
    CHECK(database.integer("SELECT sum(n) FROM t") == 1);
}

TEST_CASE("the write-ahead log goes into the file once it is long enough") {
    const test::Folder folder;
    sqlite::Database database(folder / "s.db", sqlite::Open::create);
    database.execute("PRAGMA journal_mode = WAL");
    database.checkpoint_every(20);
    database.execute("CREATE TABLE t (b BLOB)");
    const auto pages_in_file = [&] { return std::filesystem::file_size(folder / "s.db") / 4096; };
    CHECK(pages_in_file() <= 1);
    database.execute("INSERT INTO t VALUES (randomblob(10 * 4096))");
    CHECK(pages_in_file() <= 1);
    database.execute("INSERT INTO t VALUES (randomblob(10 * 4096))");
    CHECK(pages_in_file() >= 20);
}

TEST_CASE("exactly one statement is prepared: what stands behind it is no comment to be left out") {
    const test::Folder folder;
    sqlite::Database db(folder / "s.db", sqlite::Open::create);
    for (const char* one : {"SELECT 1", "SELECT 1;", "SELECT 1 ; -- so\n", "SELECT 1; /* so */ ;",
                            "SELECT 1 -- so", "SELECT 1 /* so"})
        CHECK(db.integer(one) == 1);
    for (const char* more :
         {"SELECT 1; SELECT 2", "SELECT 1; AND 2", "SELECT 1;;\nDELETE FROM t", "", " ; ", "-- nothing"})
        CHECK_THROWS_AS(db.prepare(more), sqlite::Failure);
    CHECK_THROWS_AS(db.prepare(std::string_view("SELECT 1\0 AND 0", 15)), sqlite::Failure);
    try {
        db.prepare("SELECT\n  none FROM sqlite_schema");
    } catch (const sqlite::Failure& failure) {
        CHECK(failure.offset() == 9U);
    }
}
