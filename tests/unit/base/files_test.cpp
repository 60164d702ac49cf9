#include "base/files.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;

TEST_CASE(
    "a removed file is gone at once, one that is not there is no fault, and one that cannot go is told") {
    const test::Folder folder;
    const auto open_files = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    const auto before = open_files();
    {
        Background later;
        folder.write("a", "text");
        CHECK(remove_file(folder / "a", later));
        CHECK_FALSE(std::filesystem::exists(folder / "a"));
        CHECK(remove_file(folder / "a", later));
        std::filesystem::create_directory(folder / "b");
        CHECK_FALSE(remove_file(folder / "b", later));
        CHECK(std::filesystem::exists(folder / "b"));
    }
    CHECK(open_files() == before);
}
