#pragma once
// What a run did, for a clerk and for programs.

#include <iosfwd>
#include <string>
#include <vector>

#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

/// What a dry run would do with one kind.
struct PlanRow {
    std::string insurer, kind;
    ledger::Accounting left;
};

void report_plan(std::ostream& out, const std::vector<PlanRow>& plan, bool json);
void report_run(std::ostream& out, const spec::Specification& specification, ledger::LedgerView& view,
                ledger::RunId run, bool json);
void report_runs(std::ostream& out, ledger::LedgerView& view, bool json);

}  // namespace kaigo::jobs
