#pragma once
// What the service manager is told (sd_notify); nothing where none listens.

#include <optional>
#include <string>

#include "base/clock.h"

namespace kaigo::daemon {

void notify_ready();
void notify_reloading();
void notify_stopping();
void notify_status(const std::string& status);
void feed_watchdog();
/// How often the watchdog wants to be fed at least; nothing when there is none.
std::optional<Duration> watchdog_interval();

}  // namespace kaigo::daemon
