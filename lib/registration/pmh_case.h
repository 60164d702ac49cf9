#pragma once
// PMHキー case: what happens with a person's record that the platform stored without linking its PMHキー
// (厚生労働省 第3回自治体説明会, 2026-03-17, quoting IF仕様書 2.02 §5.1.4(2)). A table; pure. The diagram is
// generated from it: docs/states.md.
//
// ① マイナンバー right? ─wrong─► ②-2 new number there ─► 削除 ─► 新規
//        │ right
// ②-1 適用除外? ─yes─► ⑦ left in error
//        │ no
// ③④ 医療保険? ─cannot be confirmed─► ⑦    ─not enrolled─► ⑤ wait ─┐
//        │ enrolled ◄─────────────────────────────────────────────────┘
// ⑥ ready to renew ─► 更新 ─► linked: closed; the same error: ①

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/vocabulary.h"

namespace kaigo::registration {

enum class CaseState : std::uint8_t {
    none,                      ///< no case
    awaiting_mynumber_check,   ///< ①
    awaiting_new_mynumber,     ///< ②-2: waits for another, valid number in the source
    deleting,                  ///< ②-2: 削除 under way
    registering_anew,          ///< ②-2: 新規 under way
    awaiting_exemption_check,  ///< ②-1
    awaiting_enrolment_check,  ///< ③④
    waiting_for_enrolment,     ///< ⑤
    ready_to_renew,            ///< ⑥
    renewing,                  ///< 更新 under way
    left_in_error,             ///< ⑦, until the facts change
    awaiting_operator,  ///< several persons found, or no answer too often: only a person can say what to do
    closed,
};

inline constexpr Names<CaseState, 13> kCaseStateNames = {{
    {CaseState::none, "none"},
    {CaseState::awaiting_mynumber_check, "awaiting-mynumber-check"},
    {CaseState::awaiting_new_mynumber, "awaiting-new-mynumber"},
    {CaseState::deleting, "deleting"},
    {CaseState::registering_anew, "registering-anew"},
    {CaseState::awaiting_exemption_check, "awaiting-exemption-check"},
    {CaseState::awaiting_enrolment_check, "awaiting-enrolment-check"},
    {CaseState::waiting_for_enrolment, "waiting-for-enrolment"},
    {CaseState::ready_to_renew, "ready-to-renew"},
    {CaseState::renewing, "renewing"},
    {CaseState::left_in_error, "left-in-error"},
    {CaseState::awaiting_operator, "awaiting-operator"},
    {CaseState::closed, "closed"},
}};

enum class CaseEvent : std::uint8_t {
    // Findings of a person.
    mynumber_correct,
    mynumber_wrong,
    exempt,
    not_exempt,
    enrolment_unconfirmable,
    not_enrolled,
    enrolled,
    leave_in_error,
    reopen,
    renew,
    // Evidence in the source.
    source_number_changed,
    source_number_ready,  ///< another, valid number stands in the source, and nothing is in flight
    source_exempt,
    source_not_exempt,
    source_enrolled,
    source_not_enrolled,
    source_unconfirmable,
    source_exemption_changed,
    source_enrolment_changed,
    source_gone,
    // What is sent and what comes back.
    renewal_sent,
    result_linked,
    result_not_linked,      ///< the error of the public procedure
    result_needs_operator,  ///< several persons, or no answer too often
    result_deleted,
    result_not_there,    ///< 更新: 対象データなし
    result_still_there,  ///< 新規: 登録済
    // An answer is taken back.
    reversed_mynumber,
    reversed_exemption,
    reversed_enrolment,
};

inline constexpr Names<CaseEvent, 30> kCaseEventNames = {{
    {CaseEvent::mynumber_correct, "mynumber-correct"},
    {CaseEvent::mynumber_wrong, "mynumber-wrong"},
    {CaseEvent::exempt, "exempt"},
    {CaseEvent::not_exempt, "not-exempt"},
    {CaseEvent::enrolment_unconfirmable, "enrolment-unconfirmable"},
    {CaseEvent::not_enrolled, "not-enrolled"},
    {CaseEvent::enrolled, "enrolled"},
    {CaseEvent::leave_in_error, "leave-in-error"},
    {CaseEvent::reopen, "reopen"},
    {CaseEvent::renew, "renew"},
    {CaseEvent::source_number_changed, "source-number-changed"},
    {CaseEvent::source_number_ready, "source-number-ready"},
    {CaseEvent::source_exempt, "source-exempt"},
    {CaseEvent::source_not_exempt, "source-not-exempt"},
    {CaseEvent::source_enrolled, "source-enrolled"},
    {CaseEvent::source_not_enrolled, "source-not-enrolled"},
    {CaseEvent::source_unconfirmable, "source-unconfirmable"},
    {CaseEvent::source_exemption_changed, "source-exemption-changed"},
    {CaseEvent::source_enrolment_changed, "source-enrolment-changed"},
    {CaseEvent::source_gone, "source-gone"},
    {CaseEvent::renewal_sent, "renewal-sent"},
    {CaseEvent::result_linked, "result-linked"},
    {CaseEvent::result_not_linked, "result-not-linked"},
    {CaseEvent::result_needs_operator, "result-needs-operator"},
    {CaseEvent::result_deleted, "result-deleted"},
    {CaseEvent::result_not_there, "result-not-there"},
    {CaseEvent::result_still_there, "result-still-there"},
    {CaseEvent::reversed_mynumber, "reversed-mynumber"},
    {CaseEvent::reversed_exemption, "reversed-exemption"},
    {CaseEvent::reversed_enrolment, "reversed-enrolment"},
}};

/// What a person may find, in the order of the procedure.
inline constexpr std::array kFindings = {
    CaseEvent::mynumber_correct,
    CaseEvent::mynumber_wrong,
    CaseEvent::exempt,
    CaseEvent::not_exempt,
    CaseEvent::not_enrolled,
    CaseEvent::enrolled,
    CaseEvent::enrolment_unconfirmable,
    CaseEvent::leave_in_error,
    CaseEvent::reopen,
    CaseEvent::renew,
};

struct CaseEdge {
    CaseState from;  ///< `none` with `any_open`: from every open state
    CaseEvent event;
    CaseState to;
    bool any_open = false;
};

inline constexpr auto kCaseEdges = [] {
    using enum CaseState;
    using enum CaseEvent;
    return std::array{
        CaseEdge{none, result_not_linked, awaiting_mynumber_check},
        CaseEdge{none, result_needs_operator, awaiting_operator},

        CaseEdge{awaiting_mynumber_check, mynumber_correct, awaiting_exemption_check},
        CaseEdge{awaiting_mynumber_check, mynumber_wrong, awaiting_new_mynumber},
        CaseEdge{awaiting_mynumber_check, source_number_changed, awaiting_new_mynumber},

        CaseEdge{awaiting_new_mynumber, source_number_ready, deleting},
        CaseEdge{awaiting_new_mynumber, reversed_mynumber, awaiting_mynumber_check},
        CaseEdge{deleting, result_deleted, registering_anew},
        CaseEdge{registering_anew, result_not_linked, awaiting_mynumber_check},
        CaseEdge{registering_anew, result_still_there, deleting},
        CaseEdge{registering_anew, source_number_changed, awaiting_new_mynumber},

        CaseEdge{awaiting_exemption_check, exempt, left_in_error},
        CaseEdge{awaiting_exemption_check, source_exempt, left_in_error},
        CaseEdge{awaiting_exemption_check, leave_in_error, left_in_error},
        CaseEdge{awaiting_exemption_check, not_exempt, awaiting_enrolment_check},
        CaseEdge{awaiting_exemption_check, source_not_exempt, awaiting_enrolment_check},
        CaseEdge{awaiting_exemption_check, source_number_changed, awaiting_new_mynumber},
        CaseEdge{awaiting_exemption_check, reopen, awaiting_mynumber_check},  // an answer by mistake

        CaseEdge{awaiting_enrolment_check, enrolment_unconfirmable, left_in_error},
        CaseEdge{awaiting_enrolment_check, source_unconfirmable, left_in_error},
        CaseEdge{awaiting_enrolment_check, leave_in_error, left_in_error},
        CaseEdge{awaiting_enrolment_check, not_enrolled, waiting_for_enrolment},
        CaseEdge{awaiting_enrolment_check, source_not_enrolled, waiting_for_enrolment},
        CaseEdge{awaiting_enrolment_check, enrolled, ready_to_renew},
        CaseEdge{awaiting_enrolment_check, source_enrolled, ready_to_renew},
        CaseEdge{awaiting_enrolment_check, source_exemption_changed, awaiting_exemption_check},
        CaseEdge{awaiting_enrolment_check, source_number_changed, awaiting_new_mynumber},
        CaseEdge{awaiting_enrolment_check, reopen, awaiting_mynumber_check},

        CaseEdge{waiting_for_enrolment, enrolled, ready_to_renew},
        CaseEdge{waiting_for_enrolment, source_enrolled, ready_to_renew},
        CaseEdge{waiting_for_enrolment, enrolment_unconfirmable, left_in_error},
        CaseEdge{waiting_for_enrolment, source_unconfirmable, left_in_error},
        CaseEdge{waiting_for_enrolment, leave_in_error, left_in_error},
        CaseEdge{waiting_for_enrolment, source_exemption_changed, awaiting_exemption_check},
        CaseEdge{waiting_for_enrolment, source_number_changed, awaiting_new_mynumber},
        CaseEdge{waiting_for_enrolment, reopen, awaiting_mynumber_check},

        CaseEdge{ready_to_renew, renewal_sent, renewing},
        CaseEdge{ready_to_renew, source_number_changed, awaiting_new_mynumber},
        CaseEdge{renewing, result_not_linked, awaiting_mynumber_check},
        CaseEdge{renewing, result_not_there, registering_anew},
        CaseEdge{renewing, result_deleted, registering_anew},  // a renumbered history is deleted first
        CaseEdge{renewing, source_number_changed, awaiting_new_mynumber},

        CaseEdge{left_in_error, reversed_exemption, awaiting_exemption_check},
        CaseEdge{left_in_error, reversed_enrolment, awaiting_enrolment_check},
        CaseEdge{left_in_error, source_number_changed, awaiting_new_mynumber},
        CaseEdge{left_in_error, source_exemption_changed, awaiting_exemption_check},
        CaseEdge{left_in_error, source_enrolment_changed, awaiting_enrolment_check},

        CaseEdge{awaiting_operator, renew, ready_to_renew},
        CaseEdge{awaiting_operator, result_not_linked, awaiting_mynumber_check},
        CaseEdge{awaiting_operator, source_number_changed, awaiting_new_mynumber},

        CaseEdge{none, result_linked, closed, true},
        CaseEdge{none, source_gone, closed, true},
        CaseEdge{none, result_needs_operator, awaiting_operator, true},
    };
}();

constexpr bool is_open(CaseState state) { return state != CaseState::none && state != CaseState::closed; }

/// Where an event leads; nothing when it does not fit the state.
constexpr std::optional<CaseState> next_case_state(CaseState from, CaseEvent event) {
    for (const CaseEdge& edge : kCaseEdges)
        if (edge.event == event && (edge.any_open ? is_open(from) : edge.from == from)) return edge.to;
    return std::nullopt;
}

/// Why a case is left in error: there are no other reasons (⑦).
enum class LeftReason : std::uint8_t { none, exempt, enrolment_unconfirmable };

inline constexpr Names<LeftReason, 3> kLeftReasonNames = {{
    {LeftReason::none, ""},
    {LeftReason::exempt, "exempt"},
    {LeftReason::enrolment_unconfirmable, "enrolment-unconfirmable"},
}};

/// One fact of the source: a word of the evidence section's lists and the day since which it holds or on
/// which it was confirmed. Compared as a whole: the same fact drives a step once.
struct Fact {
    std::string value;  ///< empty: the source says nothing
    std::string date;   ///< ISO, or empty
    bool known() const { return !value.empty(); }
    bool operator==(const Fact&) const = default;
};

/// "exempt 2026-04-01", and back.
std::string pack_fact(const Fact& fact);
Fact unpack_fact(std::string_view text);

namespace fact {
inline constexpr std::string_view kExempt = "exempt";
inline constexpr std::string_view kNotExempt = "not-exempt";
inline constexpr std::string_view kEnrolled = "enrolled";
inline constexpr std::string_view kNotEnrolled = "not-enrolled";
inline constexpr std::string_view kUnconfirmable = "unconfirmable";
}  // namespace fact

/// What the source says of one person on one day.
struct Evidence {
    Fact exemption;         ///< 適用除外 (生活保護)
    Fact enrolment;         ///< 医療保険加入状況
    std::string residence;  ///< 保険者番号 of the municipality to ask (住所地特例); empty: none
};

struct PmhCase {
    CaseState state = CaseState::none;
    std::string error_id;  ///< of the latest result
    LeftReason left = LeftReason::none;
    Evidence seen;
    Fact exemption_used;    ///< on which the answer to ②-1 rests
    Fact enrolment_used;    ///< on which the answer to ③④ rests
    std::string hindrance;  ///< why the row cannot be sent as it stands; empty: it can
    bool operator==(const PmhCase&) const;
};

/// One step of a case, for its history.
struct CaseMove {
    CaseState from;
    CaseEvent event;
    CaseState to;
    std::string evidence;  ///< value and date, or errorId; never a マイナンバー
};
using CaseMoves = std::vector<CaseMove>;

/// Takes the edge, when there is one.
bool move_case(PmhCase& pmh_case, CaseEvent event, std::string evidence, CaseMoves& moves);

/// A person's answer to the step at hand.
/// @param why  only with leave_in_error
/// @return false, nothing changed, when it does not fit the step
bool decide_case(PmhCase& pmh_case, CaseEvent finding, LeftReason why, CaseMoves& moves);

/// Takes back an answer that ordinary answers cannot undo: from ②-2 to ①, from ⑦ to the step answered.
/// @return false, nothing changed, where there is none
bool reverse_case(PmhCase& pmh_case, CaseMoves& moves);

/// Whether a person, not source or platform, made this step.
bool is_decision(CaseEvent event);

/// Findings that fit a state.
std::vector<CaseEvent> fitting_findings(CaseState state);

/// Takes every step for which what the source says (`seen`) suffices. Never ① (an unchanged number proves
/// nothing), and never the same fact twice.
void follow_evidence(PmhCase& pmh_case, CaseMoves& moves);

}  // namespace kaigo::registration
