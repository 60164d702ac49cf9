#include "base/clock.h"

#include <fmt/core.h>

#include <condition_variable>
#include <mutex>

namespace kaigo {
namespace {
constexpr std::chrono::hours kJapan{9};
}

Instant SystemClock::now() const { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

void SystemClock::sleep_until(Instant until, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_until(lock, stop, until, [] { return false; });
}

Date japan_date(Instant instant) { return Date(std::chrono::floor<std::chrono::days>(instant + kJapan)); }

Instant japan_midnight(const Date& day) { return Instant(day.days()) - kJapan; }

int japan_minute_of_day(Instant instant) {
    const auto local = instant + kJapan;
    const auto day = std::chrono::floor<std::chrono::days>(local);
    return static_cast<int>(std::chrono::duration_cast<std::chrono::minutes>(local - day).count());
}

std::string format_instant(Instant instant) {
    const auto local = std::chrono::floor<std::chrono::seconds>(instant) + kJapan;
    const auto day = std::chrono::floor<std::chrono::days>(local);
    const std::chrono::hh_mm_ss time(local - day);
    return fmt::format("{}T{:02}:{:02}:{:02}+09:00", Date(day).iso(), time.hours().count(),
                       time.minutes().count(), time.seconds().count());
}

}  // namespace kaigo
