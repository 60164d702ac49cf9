#include "jobs/operate/cases.h"

#include <algorithm>

#include "base/i18n.h"
#include "domain/identifiers.h"
#include "jobs/words/case_words.h"
#include "spec/record.h"

namespace kaigo::jobs {

using ledger::CaseRow;

std::int64_t case_age_days(const CaseRow& row, Instant now) {
    const Instant end = row.closed_at ? from_milliseconds(*row.closed_at) : now;
    return std::chrono::floor<std::chrono::days>(end - from_milliseconds(row.opened_at)).count();
}

Result<CaseRow> case_of(ledger::LedgerView& view, const CaseName& name) {
    if (name.id != 0) {
        auto found = view.pmh_case(name.id);
        if (!found) return fail(ErrorCode::usage, tr("there is no case {}", name.id));
        return *std::move(found);
    }
    KAIGO_TRY(const auto insured, InsuredNumber::parse(name.insured));
    std::vector<CaseRow> found = view.cases({name.insurer, std::nullopt, "", std::nullopt});
    std::erase_if(found,
                  [&](const CaseRow& row) { return spec::insured_number_of(row.key) != insured.value(); });
    if (found.empty()) return fail(ErrorCode::usage, tr("{} has no open case", insured.value()));
    if (found.size() > 1)
        return fail(
            ErrorCode::usage,
            tr("{} has several open cases: name the one that is meant by its number", insured.value()));
    return found.front();
}

Result<std::vector<CaseRow>> work_list(const spec::Specification& specification, ledger::LedgerView& view,
                                       const CaseSelection& selection, Instant now) {
    // A filter that can find nothing is a mistake, not an empty list.
    const bool known = selection.reason.empty() || specification.record_errors().contains(selection.reason) ||
                       value_of(registration::kLeftReasonNames, selection.reason);
    if (!known)
        return fail(
            ErrorCode::usage,
            tr("--reason is an errorId, exempt or enrolment-unconfirmable, not \"{}\"", selection.reason));
    ledger::CaseFilter filter{selection.insurer, selection.state, selection.reason, std::nullopt};
    if (selection.older_than) filter.opened_before = to_milliseconds(now - *selection.older_than);
    auto rows = view.cases(filter);
    std::stable_sort(rows.begin(), rows.end(), [](const CaseRow& a, const CaseRow& b) {
        return urgency(a.pmh_case.state) < urgency(b.pmh_case.state);
    });
    return rows;
}

}  // namespace kaigo::jobs
