#pragma once
// The commands beside `run`: each prints its result and returns the exit status.

#include <string>

#include "jobs/gateway.h"
#include "ledger/view.h"

namespace kaigo::jobs {

int check_spec(const config::Config& config, World& world, bool json);
/// @param connections  whether certificates and the platform are looked at too
int doctor(const config::Config& config, World& world, bool json, bool connections = true);

struct ValidateOptions {
    std::string kind;         ///< empty: all
    std::int64_t sample = 0;  ///< rows per kind; 0: all
    std::string format = "text";
    std::string output;  ///< file; empty: standard output
};
/// All rows, told as text: before an initial setup.
struct Validation {
    std::int64_t rows = 0;
    std::int64_t usable = 0;
    std::int64_t my_numbers = 0;
};
Result<Validation> validate_rows(const config::Config& config, World& world,
                                 const spec::Specification& specification, std::ostream& out);
int validate_mapping(const config::Config& config, World& world, const ValidateOptions& options);

struct HeldOptions {
    std::string insurer, kind, insured, reason;
    bool json = false;
};
int held_list(const config::Config& config, World& world, const HeldOptions& options);
int held_resend(const config::Config& config, World& world, const HeldOptions& options);

struct CasesOptions {
    std::string insurer;
    std::optional<registration::CaseState> state;  ///< nothing: every open case
    std::string reason;                            ///< errorId or reason of being left in error
    std::optional<Duration> older_than;
    bool json = false;
};
int cases_list(const config::Config& config, World& world, const CasesOptions& options);
int cases_show(const config::Config& config, World& world, ledger::CaseId id, bool json);
/// A table of cases for a spreadsheet: CSV, UTF-8 with BOM.
struct CaseTable {
    std::string file;  ///< where it stands, or is to stand
    std::string text;
};
/// Prints the table.
int cases_table(const config::Config& config, World& world, const CasesOptions& options);
/// Writes it into its file; an older one with answers in it is put aside.
int place_case_table(World& world, const CaseTable& table, bool json);
Result<std::string> read_case_table(const std::string& file);
int cases_import(const config::Config& config, World& world, const CaseTable& table,
                 const std::string& operator_name, bool dry_run, bool json);

struct DecideOptions {
    ledger::CaseId id = 0;
    std::string finding, reason, note;
    std::string operator_name;  ///< beside the OS user
    bool json = false;
};
int cases_decide(const config::Config& config, World& world, const DecideOptions& options);

/// What a clerk can do now first, oldest first.
std::vector<ledger::CaseRow> work_list(ledger::LedgerView& view, const CasesOptions& options, Instant now);
/// Whole days since it was opened, or until it was closed.
std::int64_t case_age_days(const ledger::CaseRow& row, Instant now);

struct ReportOptions {
    std::optional<Date> day;  ///< nothing: today
    ledger::RunId run = 0;    ///< instead of a day
    std::string format = "text";
};
int linkage_report(const config::Config& config, World& world, const ReportOptions& options);

int list_jobs(const config::Config& config, World& world, std::int64_t id, bool json);
int status(const config::Config& config, World& world, bool json);
int explain(const config::Config& config, World& world, const std::string& insurer,
            const std::string& insured, bool json);
int audit_verify(const config::Config& config, World& world, bool json);

int ledger_check(const config::Config& config, World& world, bool json);
/// @param file  a new one
int ledger_backup(const config::Config& config, World& world, const std::string& file, bool json);
int rotate_key(const config::Config& config, World& world, bool json);
int support_bundle(const config::Config& config, World& world, const std::string& file);

/// Prints the error and returns its exit status.
int refuse(World& world, const Error& error);

}  // namespace kaigo::jobs
