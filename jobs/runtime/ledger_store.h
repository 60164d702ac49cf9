#pragma once
// The ledger that the configuration names.

#include "config/config.h"
#include "ledger/store.h"

namespace kaigo::jobs {

inline ledger::Store ledger_store(const config::Config& config) { return ledger::Store(config.ledger); }

}  // namespace kaigo::jobs
