#include "daemon/schedule.h"

#include <algorithm>

namespace kaigo::daemon {

Instant due_at(const config::ScheduleEntry& entry, std::optional<Instant> last, Instant started) {
    if (entry.every) return last ? *last + *entry.every : started;
    constexpr std::chrono::hours kJapan{9};
    const Instant after = last.value_or(started);
    const Instant midnight = Instant(japan_date(after).days()) - kJapan;
    Instant due = midnight + std::chrono::minutes(entry.at.value_or(0));
    const auto wanted = [&](Instant at) {
        const unsigned day = std::chrono::weekday(japan_date(at).days()).c_encoding();
        return entry.days.empty() || std::ranges::find(entry.days, day) != entry.days.end();
    };
    while (due <= after || !wanted(due)) due += std::chrono::days(1);
    return due;
}

}  // namespace kaigo::daemon
