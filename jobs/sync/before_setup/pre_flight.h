#pragma once
// What must be so before an initial setup sends its first record.

#include <cstdint>
#include <map>
#include <string>

#include "jobs/sync/run.h"

namespace kaigo::jobs {

/// Checks host, connection and every row, and tells what will come of them. Asks about the preconditions that
/// the configuration leaves open, and finally whether to begin. `--yes` answers; without a terminal nothing
/// else can.
/// @param my_numbers_read  counts the マイナンバー that were read, however this ends
/// @return rows by kind; error `needs_person` when the setup must not begin
Result<std::map<std::string, std::int64_t>> pre_flight(JobContext& context, const config::Insurer& insurer,
                                                       const RunOptions& options,
                                                       const std::string& base_date,
                                                       std::int64_t& my_numbers_read, Observer& observer);

}  // namespace kaigo::jobs
