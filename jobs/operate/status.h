#pragma once
// How everything stands: records, cases, runs, certificates, alarms, and what a person must do.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

struct InsurerStatus {
    std::string insurer;
    std::map<std::string, std::map<std::string, std::int64_t>> records;  ///< by kind and state
    std::int64_t open_cases = 0;
    std::optional<std::int64_t> certificate_days;  ///< left; nothing: it cannot be read
    bool setup_complete = false;
};

struct OverallStatus {
    std::vector<InsurerStatus> insurers;         ///< those of the configuration
    std::vector<ledger::StateCount> counts;      ///< records, of every insurer that the ledger knows
    std::vector<ledger::StateCount> open_cases;  ///< kind: errorId, state: step
    std::vector<std::string> to_do;              ///< sentences, the most urgent first
    std::optional<std::int64_t> oldest_waiting;  ///< request under way, milliseconds since the epoch
    std::vector<ledger::RunRow> last_runs;       ///< one a job
    std::vector<ledger::AlarmRow> alarms;        ///< the last of them
};

OverallStatus status_of(const config::Config& config, const spec::Specification& specification,
                        ledger::LedgerView& view, Instant now);

}  // namespace kaigo::jobs
