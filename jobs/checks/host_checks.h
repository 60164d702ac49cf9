#pragma once
// Is this host able to work? One list of checks for doctor, for the begin of a setup and for /readyz.

#include <vector>

#include "jobs/checks/check.h"
#include "jobs/runtime/installation.h"

namespace kaigo::jobs {

/// All that can be looked at from the configuration alone, mappings and ledger included.
/// @param connections  whether certificates and the platform are looked at too
std::vector<Check> check_host(const config::Config& config, Instant now, bool connections);

/// What work needs now, looked at quickly: asked for again and again.
std::vector<Check> check_readiness(const Installation& installation, Instant now);
/// Whether work can be done for at least one insurer.
/// @param checks  of check_readiness()
bool is_ready(const std::vector<Check>& checks, const config::Config& config);

}  // namespace kaigo::jobs
