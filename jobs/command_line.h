#pragma once
// kaigo-gateway's arguments, from main() or from a test.

#include "jobs/gateway.h"

namespace kaigo::jobs {

/// @return the exit status
int command_line(int argc, const char* const* argv, World& world);

/// Makes a World of this process (streams, terminal, OS user, signals) around a clock, and runs command_line
/// in it. The first SIGINT or SIGTERM drains, the second ends at once.
int run_process(int argc, const char* const* argv, Clock& clock);

}  // namespace kaigo::jobs
