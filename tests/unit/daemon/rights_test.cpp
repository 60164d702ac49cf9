#include "daemon/rights.h"

#include <catch2/catch.hpp>

using namespace kaigo;
using namespace kaigo::daemon;

TEST_CASE("who may ask the daemon for what goes by user and groups") {
    constexpr uid_t kOwn = 990;
    const config::ControlSettings settings{"control.sock", "operators", "viewers"};
    const auto right = [&](uid_t uid, std::vector<std::string> groups) {
        return right_of({uid, "someone", std::move(groups)}, settings, kOwn);
    };
    CHECK(right(0, {}) == Right::operate);
    CHECK(right(kOwn, {}) == Right::operate);
    CHECK(right(1000, {"users", "operators"}) == Right::operate);
    CHECK(right(1000, {"users", "viewers"}) == Right::view);
    CHECK(right(1000, {"users"}) == Right::none);
    CHECK(right(1000, {}) == Right::none);
}
