#include "ledger/sql/codec.h"
#include "ledger/view.h"

namespace kaigo::ledger {

using namespace sql;

namespace {

CaseRow read_case_row(const Statement& row) {
    CaseRow out;
    out.id = row.integer(0);
    out.insurer = text_of(row, 1);
    out.kind = text_of(row, 2);
    out.key = row.blob(3);
    registration::PmhCase& c = out.pmh_case;
    c.state = value_of(registration::kCaseStateNames, row.text(4)).value_or(registration::CaseState::none);
    c.error_id = text_of(row, 5);
    c.left = value_of(registration::kLeftReasonNames, row.text(6)).value_or(registration::LeftReason::none);
    c.seen.exemption = registration::unpack_fact(row.text(7));
    c.seen.enrolment = registration::unpack_fact(row.text(8));
    c.seen.residence = text_of(row, 9);
    out.version = row.integer(10);
    out.opened_at = row.integer(11);
    out.changed_at = row.integer(12);
    out.closed_at = integer_or_null(row, 13);
    if (!row.is_null(14)) out.record_state = flight_name(row.integer(14), row.integer(15));
    out.record_reason = text_of(row, 16);
    c.hindrance = text_of(row, 17);
    out.recurrences = std::max<std::int64_t>(0, row.integer(18));
    out.last_answer = text_of(row, 19);
    out.last_answer_at = row.integer(20);
    return out;
}

}  // namespace

std::vector<StateCount> LedgerView::open_cases() {
    auto rows = session_->prepare(
        "SELECT i.number, c.error_id, c.state, count(*) FROM pmh_case c "
        "JOIN insurer i ON i.id = c.insurer WHERE closed_at IS NULL "
        "GROUP BY i.number, c.error_id, c.state ORDER BY i.number, c.error_id, c.state");
    return state_counts(rows);
}

std::vector<CaseRow> LedgerView::cases(const CaseFilter& filter) {
    auto rows = session_->prepare(
        "{case row} WHERE (?1 = '' OR i.number = ?1) AND (CASE WHEN ?2 = '' THEN c.closed_at IS NULL "
        "ELSE c.state = ?2 END) AND (?3 = '' OR c.error_id = ?3 OR c.left_reason = ?3) "
        "AND (c.opened_at < ?4 OR ?4 IS NULL) ORDER BY c.opened_at, c.id",
        filter.insurer,
        filter.state ? name_of(registration::kCaseStateNames, *filter.state) : std::string_view(),
        filter.reason, filter.opened_before);
    std::vector<CaseRow> out;
    while (rows.step()) out.push_back(read_case_row(rows));
    return out;
}

std::optional<CaseRow> LedgerView::pmh_case(CaseId id) {
    auto row = session_->prepare("{case row} WHERE c.id = ?1", id);
    if (!row.step()) return std::nullopt;
    CaseRow out = read_case_row(row);
    auto steps = session_->prepare(
        "SELECT version, at, from_state, event, to_state, evidence, actor, note FROM pmh_case_history "
        "WHERE pmh_case = ?1 ORDER BY version",
        id);
    while (steps.step())
        out.history.push_back({steps.integer(0), steps.integer(1), text_of(steps, 2), text_of(steps, 3),
                               text_of(steps, 4), text_of(steps, 5), text_of(steps, 6), text_of(steps, 7)});
    return out;
}

std::vector<CaseRow> LedgerView::cases_at(std::int64_t at) {
    auto rows = session_->prepare(
        "{case row} WHERE c.opened_at <= ?1 AND (c.closed_at IS NULL OR c.closed_at > ?1) "
        "ORDER BY c.opened_at, c.id",
        at);
    auto step = session_->prepare(
        "SELECT to_state FROM pmh_case_history WHERE pmh_case = ?1 AND at <= ?2 ORDER BY version DESC "
        "LIMIT 1");
    std::vector<CaseRow> out;
    while (rows.step()) {
        CaseRow row = read_case_row(rows);
        step.reset();
        step.bind(1, row.id).bind(2, at);
        if (step.step())
            row.pmh_case.state =
                value_of(registration::kCaseStateNames, step.text(0)).value_or(row.pmh_case.state);
        out.push_back(std::move(row));
    }
    return out;
}

}  // namespace kaigo::ledger
