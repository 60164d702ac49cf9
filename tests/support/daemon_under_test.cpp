// kaigo-gatewayd with a clock that its test moves. Never installed.
//
//   KAIGO_TEST_NOW   start of the clock, milliseconds since the epoch
//
// On standard input, `until MS` moves the clock from one due thing to the next, as fast as the work between
// them is done; `idle` waits until nothing is at work. `at MS` on standard output answers.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

#include "daemon/service.h"

namespace {

class StepClock : public kaigo::Clock {
  public:
    explicit StepClock(std::int64_t start) : now_(kaigo::from_milliseconds(start)) {}

    kaigo::Instant now() const override {
        const std::lock_guard lock(mutex_);
        return now_;
    }

    void sleep_until(kaigo::Instant until, const std::stop_token& stop) override {
        std::unique_lock lock(mutex_);
        const auto here = sleepers_.insert(until);
        changed_.notify_all();
        woken_.wait(lock, stop, [&] { return now_ >= until; });
        sleepers_.erase(here);
        changed_.notify_all();
    }

    /// Waits until everyone sleeps; with `until`, wakes them one after the other up to that time.
    void pass(const kaigo::daemon::Daemon& daemon, std::optional<kaigo::Instant> until) {
        std::unique_lock lock(mutex_);
        for (;;) {
            // The schedule sleeps beside the jobs. Nothing signals that a job has ended, so look again.
            while (sleepers_.size() != daemon.working_lanes() + 1 || *sleepers_.begin() <= now_)
                changed_.wait_for(lock, std::chrono::milliseconds(1));
            if (!until) return;
            now_ = std::max(now_, std::min(*until, *sleepers_.begin()));
            woken_.notify_all();
            if (now_ >= *until && *sleepers_.begin() > now_) return;
        }
    }

  private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::condition_variable_any woken_;
    std::multiset<kaigo::Instant> sleepers_;
    kaigo::Instant now_;
};

void obey(StepClock& clock, const kaigo::daemon::Daemon& daemon) {
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string verb;
        std::int64_t milliseconds = 0;
        words >> verb;
        if (verb == "until" && words >> milliseconds)
            clock.pass(daemon, kaigo::from_milliseconds(milliseconds));
        else
            clock.pass(daemon, std::nullopt);
        std::cout << "at " << kaigo::to_milliseconds(clock.now()) << std::endl;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const char* start = std::getenv("KAIGO_TEST_NOW");
    StepClock clock(start == nullptr ? 0 : std::strtoll(start, nullptr, 10));
    const int status = kaigo::daemon::service(argc, argv, clock, [&](const kaigo::daemon::Daemon& daemon) {
        std::thread([&] { obey(clock, daemon); }).detach();
    });
    // The thread that reads standard input uses the clock and the daemon to the very end, so do not destroy
    // them.
    std::cout.flush();
    std::_Exit(status);
}
