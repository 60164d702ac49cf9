#include "source/source.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "base/text.h"
#include "sqlite/sqlite.h"
#include "unit/support.h"

using namespace kaigo;

TEST_CASE("all streams of a snapshot see one state of the database") {
    const test::Folder folder;
    sqlite::Database writer(folder / "s.db", sqlite::Open::create);
    writer.execute("PRAGMA journal_mode = WAL");
    writer.execute("CREATE TABLE t (i TEXT, n INTEGER); INSERT INTO t VALUES ('122192', 1)");
    const auto source = *source::open_source("sqlite", (folder / "s.db").string());
    const auto snapshot = *source->snapshot();
    const auto insurer = *InsurerNumber::parse("122192");
    writer.execute("INSERT INTO t VALUES ('122192', 2)");
    CHECK(*snapshot->count("SELECT n FROM t WHERE i = :insurer", insurer) == 1);
    CHECK(*(*source->snapshot())->count("SELECT n FROM t WHERE i = :insurer", insurer) == 2);
}

TEST_CASE("the source is never written, and what is missing is an error") {
    const test::Folder folder;
    CHECK(source::open_source("sqlite", (folder / "none.db").string()).error().code ==
          ErrorCode::source_unavailable);
    CHECK_FALSE(std::filesystem::exists(folder / "none.db"));
    CHECK(source::open_source("excel", "x").error().code == ErrorCode::bad_configuration);
    folder.write("text.db", "this is no database, but long enough to look at twice.");
    CHECK(source::open_source("sqlite", (folder / "text.db").string()).error().code ==
          ErrorCode::source_unavailable);
}

TEST_CASE("cells keep the type the database gave them") {
    const test::Folder folder;
    sqlite::Database writer(folder / "s.db", sqlite::Open::create);
    writer.execute("CREATE TABLE t (i TEXT, a, b, c, d)");
    writer.execute("INSERT INTO t VALUES ('122192', 7, 1.5, 'x', NULL)");
    const auto source = *source::open_source("sqlite", (folder / "s.db").string());
    const auto snapshot = *source->snapshot();
    const auto rows =
        *snapshot->rows("SELECT a, b, c, d FROM t WHERE i = :insurer", *InsurerNumber::parse("122192"));
    REQUIRE(*rows->next());
    CHECK(rows->row()[0].integer == 7);
    CHECK(rows->row()[1].real == 1.5);
    CHECK(rows->row()[2].text == "x");
    CHECK(rows->row()[3].type == source::Cell::Type::null);
    CHECK_FALSE(*rows->next());
}

TEST_CASE("rows that are read ahead are the same rows, and end once") {
    const test::Folder folder;
    sqlite::Database writer(folder / "s.db", sqlite::Open::create);
    writer.execute("CREATE TABLE t (i TEXT, n, s)");
    writer.execute(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000) "
        "INSERT INTO t SELECT '122192', n, printf('text %d', n) FROM c");
    const auto source = *source::open_source("sqlite", (folder / "s.db").string());
    const auto snapshot = *source->snapshot();
    const auto rows = source::read_ahead(
        *snapshot->rows("SELECT n, s FROM t WHERE i = :insurer ORDER BY n", *InsurerNumber::parse("122192")));
    for (int n = 1; n <= 1000; ++n) {
        REQUIRE(*rows->next());
        CHECK(rows->row()[0].integer == n);
        CHECK(rows->row()[1].text == "text " + std::to_string(n));
    }
    CHECK_FALSE(*rows->next());
}

TEST_CASE("rows of any size are read ahead whole") {
    const test::Folder folder;
    sqlite::Database writer(folder / "s.db", sqlite::Open::create);
    writer.execute("CREATE TABLE t (i TEXT, n, a, b)");
    // Larger and smaller than what is read at once, in turns.
    writer.execute(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 40) "
        "INSERT INTO t SELECT '122192', n, printf('%.*c', CASE n % 4 WHEN 0 THEN 400000 WHEN 1 THEN 200000 "
        "ELSE 3 "
        "END, "
        "'a'), printf('%.*c', n, 'b') FROM c");
    const auto source = *source::open_source("sqlite", (folder / "s.db").string());
    const auto snapshot = *source->snapshot();
    const auto rows = source::read_ahead(*snapshot->rows(
        "SELECT n, a, b FROM t WHERE i = :insurer ORDER BY n", *InsurerNumber::parse("122192")));
    for (std::size_t n = 1; n <= 40; ++n) {
        REQUIRE(*rows->next());
        CHECK(rows->row()[0].integer == static_cast<std::int64_t>(n));
        const std::size_t size = n % 4 == 0 ? 400'000 : n % 4 == 1 ? 200'000 : 3;
        CHECK(rows->row()[1].text == std::string(size, 'a'));
        CHECK(rows->row()[2].text == std::string(n, 'b'));
    }
    CHECK_FALSE(*rows->next());
}

TEST_CASE("several snapshots see one state while others write") {
    const test::Folder folder;
    sqlite::Database writer(folder / "s.db", sqlite::Open::create);
    writer.execute("PRAGMA journal_mode = WAL");
    writer.execute("CREATE TABLE t (i TEXT, n)");
    writer.execute("INSERT INTO t VALUES ('122192', 0)");
    const auto source = *source::open_source("sqlite", (folder / "s.db").string());
    std::atomic<bool> stop = false;
    std::thread busy([&] {
        sqlite::Database other(folder / "s.db", sqlite::Open::read_write);
        while (!stop) other.execute("UPDATE t SET n = n + 1");
    });
    const auto insurer = *InsurerNumber::parse("122192");
    for (int i = 0; i < 50; ++i) {
        const auto all = source->snapshots(3);
        if (!all) continue;  // written all the time: told, not guessed
        std::set<std::int64_t> seen;
        for (const auto& each : *all) {
            const auto rows = *each->rows("SELECT n FROM t WHERE i = :insurer", insurer);
            REQUIRE(*rows->next());
            seen.insert(rows->row()[0].integer);
        }
        CHECK(seen.size() == 1);
    }
    stop = true;
    busy.join();
}

namespace {

const InsurerNumber kInsurer = *InsurerNumber::parse("122192");

std::string made(const test::Folder& folder, const std::string& name, const std::string& mode, int rows = 3) {
    sqlite::Database writer(folder / name, sqlite::Open::create);
    writer.execute("PRAGMA journal_mode = " + mode);
    writer.execute("CREATE TABLE t (i TEXT, n INTEGER)");
    for (int n = 0; n < rows; ++n)
        writer.execute("INSERT INTO t VALUES ('122192', " + std::to_string(n) + ")");
    return (folder / name).string();
}

}  // namespace

TEST_CASE("the very statement is counted, whatever stands at its end") {
    const test::Folder folder;
    const auto source = *source::open_source("sqlite", made(folder, "s.db", "DELETE"));
    const auto snapshot = *source->snapshot();
    for (const char* end : {"", ";", " -- so", " /* so", ";\n-- so\n"}) {
        const std::string sql = std::string("SELECT n FROM t WHERE i = :insurer ORDER BY n") + end;
        CHECK(snapshot->inspect(sql));
        CHECK(*snapshot->count(sql, kInsurer) == 3);
    }
    const auto two = snapshot->inspect("SELECT n FROM t WHERE i = :insurer; AND n < 0");
    REQUIRE_FALSE(two);
    const auto wrong = snapshot->inspect("SELECT n,\n none FROM t WHERE i = :insurer");
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().offset == 11U);
}

TEST_CASE(
    "a write-ahead log that nobody has open is read without leaving a file, and what is written meanwhile is "
    "seen") {
    const test::Folder folder;
    const std::string path = made(folder, "s.db", "WAL");
    REQUIRE_FALSE(std::filesystem::exists(path + "-wal"));
    const auto source = *source::open_source("sqlite", path);
    CHECK(source->note().find("WAL") != std::string::npos);
    const auto all = *source->snapshots(3);
    for (const auto& each : all) CHECK(*each->count("SELECT n FROM t WHERE i = :insurer", kInsurer) == 3);
    for (const char* beside : {"-wal", "-shm", "-journal"})
        CHECK_FALSE(std::filesystem::exists(path + beside));
    CHECK(all.front()->verify());
    {
        sqlite::Database writer(path, sqlite::Open::read_write);
        writer.execute("INSERT INTO t VALUES ('122192', 9)");
    }
    const auto verified = all.front()->verify();
    REQUIRE_FALSE(verified);
    CHECK(verified.error().code == ErrorCode::busy);
    CHECK((*source->snapshot())->verify());
}

TEST_CASE("a write-ahead log that is open is read beside its writer, and its files stay") {
    const test::Folder folder;
    const std::string path = made(folder, "s.db", "WAL");
    sqlite::Database writer(path, sqlite::Open::read_write);
    writer.execute("INSERT INTO t VALUES ('122192', 9)");
    {
        const auto source = *source::open_source("sqlite", path);
        CHECK(source->note().empty());
        CHECK(*(*source->snapshot())->count("SELECT n FROM t WHERE i = :insurer", kInsurer) == 4);
    }
    CHECK(std::filesystem::exists(path + "-wal"));
    writer.execute("INSERT INTO t VALUES ('122192', 10)");
}

TEST_CASE("a log without the memory that readers share is the core system's to tidy up") {
    const test::Folder folder;
    const std::string path = made(folder, "s.db", "WAL");
    folder.write("s.db-wal", std::string(64, 'x'));
    const auto opened = source::open_source("sqlite", path);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == ErrorCode::busy);
    CHECK_FALSE(std::filesystem::exists(path + "-shm"));
}

TEST_CASE("a file that is put in the place of another is never mixed with it") {
    const test::Folder folder;
    for (const char* mode : {"DELETE", "WAL"}) {
        const std::string path = made(folder, std::string("s") + mode, mode, 3);
        const std::string other = made(folder, std::string("o") + mode, mode, 5);
        const auto source = *source::open_source("sqlite", path);
        const auto before = *source->snapshots(3);
        std::filesystem::rename(other, path);
        // What was open goes on with the former file, or says that it cannot; what is opened sees the new
        // one.
        for (const auto& each : before)
            CHECK(*each->count("SELECT n FROM t WHERE i = :insurer", kInsurer) == 3);
        const auto after = *source->snapshots(3);
        for (const auto& each : after)
            CHECK(*each->count("SELECT n FROM t WHERE i = :insurer", kInsurer) == 5);
    }
}

TEST_CASE("a file that is replaced between two openings gives one state or none") {
    const test::Folder folder;
    const std::string three = made(folder, "three.db", "DELETE", 3);
    const std::string five = made(folder, "five.db", "DELETE", 5);
    const std::string path = (folder / "s.db").string();
    std::filesystem::copy_file(three, path);
    const auto source = *source::open_source("sqlite", path);
    std::atomic<bool> over = false;
    std::thread swapping([&] {
        // One after the other takes the name, as fast as they can.
        for (bool first = true; !over; first = !first) {
            const auto next = folder / "next.db";
            std::filesystem::copy_file(first ? five : three, next,
                                       std::filesystem::copy_options::overwrite_existing);
            std::filesystem::rename(next, path);
        }
    });
    for (int i = 0; i < 300; ++i) {
        const auto all = source->snapshots(3);
        if (!all) {
            CHECK(all.error().code == ErrorCode::busy);
            continue;
        }
        std::set<std::int64_t> counts;
        for (const auto& each : *all)
            counts.insert(*each->count("SELECT n FROM t WHERE i = :insurer", kInsurer));
        CHECK(counts.size() == 1);
    }
    over = true;
    swapping.join();
}

TEST_CASE("a statement that fails while it runs is the mapping's fault, not the file's") {
    const test::Folder folder;
    const auto source = *source::open_source("sqlite", made(folder, "s.db", "DELETE"));
    const auto snapshot = *source->snapshot();
    const auto rows =
        *snapshot->rows("SELECT abs(-9223372036854775807 - 1) FROM t WHERE i = :insurer", kInsurer);
    CHECK(rows->next().error().code == ErrorCode::bad_mapping);
}

TEST_CASE("a mapping's statement reads and computes, and can do nothing else") {
    const test::Folder folder;
    const std::string path = made(folder, "s.db", "DELETE");
    {
        sqlite::Database writer(path, sqlite::Open::read_write);
        writer.execute("CREATE VIEW hostile AS SELECT i, fts3_tokenizer('simple') AS n FROM t");
    }
    const auto source = *source::open_source("sqlite", path);
    const auto snapshot = *source->snapshot();
    for (const char* expression :
         {"trim(n) || substr(n, 1, 2)", "CASE WHEN n > 1 THEN 'a' ELSE printf('%04d', n) END",
          "coalesce(nullif(n, 0), 1)", "strftime('%Y', '2026-11-27')", "replace(n, char(10), ' ')",
          "json_extract('{\"a\":1}', '$.a')", "'{\"a\":1}' ->> 'a'", "upper(hex(n))", "n LIKE '1%'",
          "(SELECT max(n) FROM t)", "row_number() OVER (ORDER BY n)", "group_concat(n)", "round(n / 3.0, 1)"})
        CHECK(snapshot->inspect("SELECT " + std::string(expression) + " AS x FROM t WHERE i = :insurer"));
    CHECK(snapshot->inspect(
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT t.n FROM t, r "
        "WHERE i = :insurer"));
    for (const char* statement :
         {"SELECT fts3_tokenizer('simple', x'4242424242424242') FROM t WHERE i = :insurer",
          "SELECT load_extension('x') FROM t WHERE i = :insurer", "SELECT n FROM hostile WHERE i = :insurer",
          "SELECT random() AS n FROM t WHERE i = :insurer", "SELECT RandomBlob(8) FROM t WHERE i = :insurer",
          "ATTACH 'x' AS :insurer", "PRAGMA journal_mode = WAL",
          "SELECT * FROM pragma_database_list WHERE file = :insurer", "UPDATE t SET n = :insurer",
          "CREATE TEMP TABLE x AS SELECT :insurer", "VACUUM INTO :insurer"})
        CHECK_FALSE(snapshot->inspect(statement));
    std::string sum = "n";
    for (int i = 0; i < 300; ++i) sum = "(" + sum + " + 1)";
    CHECK_FALSE(snapshot->inspect("SELECT " + sum + " FROM t WHERE i = :insurer"));
}

TEST_CASE("opening a source anew ends no lock that a reading of it holds") {
    constexpr off_t kSharedFirst = 0x40000002;  // https://www.sqlite.org/lockingv3.html
    constexpr off_t kSharedSize = 510;
    const test::Folder folder;
    const std::string path = (folder / "s.db").string();
    sqlite::Database(path, sqlite::Open::create).execute("CREATE TABLE t (n)");
    const auto locked = [&] {
        const pid_t other = ::fork();  // a lock is seen by other processes alone
        if (other == 0) {
            struct flock lock {};
            lock.l_type = F_WRLCK;
            lock.l_start = kSharedFirst;
            lock.l_len = kSharedSize;
            const int file = ::open(path.c_str(), O_RDWR);
            ::_exit(::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK ? 0 : 1);
        }
        int status = 0;
        ::waitpid(other, &status, 0);
        return WEXITSTATUS(status) == 1;
    };
    CHECK_FALSE(locked());
    const auto source = *source::open_source("sqlite", path);
    auto snapshots = *source->snapshots(2);
    CHECK(locked());
    {
        const auto other = *source::open_source("sqlite", path);
        CHECK(other->note().empty());
        CHECK(other->snapshot());
    }
    CHECK(snapshots[0]->verify());
    CHECK(locked());
    snapshots.clear();
    CHECK_FALSE(locked());
}

TEST_CASE("a database that is written over without asking is no state to be read") {
    const test::Folder folder;
    const std::string path = (folder / "s.db").string();
    {
        sqlite::Database writer(path, sqlite::Open::create);
        writer.execute("CREATE TABLE t (i, n)");
        writer.execute(
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) "
            "INSERT INTO t SELECT '122192', n FROM c");
    }
    const auto source = *source::open_source("sqlite", path);
    const auto snapshot = *source->snapshot();
    const auto rows = *snapshot->rows("SELECT n FROM t WHERE i = :insurer", *InsurerNumber::parse("122192"));
    REQUIRE(*rows->next());
    CHECK(snapshot->verify());
    folder.write("s.db", std::string(std::filesystem::file_size(path), 'x'));
    Result<bool> more = true;
    while (more && *more) more = rows->next();
    REQUIRE_FALSE(more);
    CHECK(more.error().code == ErrorCode::busy);
    CHECK_FALSE(snapshot->verify());
}
