#pragma once
// The command's end of the control socket.

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/client.h"

namespace kaigo::control {

/// Asks the daemon.
/// @return nothing when no daemon listens there
Result<std::optional<http::ClientResponse>> ask(const std::filesystem::path& socket,
                                                const std::string& method, const std::string& path,
                                                const std::string& body);

}  // namespace kaigo::control
