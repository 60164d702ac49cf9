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
    CHECK(rows->front().cells == cells);
}

TEST_CASE("a file is read whole or not at all, and the line is named") {
    CHECK(parse_csv("a,b\r\nc,d", 10)->size() == 2);
    CHECK(parse_csv("", 10)->empty());
    const auto nothing = parse_csv("\x80\xFF\xFF\x81", 10);
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().remedy.find("CSV UTF-8") != std::string::npos);
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

TEST_CASE("a table is read in whatever form a spreadsheet in Japan saves it") {
    const CsvRow head = {"番号", "備考"};
    const CsvRow row = {"12", "一行目\n二行目"};
    const auto is_read = [&](const std::string& bytes) {
        const auto lines = parse_csv(bytes, 100);
        REQUIRE(lines);
        REQUIRE(lines->size() == 2);
        CHECK((*lines)[0].cells == head);
        CHECK((*lines)[1].cells == row);
    };
    is_read("番号,備考\n12,\"一行目\n二行目\"\n");
    is_read("\xEF\xBB\xBF番号,備考\r\n12,\"一行目\n二行目\"\r\n");
    is_read("番号\t備考\n12\t\"一行目\n二行目\"");
    is_read(
        "\x94\xD4\x8D\x86,\x94\xF5\x8D\x6C\r\n12,\"\x88\xEA\x8D\x73\x96\xDA\n\x93\xF1\x8D\x73\x96\xDA\"\r\n");
    std::string wide = "\xFF\xFE";
    for (const char16_t c : std::u16string(u"番号\t備考\r\n12\t\"一行目\n二行目\"\r\n")) {
        wide += static_cast<char>(c & 0xFF);
        wide += static_cast<char>(c >> 8);
    }
    is_read(wide);
}

TEST_CASE("lines are counted as an editor counts them") {
    const auto lines = parse_csv("a,b\r\n\r\n\r\n\"x\ny\",2\r\n3,4\r\n", 100);
    REQUIRE(lines);
    REQUIRE(lines->size() == 3);
    CHECK((*lines)[1].line == 4);
    CHECK((*lines)[2].line == 6);
    CHECK((*parse_csv("a\n\n\nb", 9))[1].line == 4);
}

TEST_CASE("what is no table is refused by its name") {
    const auto named = [](std::string_view bytes, const char* name) {
        const auto lines = parse_csv(bytes, 100);
        REQUIRE_FALSE(lines);
        CHECK(lines.error().message.find(name) != std::string::npos);
    };
    named("PK\x03\x04......[Content_Types].xml....xl/workbook.xml", ".xlsx");
    named("PK\x03\x04......mimetypeapplication/vnd.oasis.opendocument.spreadsheet", ".ods");
    named("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", ".xls");
    named("%PDF-1.7", "PDF");
}
