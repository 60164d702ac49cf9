#pragma once
// A person's answers to the questions of cases, one at a time or in a table.

#include <string>
#include <vector>

#include "jobs/operate/cases.h"
#include "jobs/runtime/job_context.h"

namespace kaigo::jobs {

struct Decision {
    CaseName name;
    std::vector<std::string> findings;  ///< answers to several steps, in order
    bool reverse = false;               ///< instead: the last answer is taken back
    std::string reason, note;
    std::string operator_name;  ///< beside the OS user
};

struct Decided {
    ledger::CaseRow before;
    ledger::CaseStep step;
};

/// Fails for an answer that does not fit, with those that do; nothing has changed then.
Result<Decided> decide_case(const config::Config& config, Environment& environment, const Decision& decision);

/// A table of cases for a spreadsheet: CSV, UTF-8 with BOM.
struct CaseTable {
    std::string file;   ///< where it stands, or is to stand
    std::string bytes;  ///< as they stand there
};

struct ImportedAnswers {
    std::vector<ledger::CaseStep> steps;
    std::int64_t already = 0;  ///< decided so by an earlier import
    std::int64_t empty = 0;
    std::vector<std::string> notices;  ///< what of the table is not taken, and why
};

/// All answers of a table, or none: every line that cannot be taken is named.
Result<ImportedAnswers> import_answers(const config::Config& config, Environment& environment,
                                       const CaseTable& table, const std::string& operator_name,
                                       bool dry_run);

}  // namespace kaigo::jobs
