#pragma once
// The simulator's HTTPS side: TLS 1.3, client certificates bound to insurers, and the scenario's faults.

#include <functional>
#include <string>

#include "simulator/platform_state.h"

namespace kaigo::simulator {

struct ServerSettings {
    std::string host;
    std::uint16_t port = 0;  ///< 0: any; the chosen one is told to `ready`
    std::string certificate, private_key, client_ca;
    std::int64_t sink_waits_for = 0;  ///< receptions that the sink takes before it tells one as completed
};

/// Serves until SIGTERM or SIGINT; `reload` is called on SIGHUP.
/// @param state  null: a sink (simulator/sink.h)
void serve(const ServerSettings& settings, PlatformState* state, const spec::Specification& specification,
           const std::function<void()>& reload, const std::function<void(std::uint16_t)>& ready);

}  // namespace kaigo::simulator
