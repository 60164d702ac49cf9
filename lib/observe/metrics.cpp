#include "observe/metrics.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace kaigo::observe {

const std::vector<MetricInfo>& all_metrics() {
    static const std::vector<MetricInfo> kMetrics = {
        {"records", "Records by insurer, kind and state", "insurer kind state"},
        {"open_cases", "Open PMH key cases by insurer, error and step", "insurer error step"},
        {"oldest_waiting_seconds", "Age of the oldest request that is not settled", "insurer"},
        {"oldest_case_seconds", "Age of the oldest open PMH key case", "insurer"},
        {"retries", "Attempts that records and requests under way have behind them", "insurer"},
        {"setup_complete", "1 when the initial setup of the insurer is complete, else 0", "insurer"},
        {"last_run_timestamp_seconds", "Start of the last run, since the epoch", "insurer run_job"},
        {"last_run_duration_seconds", "Duration of the last run", "insurer run_job"},
        {"last_run_exit_status", "Exit status of the last run; 0 is success, 1 asks for a person",
         "insurer run_job"},
        {"alarms", "Alarms in the ledger", ""},
        {"certificate_days", "Days until the client certificate, or one behind it in its file, ends",
         "insurer"},
        {"ca_days", "Days until the next certificate of ca_file ends", ""},
        {"ledger_bytes", "Size of the ledger with its log", ""},
        {"audit_bytes", "Size of the audit log", ""},
        {"spool_bytes", "Size of the encrypted spool", ""},
        {"disk_free_bytes", "Room left where the ledger lies", ""},
        {"jobs_active", "Jobs that work or wait", ""},
    };
    return kMetrics;
}

const MetricInfo& metric(std::string_view name) {
    const auto found = std::ranges::find(all_metrics(), name, &MetricInfo::name);
    if (found == all_metrics().end()) throw std::logic_error("no such metric: " + std::string(name));
    return *found;
}

}  // namespace kaigo::observe
