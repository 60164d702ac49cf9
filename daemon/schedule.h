#pragma once
// When a scheduled job is due. Pure.

#include <optional>

#include "base/clock.h"
#include "config/config.h"

namespace kaigo::daemon {

/// @param last     start of the job's last run, before a restart too; nothing when it never ran
/// @param started  when the daemon started
/// @return when the entry is due. In the past when a run was missed: it is caught up once, at once
Instant due_at(const config::ScheduleEntry& entry, std::optional<Instant> last, Instant started);

}  // namespace kaigo::daemon
