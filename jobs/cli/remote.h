#pragma once
// A command that the daemon does: asked for over its control socket, watched until it ends. docs/control.md
// has the requests and answers.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "jobs/present/terminal.h"
#include "jobs/runtime/environment.h"

namespace kaigo::jobs {

struct RemoteRequest {
    std::vector<std::string> arguments;  ///< of the command line, without --config
    std::string input;                   ///< content of the file that it reads
    bool json = false;                   ///< one document on standard output, however many runs it takes
};

struct RemoteReply {
    int exit_status = 0;
    std::string output;
};

/// Diagnostics are passed on as they come. When this process is told to stop, the jobs it asked for are too.
/// @return nothing when no daemon runs
Result<std::optional<RemoteReply>> through_daemon(const std::filesystem::path& socket,
                                                  const RemoteRequest& request,
                                                  const Environment& environment, Terminal& terminal);

}  // namespace kaigo::jobs
