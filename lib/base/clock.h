#pragma once
// Time comes from outside, so that tests can run through a year in a second.

#include <chrono>
#include <stop_token>
#include <string>

#include "base/date.h"

namespace kaigo {

using Duration = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Duration>;

class Clock {
  public:
    virtual ~Clock() = default;
    virtual Instant now() const = 0;
    /// Returns at `until`, or earlier when `stop` is requested. A manual clock moves itself there.
    virtual void sleep_until(Instant until, const std::stop_token& stop) = 0;
};

class SystemClock : public Clock {
  public:
    Instant now() const override;
    void sleep_until(Instant until, const std::stop_token& stop) override;
};

/// Civil date in Japan (+09:00), whatever TZ says.
Date japan_date(Instant instant);
/// When a day begins in Japan.
Instant japan_midnight(const Date& day);
/// Minutes since midnight in Japan.
int japan_minute_of_day(Instant instant);
/// RFC 3339 with Japan's offset, seconds.
std::string format_instant(Instant instant);

inline std::int64_t to_milliseconds(Instant instant) { return instant.time_since_epoch().count(); }
inline Instant from_milliseconds(std::int64_t ms) { return Instant(Duration(ms)); }

}  // namespace kaigo
