#include "spool/sorted_file.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/manual_clock.h"
#include "unit/support.h"

using namespace kaigo;

TEST_CASE("what came in any order is given by its key, in bytes, and those of one key as they came") {
    const test::Folder folder;
    test::CountingRandom random;
    auto file = *spool::SortedFile::make(folder.path(), random);
    const std::string last = "\xFF";
    for (const auto& [key, content] : std::vector<std::pair<std::string, std::string>>{
             {"b", "first"}, {last, ""}, {"a", std::string("\0x", 2)}, {"b", "second"}, {"ab", "third"}})
        REQUIRE(file->add(key, content));
    REQUIRE(file->sort());
    std::vector<std::string> got;
    std::string_view before;
    while (*file->next()) {
        if (!got.empty()) CHECK(before == got.back().substr(got.back().find('=') + 1));
        got.push_back(std::string(file->key()) + "=" + std::string(file->content()));
        before = file->content();
    }
    CHECK(got == std::vector<std::string>{"a=" + std::string("\0x", 2), "ab=third", "b=first", "b=second",
                                          last + "="});
}

TEST_CASE("the sorted file has no name, and tells its reader nothing") {
    const test::Folder folder;
    test::CountingRandom random;
    auto file = *spool::SortedFile::make(folder.path(), random);
    const std::string secret = "123456789018 is nobody's number";
    for (int i = 0; i < 2'000; ++i) REQUIRE(file->add(std::to_string(i), secret));
    REQUIRE(file->sort());
    CHECK(std::filesystem::is_empty(folder.path()));
    for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code ignored;
        if (std::filesystem::read_symlink(each, ignored).string().find("sort.tmp") == std::string::npos)
            continue;
        std::ifstream in(each.path(), std::ios::binary);
        const std::string bytes(std::istreambuf_iterator<char>(in), {});
        CHECK(bytes.size() > 2'000 * secret.size());
        CHECK(bytes.find(secret.substr(0, 12)) == std::string::npos);
    }
}

TEST_CASE("a folder that is not there is told") {
    test::CountingRandom random;
    CHECK(spool::SortedFile::make("/nowhere", random).error().code == ErrorCode::cannot_write);
}
