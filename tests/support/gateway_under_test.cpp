// kaigo-gateway with a clock that is set by hand and places at which it can be killed. Never installed.
//
//   KAIGO_TEST_NOW         start of the clock, milliseconds since the epoch; waiting moves it, nothing sleeps
//   KAIGO_TEST_KILL_AT     kill -9 itself at the n-th failpoint
//   KAIGO_TEST_TERM_AT     SIGTERM to itself there
//   KAIGO_TEST_JUMP_AT     its clock jumps there, by KAIGO_TEST_JUMP_MS
//   KAIGO_TEST_FAILPOINTS  file that gets the names of the failpoints passed, a line each

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/failpoint.h"
#include "jobs/cli/command_line.h"
#include "jobs/cli/process.h"

namespace {

class ManualClock : public kaigo::Clock {
  public:
    explicit ManualClock(std::int64_t start) : now_(start) {}
    kaigo::Instant now() const override { return kaigo::from_milliseconds(now_); }
    void sleep_until(kaigo::Instant until, const std::stop_token&) override {
        now_ = std::max(now_.load(), kaigo::to_milliseconds(until));
    }
    void jump(std::int64_t milliseconds) { now_ += milliseconds; }

  private:
    std::atomic<std::int64_t> now_;
};

long long number(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? 0 : std::strtoll(text, nullptr, 10);
}

}  // namespace

int main(int argc, char** argv) {
    ManualClock clock(number("KAIGO_TEST_NOW"));
    const long long kill_at = number("KAIGO_TEST_KILL_AT");
    const long long term_at = number("KAIGO_TEST_TERM_AT");
    const long long jump_at = number("KAIGO_TEST_JUMP_AT");
    const char* file = std::getenv("KAIGO_TEST_FAILPOINTS");
    std::ofstream names;
    if (file != nullptr) names.open(file);
    long long passed = 0;
    std::mutex one_at_a_time;  // they are passed by several threads
    kaigo::failpoint_hook = [&](std::string_view name) {
        const std::lock_guard lock(one_at_a_time);
        if (names.is_open()) names << name << std::endl;
        ++passed;
        if (passed == kill_at) ::kill(::getpid(), SIGKILL);
        if (passed == term_at) ::kill(::getpid(), SIGTERM);
        if (passed == jump_at) clock.jump(number("KAIGO_TEST_JUMP_MS"));
    };
    kaigo::jobs::Process process(clock);
    return kaigo::jobs::command_line(argc, argv, process.environment(), process.terminal());
}
