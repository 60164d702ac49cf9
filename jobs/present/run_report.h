#pragma once
// What a run did, for a clerk and for programs.

#include <boost/json/object.hpp>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "jobs/sync/run.h"
#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

/// Every term of a comparison's account in words, the left-hand side first.
std::vector<std::pair<std::string, std::int64_t>> accounting_terms(const ledger::ComparisonRow& row);
inline constexpr std::size_t kLeftTerms = 9;  ///< of them: rows read to gone
/// Whether the comparison did not finish: its account is shown, but not summed.
inline bool broken_off(const ledger::ComparisonRow& row) {
    using enum ledger::ComparisonEnd;
    return row.outcome.empty() || row.outcome == name_of(ledger::kComparisonEndNames, failed) ||
           row.outcome == name_of(ledger::kComparisonEndNames, held);
}
/// The account in two lines.
void write_accounting(std::ostream& out, const ledger::ComparisonRow& row);
boost::json::object run_json(const ledger::RunRow& run);
boost::json::object comparison_json(const ledger::ComparisonRow& row);

/// A run that has just ended: what it did, what stands where, what is next.
/// @param view  null: the ledger cannot be read
void write_summary(std::ostream& out, const spec::Specification& specification, const RunSummary& summary,
                   const RunOptions& options, ledger::LedgerView* view, const std::string& language);
/// @param rate  records a second that the last large run sent; nothing when there was none
void report_plan(std::ostream& out, const std::vector<PlanRow>& plan, std::optional<double> rate, bool json);
void report_run(std::ostream& out, const spec::Specification& specification, ledger::LedgerView& view,
                ledger::RunId run, bool json);
void report_runs(std::ostream& out, ledger::LedgerView& view, bool json);

}  // namespace kaigo::jobs
