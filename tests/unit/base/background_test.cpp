#include "base/background.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <thread>
#include <vector>

using namespace kaigo;

TEST_CASE("who brings more than is done waits until there is room") {
    std::atomic<std::size_t> brought = 0;
    std::promise<void> begin;
    Background background;
    background.later([&] { begin.get_future().wait(); });
    constexpr std::size_t kAll = 3 * Background::kMost;
    std::thread busy([&] {
        for (; brought < kAll; ++brought) background.later([] {});
    });
    while (brought < Background::kMost - 1) std::this_thread::yield();
    CHECK(brought <= Background::kMost);
    begin.set_value();
    busy.join();
    CHECK(brought == kAll);
}

TEST_CASE("what is left is done in its order before the thread goes") {
    std::vector<int> done;
    {
        std::promise<void> begin;
        Background background;
        background.later([&] { begin.get_future().wait(); });
        for (int i = 0; i < 50; ++i) background.later([&done, i] { done.push_back(i); });
        CHECK(done.empty());
        begin.set_value();
    }
    REQUIRE(done.size() == 50);
    for (int i = 0; i < 50; ++i) CHECK(done[static_cast<std::size_t>(i)] == i);
}
