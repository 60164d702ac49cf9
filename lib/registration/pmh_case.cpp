#include "registration/pmh_case.h"

#include <algorithm>

namespace kaigo::registration {
namespace {

/// Evidence that has not driven the step yet.
bool fresh(const Fact& seen, const Fact& used) { return seen.known() && seen != used; }

/// One step that the evidence suffices for.
bool step(PmhCase& pmh_case, CaseMoves& moves) {
    const Fact exemption = pmh_case.seen.exemption;
    const Fact enrolment = pmh_case.seen.enrolment;
    const bool new_exemption = fresh(exemption, pmh_case.exemption_used);
    const bool new_enrolment = fresh(enrolment, pmh_case.enrolment_used);
    const bool now_exempt = new_exemption && exemption.value == fact::kExempt;
    const auto take = [&](CaseEvent event, const Fact& by) {
        return move_case(pmh_case, event, pack_fact(by), moves);
    };
    switch (pmh_case.state) {
        case CaseState::awaiting_exemption_check:
            if (!new_exemption) return false;
            pmh_case.exemption_used = exemption;
            return take(now_exempt ? CaseEvent::source_exempt : CaseEvent::source_not_exempt, exemption);
        case CaseState::awaiting_enrolment_check:
            if (now_exempt) return take(CaseEvent::source_exemption_changed, exemption);
            if (!new_enrolment) return false;
            pmh_case.enrolment_used = enrolment;
            return take(enrolment.value == fact::kEnrolled      ? CaseEvent::source_enrolled
                        : enrolment.value == fact::kNotEnrolled ? CaseEvent::source_not_enrolled
                                                                : CaseEvent::source_unconfirmable,
                        enrolment);
        case CaseState::waiting_for_enrolment:
            if (now_exempt) return take(CaseEvent::source_exemption_changed, exemption);
            if (!new_enrolment || enrolment.value == fact::kNotEnrolled) return false;
            pmh_case.enrolment_used = enrolment;
            return take(enrolment.value == fact::kEnrolled ? CaseEvent::source_enrolled
                                                           : CaseEvent::source_unconfirmable,
                        enrolment);
        case CaseState::left_in_error:
            // A person left it before the source was ever read: later evidence is compared with what the
            // source says first.
            if (!pmh_case.exemption_used.known() && !now_exempt) pmh_case.exemption_used = exemption;
            if (!pmh_case.enrolment_used.known()) pmh_case.enrolment_used = enrolment;
            // The reason why it was left in error is no longer in the source.
            if (pmh_case.left == LeftReason::exempt && pmh_case.exemption_used.value == fact::kExempt &&
                !exemption.known()) {
                pmh_case.exemption_used = {};
                return take(CaseEvent::source_exemption_changed, exemption);
            }
            if (pmh_case.left == LeftReason::exempt ? fresh(exemption, pmh_case.exemption_used) : now_exempt)
                return take(CaseEvent::source_exemption_changed, exemption);
            if (pmh_case.left == LeftReason::enrolment_unconfirmable &&
                fresh(enrolment, pmh_case.enrolment_used))
                return take(CaseEvent::source_enrolment_changed, enrolment);
            return false;
        default:
            return false;
    }
}

}  // namespace

std::string pack_fact(const Fact& fact) {
    return fact.date.empty() ? fact.value : fact.value + " " + fact.date;
}

Fact unpack_fact(std::string_view text) {
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) return {std::string(text), ""};
    return {std::string(text.substr(0, space)), std::string(text.substr(space + 1))};
}

bool PmhCase::operator==(const PmhCase& other) const {
    return state == other.state && error_id == other.error_id && left == other.left &&
           seen.exemption == other.seen.exemption && seen.enrolment == other.seen.enrolment &&
           seen.residence == other.seen.residence && exemption_used == other.exemption_used &&
           enrolment_used == other.enrolment_used && hindrance == other.hindrance;
}

bool move_case(PmhCase& pmh_case, CaseEvent event, std::string evidence, CaseMoves& moves) {
    const auto to = next_case_state(pmh_case.state, event);
    if (!to) return false;
    moves.push_back({pmh_case.state, event, *to, std::move(evidence)});
    pmh_case.state = *to;
    switch (event) {
        case CaseEvent::exempt:
        case CaseEvent::source_exempt:
            pmh_case.left = LeftReason::exempt;
            break;
        case CaseEvent::enrolment_unconfirmable:
        case CaseEvent::source_unconfirmable:
            pmh_case.left = LeftReason::enrolment_unconfirmable;
            break;
        default:
            if (*to != CaseState::left_in_error) pmh_case.left = LeftReason::none;
    }
    return true;
}

bool decide_case(PmhCase& pmh_case, CaseEvent finding, LeftReason why, CaseMoves& moves) {
    if ((finding == CaseEvent::leave_in_error) != (why != LeftReason::none)) return false;
    const CaseState at = pmh_case.state;
    // ⑦ has two reasons, each the answer to its own question.
    if (why == LeftReason::exempt && at != CaseState::awaiting_exemption_check) return false;
    if (why == LeftReason::enrolment_unconfirmable && at == CaseState::awaiting_exemption_check) return false;
    if (!move_case(pmh_case, finding, std::string(name_of(kLeftReasonNames, why)), moves)) return false;
    if (why != LeftReason::none) pmh_case.left = why;
    // The person knew what the source says now when answering: only a different fact moves the case again.
    if (at == CaseState::awaiting_exemption_check) pmh_case.exemption_used = pmh_case.seen.exemption;
    if (at == CaseState::awaiting_enrolment_check || at == CaseState::waiting_for_enrolment)
        pmh_case.enrolment_used = pmh_case.seen.enrolment;
    return true;
}

bool reverse_case(PmhCase& pmh_case, CaseMoves& moves) {
    if (pmh_case.state == CaseState::awaiting_new_mynumber)
        return move_case(pmh_case, CaseEvent::reversed_mynumber, "", moves);
    if (pmh_case.state != CaseState::left_in_error) return false;
    // What the source said then was found wrong, so the same fact must not answer again.
    const bool exempt = pmh_case.left == LeftReason::exempt;
    (exempt ? pmh_case.exemption_used : pmh_case.enrolment_used) =
        exempt ? pmh_case.seen.exemption : pmh_case.seen.enrolment;
    return move_case(pmh_case, exempt ? CaseEvent::reversed_exemption : CaseEvent::reversed_enrolment, "",
                     moves);
}

bool is_decision(CaseEvent event) {
    const bool reversed = event == CaseEvent::reversed_mynumber || event == CaseEvent::reversed_exemption ||
                          event == CaseEvent::reversed_enrolment;
    return reversed || std::ranges::find(kFindings, event) != kFindings.end();
}

std::vector<CaseEvent> fitting_findings(CaseState state) {
    std::vector<CaseEvent> out;
    for (const CaseEvent finding : kFindings)
        if (next_case_state(state, finding)) out.push_back(finding);
    return out;
}

void follow_evidence(PmhCase& pmh_case, CaseMoves& moves) {
    // Each step uses a fact up, so this ends; the bound is for the reader.
    for (std::size_t i = 0; i < kCaseEdges.size() && step(pmh_case, moves);) ++i;
}

}  // namespace kaigo::registration
