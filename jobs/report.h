#pragma once
// What a run did, for a clerk and for programs.

#include <boost/json/object.hpp>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

/// What a dry run would do with one kind.
struct PlanRow {
    std::string insurer, kind;
    ledger::Accounting left;
    std::int64_t requests = 0;
    std::int64_t bytes = 0;  ///< of their bodies
};

/// Every term of a comparison's account in words, the left-hand side first.
std::vector<std::pair<std::string, std::int64_t>> accounting_terms(const ledger::ComparisonRow& row);
inline constexpr std::size_t kLeftTerms = 9;  ///< of them: rows read to gone
/// Whether the comparison came to no end: its account is told, and not summed.
inline bool broken_off(const ledger::ComparisonRow& row) {
    return row.outcome.empty() || row.outcome == "failed" || row.outcome == "held";
}
/// The account in two lines.
void write_accounting(std::ostream& out, const ledger::ComparisonRow& row);
boost::json::object run_json(const ledger::RunRow& run);
boost::json::object comparison_json(const ledger::ComparisonRow& row);

/// @param rate  records a second that the last large run sent; nothing when there was none
void report_plan(std::ostream& out, const std::vector<PlanRow>& plan, std::optional<double> rate, bool json);
void report_run(std::ostream& out, const spec::Specification& specification, ledger::LedgerView& view,
                ledger::RunId run, bool json);
void report_runs(std::ostream& out, ledger::LedgerView& view, bool json);

}  // namespace kaigo::jobs
