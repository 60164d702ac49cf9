#include "base/encoding.h"

#include <catch2/catch.hpp>

using namespace kaigo;

TEST_CASE("CP932 and UTF-16 become UTF-8, and nothing stands for what cannot be read") {
    CHECK(from_encoding("\x94\xD4\x8D\x86", Encoding::cp932) == "番号");
    CHECK(from_encoding("\xFB\xFC", Encoding::cp932) == "髙");  // IBM's extension, as Windows has it
    CHECK(from_encoding(std::string_view("\x6A\x75\xF7\x53", 4), Encoding::utf16_le) == "番号");
    CHECK(from_encoding(std::string_view("\x75\x6A\x53\xF7", 4), Encoding::utf16_be) == "番号");
    CHECK_FALSE(from_encoding("\x94", Encoding::cp932));
    CHECK_FALSE(from_encoding("\xFF\xFF", Encoding::cp932));
    CHECK_FALSE(from_encoding(std::string_view("\x00\xD8", 2), Encoding::utf16_le));
}

TEST_CASE("a file's encoding is told by its mark, else by its bytes") {
    CHECK(text_of_file("\xEF\xBB\xBF番号") == "番号");
    CHECK(text_of_file("番号") == "番号");
    CHECK(text_of_file("\x94\xD4\x8D\x86") == "番号");
    CHECK(text_of_file(std::string_view("\xFF\xFE\x6A\x75", 4)) == "番");
    CHECK(text_of_file(std::string_view("\xFE\xFF\x75\x6A", 4)) == "番");
    CHECK_FALSE(text_of_file("\x80\xFF\xFF"));
}
