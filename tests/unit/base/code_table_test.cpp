#include "base/code_table.h"

#include <catch2/catch.hpp>

using kaigo::CodeTable;

TEST_CASE("codes are found by all of their bytes and their length") {
    CodeTable table;
    table.add("1", "one");
    table.add("01", "zero one");
    table.add("seven77", "seven bytes");
    table.add("eight888", "eight bytes");
    table.add("not-enrolled", "long");
    CHECK(*table.find("1") == "one");
    CHECK(*table.find("01") == "zero one");
    CHECK(*table.find("seven77") == "seven bytes");
    CHECK(*table.find("eight888") == "eight bytes");
    CHECK(*table.find("not-enrolled") == "long");
    for (const auto* absent : {"", "0", "11", "seven7", "seven777", "eight889", "not-enrolle"})
        CHECK_FALSE(table.contains(absent));
    CHECK_FALSE(table.contains(std::string_view("1\0", 2)));
}
