#include "ledger/sql/text.h"

#include <catch2/catch.hpp>

using namespace kaigo::ledger::sql;

TEST_CASE("a statement gets the numbers and parts that it names") {
    CHECK(expanded("SELECT 1 FROM record WHERE state = {record:pending} AND owed = {owed:remove}") ==
          "SELECT 1 FROM record WHERE state = 1 AND owed = 3");
    CHECK(expanded("NOT {leaves}") == "NOT (coalesce(owed, 0) = 3 AND (flags & 1) = 0)");
    CHECK_THROWS(expanded("state = {record:nowhere}"));
}

TEST_CASE("a statement with a number that has no name, or a word of one engine, is refused") {
    for (const char* text :
         {"SELECT key FROM record WHERE state = 1", "UPDATE record SET owed = 3", "flags = flags | 8",
          "WHERE (flags & 4) != 0", "state IN (4, 6)", "LIMIT 1000", "GROUP BY 2", "substr(key, 1, 10)",
          "INSERT OR REPLACE INTO cursor VALUES (?1, ?2)", "likely(a = b)", "outcome IS NOT 'done'",
          "CAST(?1 AS BLOB)", "WHERE reason GLOB ?1", "state = {record:nowhere}", "state = {record:pending"})
        CHECK_THROWS(detail::require_known(text));
    for (const char* text : {"SELECT 1 FROM record WHERE insurer = ?1 AND key >= ?12 LIMIT 1",
                             "due_at IS NOT NULL", "attempts = 0", "state IN ({record:pending})"})
        CHECK_NOTHROW(detail::require_known(text));
}
