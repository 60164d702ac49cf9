#include "source/source.h"

#include <catch2/catch.hpp>

#include "base/sqlite.h"
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
