#pragma once
// The commands beside `run`: each prints its result and returns the exit status.

#include <map>
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
    std::map<std::string, std::int64_t> rows_of;  ///< by kind
    std::int64_t form_unknown = 0;                ///< consents told as なし because their form is not known
    std::vector<std::string> empty_kinds;         ///< that other kinds require
    std::vector<std::string> orphans;             ///< in words: child queries with too many of them
};
Result<Validation> validate_rows(const config::Config& config, World& world,
                                 const spec::Specification& specification, std::ostream& out);
int validate_mapping(const config::Config& config, World& world, const ValidateOptions& options);

struct HeldOptions {
    std::string insurer, kind, insured, reason;
    std::string format = "text";
    bool all = false;  ///< the list does not stop at twenty
    bool yes = false;  ///< resend everything without a question
};
int held_list(const config::Config& config, World& world, const HeldOptions& options);
int held_resend(const config::Config& config, World& world, const HeldOptions& options);

struct CasesOptions {
    std::string insurer;
    std::optional<registration::CaseState> state;  ///< nothing: every open case
    std::string reason;                            ///< errorId or reason of being left in error
    std::optional<Duration> older_than;
    bool all = false;  ///< the list does not stop at twenty of a step
    bool json = false;
};
int cases_list(const config::Config& config, World& world, const CasesOptions& options);
/// A table of cases for a spreadsheet: CSV, UTF-8 with BOM.
struct CaseTable {
    std::string file;   ///< where it stands, or is to stand
    std::string bytes;  ///< as they stand there
};
/// Prints the table.
int cases_table(const config::Config& config, World& world, const CasesOptions& options);
/// Writes it into a new file: beside one that is there already, under a name of its own.
int place_case_table(World& world, const CaseTable& table, bool json);
Result<std::string> read_case_table(const std::string& file);
int cases_import(const config::Config& config, World& world, const CaseTable& table,
                 const std::string& operator_name, bool dry_run, bool json);

struct DecideOptions {
    ledger::CaseId id = 0;  ///< 0: the open case of `insured`
    std::string insurer, insured;
    std::vector<std::string> findings;  ///< answers to several steps, in order
    bool reverse = false;               ///< instead: the last answer is taken back
    std::string reason, note;
    std::string operator_name;  ///< beside the OS user
    bool json = false;
};
int cases_show(const config::Config& config, World& world, const DecideOptions& options);
int cases_decide(const config::Config& config, World& world, const DecideOptions& options);

/// The case that was meant: by its number, or the one that is open of a person.
Result<ledger::CaseRow> case_of(ledger::LedgerView& view, const DecideOptions& options);
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
