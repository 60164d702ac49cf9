#include "jobs/sync/outbound/pacing.h"

#include <algorithm>

namespace kaigo::jobs {

bool Pacing::may_send(Instant now) const {
    if (fatal_ || (paused_until_ && now < *paused_until_)) return false;
    return window_.contains(japan_minute_of_day(now));
}

Instant Pacing::opens_at(Instant now) const {
    constexpr int kMinutesInDay = 24 * 60;
    Instant at = std::max(paused_until_.value_or(now), now);
    for (int i = 0; i < kMinutesInDay && !window_.contains(japan_minute_of_day(at)); ++i)
        at += std::chrono::minutes(1);
    return at;
}

}  // namespace kaigo::jobs
