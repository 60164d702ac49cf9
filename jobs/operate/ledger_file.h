#pragma once
// The ledger as a file: whether it is sound, and a copy of it.

#include <cstdint>
#include <string>

#include "config/config.h"

namespace kaigo::jobs {

/// A whole copy, also while jobs run.
/// @param file  a new one
/// @return its bytes
Result<std::uint64_t> back_up_ledger(const config::Config& config, const std::string& file);

}  // namespace kaigo::jobs
