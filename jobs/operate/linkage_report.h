#pragma once
// The linkage report of a day or of one run: what was sent, what stands where and why, which cases are open,
// what the operator should do.

#include <string>
#include <vector>

#include "jobs/runtime/job_context.h"
#include "ledger/view.h"

namespace kaigo::jobs {

/// One cause of error with its counts at the end of the last runs, oldest first; the last is the report's
/// own.
struct Cause {
    std::string insurer, kind, state, reason;
    std::vector<std::int64_t> trend;
    std::int64_t count() const { return trend.empty() ? 0 : trend.back(); }
};

/// Open cases at one step by age: up to 7, 30, 90 days, and older.
struct CasesAtStep {
    static constexpr std::array kDays = {7, 30, 90};
    registration::CaseState state = registration::CaseState::none;
    std::array<std::int64_t, 4> by_age{};
    std::int64_t came_back = 0;  ///< of them, cases whose error came back after an answer
    std::int64_t count() const { return by_age[0] + by_age[1] + by_age[2] + by_age[3]; }
};

struct CertificateRow {
    std::string insurer;
    std::optional<std::int64_t> days_left;  ///< nothing: it cannot be read
};

struct LinkageReport {
    std::string title;
    Instant made_at;
    bool present = true;  ///< reaches up to now; otherwise it tells the past, and no tasks
    std::vector<ledger::RunRow> runs;
    std::vector<std::pair<ledger::RunId, ledger::ComparisonRow>> comparisons;
    std::vector<ledger::StateCount> standing;
    std::vector<Cause> causes;
    std::vector<CasesAtStep> cases;
    std::vector<ledger::WithoutNumber> without_number;
    std::vector<ledger::SameNumber> same_numbers;
    std::vector<CertificateRow> certificates;
    std::vector<ledger::AlarmRow> alarms;
    std::vector<std::string> to_do;  ///< sentences, the most urgent first
};

/// A day in Japan.
LinkageReport report_of_day(const config::Config& config, const spec::Specification& specification,
                            ledger::LedgerView& view, const Date& day, Instant now);
LinkageReport report_of_run(const config::Config& config, const spec::Specification& specification,
                            ledger::LedgerView& view, const ledger::RunRow& run, Instant now);

}  // namespace kaigo::jobs
