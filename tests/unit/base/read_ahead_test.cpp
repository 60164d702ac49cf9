#include "base/read_ahead.h"

#include <catch2/catch.hpp>
#include <stdexcept>

using namespace kaigo;

TEST_CASE("blocks come in order, and one lives until the call after the next") {
    int made = 0;
    ReadAhead<int> blocks(4, [&](int& block) -> Result<bool> {
        if (made == 100) return false;
        block = made++;
        return true;
    });
    const int* before = nullptr;
    for (int i = 0; i < 100; ++i) {
        const int* block = *blocks.next();
        REQUIRE(block != nullptr);
        CHECK(*block == i);
        if (before != nullptr) CHECK(*before == i - 1);
        before = block;
    }
    CHECK(*blocks.next() == nullptr);
    CHECK(*blocks.next() == nullptr);
}

TEST_CASE("a failure and an exception reach the reader behind the blocks before them") {
    for (const bool thrown : {false, true}) {
        int made = 0;
        ReadAhead<int> blocks(4, [&](int& block) -> Result<bool> {
            if (made == 2 && thrown) throw std::runtime_error("torn");
            if (made == 2) return fail(ErrorCode::source_unavailable, "gone");
            block = made++;
            return true;
        });
        CHECK(**blocks.next() == 0);
        CHECK(**blocks.next() == 1);
        if (thrown)
            CHECK_THROWS_AS(blocks.next(), std::runtime_error);
        else
            CHECK(blocks.next().error().code == ErrorCode::source_unavailable);
    }
}

TEST_CASE("a reader that leaves early does not wait for the rest") {
    ReadAhead<int> blocks(4, [](int& block) -> Result<bool> {
        block = 1;
        return true;
    });
    CHECK(**blocks.next() == 1);
}
