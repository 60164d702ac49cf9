#pragma once
// kaigo-gateway's arguments, from main() or from a test.

#include "jobs/gateway.h"

namespace kaigo::jobs {

/// @return the exit status
int command_line(int argc, const char* const* argv, World& world);

}  // namespace kaigo::jobs
