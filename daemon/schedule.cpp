#include "daemon/schedule.h"

namespace kaigo::daemon {

Instant due_at(const config::ScheduleEntry& entry, std::optional<Instant> last, Instant started) {
    if (entry.every) return last ? *last + *entry.every : started;
    constexpr std::chrono::hours kJapan{9};
    const Instant after = last.value_or(started);
    const Instant midnight = Instant(japan_date(after).days()) - kJapan;
    const Instant today = midnight + std::chrono::minutes(entry.at.value_or(0));
    return today > after ? today : today + std::chrono::days(1);
}

}  // namespace kaigo::daemon
