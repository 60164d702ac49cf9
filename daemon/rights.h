#pragma once
// Who may ask the daemon for what. Pure.

#include "config/config.h"
#include "http/server.h"

namespace kaigo::daemon {

enum class Right : std::uint8_t { none, view, operate };

/// @param own  the user that the daemon runs as; it and root may do everything
Right right_of(const http::Peer& peer, const config::ControlSettings& settings, uid_t own);

}  // namespace kaigo::daemon
