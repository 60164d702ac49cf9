#include "base/csv.h"

#include <catch2/catch.hpp>

using namespace kaigo;

TEST_CASE(
    "cells that a spreadsheet would compute or shorten stand behind an apostrophe, and come back whole") {
    const CsvRow cells = {"=1+1",       "+81",     "-5",  "@SUM",
                          "\tx",        "'quoted", "01",  "0000000001",
                          "H000000001", "122192",  "2.5", "見本 \"引用\", 改行\n次",
                          "0",          "",        " ",   "1234567890123"};
    const std::string line = csv_line(cells);
    CHECK(line.starts_with("\"'=1+1\",\"'+81\",\"'-5\",\"'@SUM\""));
    CHECK(line.find("\"'0000000001\"") != std::string::npos);
    CHECK(line.find("\"122192\"") != std::string::npos);
    CHECK(line.ends_with("\r\n"));
    const auto rows = parse_csv(std::string(kCsvByteOrderMark) + line, 100);
    REQUIRE(rows);
    REQUIRE(rows->size() == 1);
    CHECK(rows->front() == cells);
}

TEST_CASE("a file is read whole or not at all, and the line is named") {
    CHECK(parse_csv("a,b\r\nc,d", 10)->size() == 2);
    CHECK(parse_csv("", 10)->empty());
    const auto shift_jis = parse_csv("\x94\xED\x95\xDB", 10);
    REQUIRE_FALSE(shift_jis);
    CHECK(shift_jis.error().remedy.find("CSV UTF-8") != std::string::npos);
    const auto open_quote = parse_csv("a\r\n\"b", 10);
    REQUIRE_FALSE(open_quote);
    CHECK(open_quote.error().message.starts_with("line 2"));
    CHECK_FALSE(parse_csv("a,\"b\"c\r\n", 10));
}

TEST_CASE("a cell without end is refused before it fills the memory") {
    CHECK(parse_csv("\"" + std::string(10, 'x') + "\"", 10));
    CHECK_FALSE(parse_csv("\"" + std::string(11, 'x') + "\"", 10));
    CHECK_FALSE(parse_csv("\"" + std::string(5'000'000, 'x'), 10'000));
}
