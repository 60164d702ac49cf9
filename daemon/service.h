#pragma once
// kaigo-gatewayd from its arguments to its exit status.

#include <functional>

#include "base/clock.h"
#include "daemon/daemon.h"

namespace kaigo::daemon {

/// @param ready  called once it is at work, from main() or from a test
/// @return the exit status
int service(int argc, const char* const* argv, Clock& clock,
            const std::function<void(const Daemon&)>& ready = {});

}  // namespace kaigo::daemon
