#include "base/text.h"

#include <catch2/catch.hpp>

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
