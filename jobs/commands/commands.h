#pragma once
// The commands: each asks or does one thing, prints it in its form, and returns the exit status.

#include <string>

#include "jobs/operate/case_decisions.h"
#include "jobs/operate/cases.h"
#include "jobs/operate/held.h"
#include "jobs/present/terminal.h"
#include "jobs/runtime/job_context.h"
#include "jobs/sync/before_setup/validation.h"
#include "jobs/sync/run.h"

namespace kaigo::jobs {

/// What a command works with.
struct CommandContext {
    const config::Config& config;
    Environment& environment;
    Terminal& terminal;
};

// ---- Jobs

int run(JobContext& context, Terminal& terminal, const RunOptions& options);
int list_jobs(const CommandContext& context, std::int64_t id, bool json);

// ---- This host and what is installed on it

int check_spec(const CommandContext& context, bool json);
int doctor(const CommandContext& context, bool json);
struct ValidateOptions {
    ValidationScope scope;
    std::string format = "text";
    std::string output;  ///< file; empty: standard output
};
int validate_mapping(const CommandContext& context, const ValidateOptions& options);
int support_bundle(const CommandContext& context, const std::string& file);

// ---- Records

int status(const CommandContext& context, bool json);
int explain(const CommandContext& context, const std::string& insurer, const std::string& insured, bool json);
struct HeldOptions {
    HeldSelection selection;
    std::string format = "text";
    bool all = false;  ///< the list does not stop at twenty
    bool yes = false;  ///< resend everything without a question
};
int held_list(const CommandContext& context, const HeldOptions& options);
int held_resend(const CommandContext& context, const HeldOptions& options);
struct ReportOptions {
    std::optional<Date> day;  ///< nothing: today
    ledger::RunId run = 0;    ///< instead of a day
    std::string format = "text";
};
int report(const CommandContext& context, const ReportOptions& options);

// ---- PMHキー cases

struct CasesOptions {
    CaseSelection selection;
    bool all = false;  ///< the list does not stop at twenty of a step
    bool json = false;
};
int cases_list(const CommandContext& context, const CasesOptions& options);
int cases_show(const CommandContext& context, const CaseName& name, bool json);
int cases_decide(const CommandContext& context, const Decision& decision, bool json);
/// Prints the table.
int cases_table(const CommandContext& context, const CasesOptions& options);
/// Writes it into a new file: beside one that is there already, under a name of its own.
int place_case_table(Terminal& terminal, const CaseTable& table, bool json);
Result<std::string> read_case_table(const std::string& file);
int cases_import(const CommandContext& context, const CaseTable& table, const std::string& operator_name,
                 bool dry_run, bool json);

// ---- Ledger and audit log

int audit_verify(const CommandContext& context, bool json);
int ledger_check(const CommandContext& context, bool json);
/// @param file  a new one
int ledger_backup(const CommandContext& context, const std::string& file, bool json);
int ledger_rotate_key(const CommandContext& context, bool json);

}  // namespace kaigo::jobs
