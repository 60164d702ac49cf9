#include "daemon/rights.h"

#include <catch2/catch.hpp>

using namespace kaigo;
using namespace kaigo::daemon;

TEST_CASE("who may ask the daemon for what goes by user and groups") {
    constexpr uid_t kOwn = 990;
    const config::ControlSettings settings{"control.sock", "operators", "viewers", "administrators"};
    const auto right = [&](uid_t uid, std::vector<std::string> groups) {
        return right_of({uid, "someone", std::move(groups)}, settings, kOwn);
    };
    CHECK(right(0, {}) == jobs::Right(jobs::Right::administer));
    CHECK(right(kOwn, {}) == jobs::Right(jobs::Right::administer));
    CHECK(right(1000, {"users", "administrators"}) == jobs::Right(jobs::Right::administer));
    CHECK(right(1000, {"users", "operators"}) == jobs::Right(jobs::Right::operate));
    CHECK(right(1000, {"users", "viewers"}) == jobs::Right(jobs::Right::view));
    CHECK(right(1000, {"users"}) == std::nullopt);
    CHECK(right(1000, {}) == std::nullopt);
}

TEST_CASE("a right covers itself and what is less") {
    using jobs::Right;
    CHECK(Right(Right::operate).covers(Right::view));
    CHECK(Right(Right::operate).covers(Right::operate));
    CHECK(!Right(Right::view).covers(Right::operate));
    CHECK(!Right(Right::operate).covers(Right::administer));
}
