#include "daemon/lanes.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <set>

#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::daemon;
using namespace std::chrono_literals;

namespace {

constexpr auto kLong = 60s;  // of the host's clock; never waited for where the code is right

jobs::RunOptions options(JobName job, const std::string& insurer) {
    jobs::RunOptions out;
    out.job = job;
    out.insurer = insurer;
    return out;
}

/// Sleepers sleep until their stop.
class StoppedClock : public test::FixedClock {
  public:
    void sleep_until(Instant, const std::stop_token& stop) override {
        std::mutex mutex;
        std::condition_variable_any woken;
        std::unique_lock lock(mutex);
        asleep.count_down();
        woken.wait(lock, stop, [] { return false; });
    }
    std::latch asleep{1};
};

}  // namespace

TEST_CASE("jobs of one insurer run one after the other, and none twice at a time") {
    test::FixedClock clock;
    std::latch begun(1);
    std::latch go_on(1);
    std::atomic<int> at_once = 0;
    std::atomic<int> most = 0;
    Lanes lanes(clock, 4, [&](Job& job) {
        most = std::max(most.load(), ++at_once);
        if (job.options.job == JobName::daily_sync) {
            begun.count_down();
            go_on.wait();
        }
        --at_once;
        return 7;
    });
    const auto first = lanes.enqueue(options(JobName::daily_sync, "122192"), "test");
    begun.wait();
    CHECK(lanes.enqueue(options(JobName::daily_sync, "122192"), "test") == nullptr);
    const auto second = lanes.enqueue(options(JobName::retry_due, "122192"), "test");
    REQUIRE(second != nullptr);
    CHECK(lanes.active_count() == 2);
    go_on.count_down();
    CHECK(lanes.wait_until_idle(kLong));
    CHECK(most == 1);
    CHECK(lanes.find(second->id) == second);
    CHECK(second->state == Job::State::ended);
    CHECK(second->exit_status == 7);
}

TEST_CASE("a job that sleeps gives its place to another insurer's") {
    StoppedClock clock;
    Lanes lanes(clock, 1, [&](Job& job) {
        if (job.options.insurer == "122192") job.clock.sleep_until(test::kNoon + 1h, job.stop.get_token());
        return 0;
    });
    const auto sleeper = lanes.enqueue(options(JobName::daily_sync, "122192"), "test");
    clock.asleep.wait();
    const auto other = lanes.enqueue(options(JobName::daily_sync, "131016"), "test");
    while (other->state != Job::State::ended) std::this_thread::yield();
    CHECK(sleeper->state == Job::State::running);
    sleeper->stop.request_stop();
    CHECK(lanes.wait_until_idle(kLong));
}

TEST_CASE("a stop ends what waits and tells what runs; nothing new begins") {
    StoppedClock clock;
    Lanes lanes(clock, 1, [&](Job& job) {
        job.clock.sleep_until(test::kNoon + 1h, job.stop.get_token());
        return 0;
    });
    lanes.enqueue(options(JobName::daily_sync, "122192"), "test");
    clock.asleep.wait();
    const auto waiting = lanes.enqueue(options(JobName::retry_due, "122192"), "test");
    lanes.stop();
    CHECK(lanes.wait_until_idle(kLong));
    CHECK(waiting->exit_status == info(ErrorCode::busy).exit_status);
    CHECK(lanes.enqueue(options(JobName::daily_sync, "131016"), "test") == nullptr);
}
