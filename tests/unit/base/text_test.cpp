#include "base/text.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace kaigo;

TEST_CASE("variation selectors do not count as characters") {
    CHECK(count_characters("葛\U000E0100西") == 2);
    CHECK(count_characters("\U00100A3B田") == 2);
    CHECK(count_characters("") == 0);
    CHECK_FALSE(count_characters("\xED\xA0\x80"));  // an unpaired surrogate
    CHECK_FALSE(count_characters("abc\xFF"));
}

TEST_CASE("names keep their compatibility ideographs while the rest is normalized") {
    CHECK(normalize("が") == "が");
    CHECK(normalize("か\u3099") == "が");
    CHECK(normalize("山\uFA11か\u3099") == "山\uFA11が");
    CHECK(normalize("\U0002F800") == "\U0002F800");
    CHECK(is_normalized("\uFA11"));
    CHECK_FALSE(is_normalized("か\u3099"));
}

TEST_CASE("half-width kana become full-width, voiced marks joined") {
    CHECK(full_width_kana("ｶﾞｷﾞ ｱｰ") == "ガギ　アー");
    CHECK(full_width_kana("ヴァン") == "ヴァン");
    CHECK(is_full_width_kana("サトウ　イチロウ・ジュニアー"));
    CHECK_FALSE(is_full_width_kana("ｻﾄｳ"));
    CHECK_FALSE(is_full_width_kana("さとう"));
}

TEST_CASE("spaces of both widths are trimmed") {
    CHECK(trim(" 　見本 市　 ") == "見本 市");
    CHECK(trim("　　").empty());
}

TEST_CASE("control characters and byte order marks are seen") {
    CHECK(scan_text("a\nb").control);
    CHECK(scan_text(std::string_view("a\0b", 3)).control);
    CHECK(scan_text("\uFEFF見本").control);
    CHECK_FALSE(scan_text("見本").control);
}

TEST_CASE("JSON strings are escaped") {
    std::string out;
    append_json_string(out, "a\"b\\c\x01見本");
    CHECK(out == "\"a\\\"b\\\\c\\u0001見本\"");
}

TEST_CASE("one walk finds what single questions find, wherever a character stands") {
    const std::vector<std::string> pieces = {
        "A",  "z",       "~",    " ",        "\x1F",   "\x7F",         "\n",
        "\"", "見",      "ガ",   "か\u3099", "\uFEFF", "葛\U000E0100", "\uF91D",
        "é",  "e\u0301", "\x80", "\xE8\xA6", "\xFF"};
    for (const std::string& piece : pieces)
        for (std::size_t before = 0; before < 18; ++before)
            for (const std::size_t after : {0U, 1U, 9U}) {
                const std::string text = std::string(before, 'a') + piece + std::string(after, 'b');
                const auto characters = count_characters(text);
                const TextScan scan = scan_text(text);
                INFO(text);
                CHECK(scan.well_formed == characters.has_value());
                CHECK(is_well_formed(text) == characters.has_value());
                if (!characters) continue;
                CHECK(scan.characters == *characters);
                CHECK(scan.normalized == is_normalized(text));
                CHECK(scan.control ==
                      (piece == "\x1F" || piece == "\x7F" || piece == "\n" || piece == "\uFEFF"));
            }
}

TEST_CASE("JSON strings escape what must be, wherever it stands") {
    for (std::size_t before = 0; before < 18; ++before) {
        std::string out;
        append_json_string(out, std::string(before, 'a') + "\"\\\x01見" + std::string(9, 'b'));
        CHECK(out == "\"" + std::string(before, 'a') + "\\\"\\\\\\u0001見bbbbbbbbb\"");
    }
}

TEST_CASE("what a person typed compares whatever width and stop it has") {
    CHECK(plain_form("　適用除外（生活保護）。 ") == plain_form("適用除外(生活保護)"));
    CHECK(plain_form("０１２３") == "0123");
    CHECK(plain_form("ﾏｲﾅﾝﾊﾞｰ.") == "マイナンバー");
    CHECK(plain_form("").empty());
}

TEST_CASE("characters that no name has are noticed") {
    for (const char* text : {"山\uFFFD子", "山\u202E子", "山\u200B子", "山\uFFFE子", "山\uFDD0子",
                             "山\U0001FFFF子", "山\u2060子"})
        CHECK(scan_text(text).suspicious);
    for (const char* text :
         {"髙橋　﨑子", "𠮷田", "辻\U000E0100", "〜～−－ー‐―", "\U00100000", "㍻①㈱", "\uFA19田", "ab\u3099"})
        CHECK_FALSE(scan_text(text).suspicious);
}
