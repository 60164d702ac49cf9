#include "base/background.h"

#include <catch2/catch.hpp>
#include <future>
#include <vector>

using namespace kaigo;

TEST_CASE("what is left is done in its order before the thread goes") {
    std::vector<int> done;
    {
        std::promise<void> begin;
        Background background;
        background.later([&] { begin.get_future().wait(); });
        for (int i = 0; i < 100; ++i) background.later([&done, i] { done.push_back(i); });
        CHECK(done.empty());
        begin.set_value();
    }
    REQUIRE(done.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(done[static_cast<std::size_t>(i)] == i);
}
