#pragma once
// kaigo-gateway's arguments, from main() or from a test.

#include "jobs/present/terminal.h"
#include "jobs/runtime/environment.h"

namespace kaigo::jobs {

/// Runs the command in this process, or through the daemon where one runs.
/// @return the exit status
int command_line(int argc, const char* const* argv, Environment& environment, Terminal& terminal);

}  // namespace kaigo::jobs
