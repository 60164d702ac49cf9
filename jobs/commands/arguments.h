#pragma once
// The arguments of every command.

#include <string>

#include "jobs/commands/commands.h"

namespace kaigo::jobs {

/// As they were written; check() is called before anything is read from them.
struct Arguments {
    std::string config = "/etc/kaigo-gateway/kaigo-gateway.yaml";
    std::string format = "text";
    bool json() const { return format == "json"; }

    RunOptions run;
    std::string job;  ///< name of run.job, as it was typed
    std::string wait;
    bool standalone = false;
    std::int64_t job_id = 0;

    ValidateOptions validate;
    std::string bundle;
    std::string backup;

    std::string insurer, insured;  ///< of explain
    HeldOptions held;
    ReportOptions report;
    std::string report_day, report_output;

    CasesOptions cases;
    std::string case_state, older_than;
    Decision decide;
    CaseTable table;
    bool import_dry_run = false;

    /// What the parser cannot know: names that the configuration gives, dates, durations. Puts what was
    /// written into the options of the commands.
    Status check(const config::Config& configuration);
};

}  // namespace kaigo::jobs
