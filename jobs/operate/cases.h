#pragma once
// PMHキー cases: the clerk's work list, and the case that is meant.

#include <optional>
#include <string>
#include <vector>

#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

struct CaseSelection {
    std::string insurer;
    std::optional<registration::CaseState> state;  ///< nothing: every open case
    std::string reason;                            ///< errorId or reason of being left in error
    std::optional<Duration> older_than;
};

struct CaseName {
    ledger::CaseId id = 0;  ///< 0: the open case of `insured`
    std::string insurer, insured;
};

/// What a clerk can do now first, oldest first.
Result<std::vector<ledger::CaseRow>> work_list(const spec::Specification& specification,
                                               ledger::LedgerView& view, const CaseSelection& selection,
                                               Instant now);
/// The case that was meant: by its number, or the one that is open of a person.
Result<ledger::CaseRow> case_of(ledger::LedgerView& view, const CaseName& name);
/// Whole days since it was opened, or until it was closed.
std::int64_t case_age_days(const ledger::CaseRow& row, Instant now);

}  // namespace kaigo::jobs
