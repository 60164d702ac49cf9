#pragma once
// The audit log beside what the ledger remembers of it.

#include "audit/audit_log.h"
#include "config/config.h"

namespace kaigo::jobs {

/// Fails for a chain that is broken, and for one that ends before the line that the ledger remembers.
Result<audit::Verification> verify_audit_trail(const config::Config& config);

}  // namespace kaigo::jobs
