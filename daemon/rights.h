#pragma once
// Who may ask the daemon for what. Pure.

#include <optional>

#include "config/config.h"
#include "http/server.h"
#include "jobs/commands/registry.h"

namespace kaigo::daemon {

/// @param own  the user that the daemon runs as; it and root may do everything
/// @return nothing for who may not even look
std::optional<jobs::Right> right_of(const http::Peer& peer, const config::ControlSettings& settings,
                                    uid_t own);

}  // namespace kaigo::daemon
