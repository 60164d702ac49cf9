#pragma once
// One request over a Unix socket, waited for.

#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "http/client.h"

namespace kaigo::http {

/// @return not_sent when nobody listens there. However long the answer takes, it is waited for.
tl::expected<ClientResponse, NoResponse> ask_locally(const std::filesystem::path& socket,
                                                     const ClientRequest& request);

}  // namespace kaigo::http
