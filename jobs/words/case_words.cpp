#include "jobs/words/case_words.h"

#include <algorithm>

#include "base/i18n.h"
#include "jobs/words/words.h"
#include "spec/record.h"

namespace kaigo::jobs {

using registration::CaseEvent;
using registration::CaseState;
using registration::ConsentReason;
using registration::LeftReason;

namespace fact = registration::fact;

std::string case_state_in_words(CaseState state) {
    switch (state) {
        case CaseState::none:
            return {};
        case CaseState::awaiting_mynumber_check:
            return tr("check the マイナンバー");
        case CaseState::awaiting_new_mynumber:
            return tr("enter the right マイナンバー in the core system");
        case CaseState::deleting:
            return tr("being deleted, to be registered anew");
        case CaseState::registering_anew:
            return tr("being registered anew");
        case CaseState::awaiting_exemption_check:
            return tr("check whether the person is exempt (生活保護)");
        case CaseState::awaiting_enrolment_check:
            return tr("check the medical insurance");
        case CaseState::waiting_for_enrolment:
            return tr("waits for enrolment in a medical insurance");
        case CaseState::ready_to_renew:
            return tr("will be sent as 更新");
        case CaseState::renewing:
            return tr("being sent as 更新");
        case CaseState::left_in_error:
            return tr("left in error");
        case CaseState::awaiting_operator:
            return tr("an operator decides when to send it again");
        case CaseState::closed:
            return tr("closed");
    }
    return {};
}

std::string step_number(CaseState state) {
    switch (state) {
        case CaseState::awaiting_mynumber_check:
            return "①";
        case CaseState::awaiting_new_mynumber:
        case CaseState::deleting:
        case CaseState::registering_anew:
            return "②-2";
        case CaseState::awaiting_exemption_check:
            return "②-1";
        case CaseState::awaiting_enrolment_check:
            return "③④";
        case CaseState::waiting_for_enrolment:
            return "⑤";
        case CaseState::ready_to_renew:
        case CaseState::renewing:
            return "⑥";
        case CaseState::left_in_error:
            return "⑦";
        default:
            return {};
    }
}

std::string numbered_step(CaseState state) {
    const std::string number = step_number(state);
    return number.empty() ? case_state_in_words(state) : number + " " + case_state_in_words(state);
}

std::string case_event_in_words(CaseEvent event) {
    switch (event) {
        case CaseEvent::mynumber_correct:
            return tr("the マイナンバー is right");
        case CaseEvent::mynumber_wrong:
            return tr("the マイナンバー is wrong");
        case CaseEvent::exempt:
            return tr("exempt (生活保護)");
        case CaseEvent::not_exempt:
            return tr("not exempt");
        case CaseEvent::enrolment_unconfirmable:
            return tr("enrolment cannot be confirmed");
        case CaseEvent::not_enrolled:
            return tr("not enrolled");
        case CaseEvent::enrolled:
            return tr("enrolled");
        case CaseEvent::leave_in_error:
            return tr("leave it in error");
        case CaseEvent::reopen:
            return tr("examine it again");
        case CaseEvent::renew:
            return tr("send it as 更新");
        case CaseEvent::source_number_changed:
            return tr("source: the マイナンバー is another one now");
        case CaseEvent::source_number_ready:
            return tr("source: another, valid マイナンバー is there");
        case CaseEvent::source_exempt:
            return tr("source: exempt");
        case CaseEvent::source_not_exempt:
            return tr("source: not exempt");
        case CaseEvent::source_enrolled:
            return tr("source: enrolled");
        case CaseEvent::source_not_enrolled:
            return tr("source: not enrolled");
        case CaseEvent::source_unconfirmable:
            return tr("source: enrolment cannot be confirmed");
        case CaseEvent::source_exemption_changed:
            return tr("source: the exemption changed");
        case CaseEvent::source_enrolment_changed:
            return tr("source: the medical insurance changed");
        case CaseEvent::source_gone:
            return tr("source: the person is gone");
        case CaseEvent::renewal_sent:
            return tr("sent as 更新");
        case CaseEvent::result_linked:
            return tr("result: registered and linked");
        case CaseEvent::result_not_linked:
            return tr("result: not linked");
        case CaseEvent::result_needs_operator:
            return tr("result: an operator must decide");
        case CaseEvent::result_deleted:
            return tr("result: deleted");
        case CaseEvent::result_not_there:
            return tr("result: the platform has no such record");
        case CaseEvent::result_still_there:
            return tr("result: still registered; deleted once more");
        case CaseEvent::reversed_mynumber:
            return tr("taken back: \"the マイナンバー is wrong\"");
        case CaseEvent::reversed_exemption:
            return tr("taken back: exempt");
        case CaseEvent::reversed_enrolment:
            return tr("taken back: enrolment cannot be confirmed");
    }
    return {};
}

std::string left_reason_in_words(LeftReason reason) {
    switch (reason) {
        case LeftReason::exempt:
            return tr("exempt (生活保護)");
        case LeftReason::enrolment_unconfirmable:
            return tr("enrolment cannot be confirmed");
        case LeftReason::none:
            break;
    }
    return {};
}

std::string fact_in_words(const registration::Fact& fact) {
    const std::string word =
        fact.value == fact::kExempt          ? tr("exempt (生活保護)")
        : fact.value == fact::kNotExempt     ? tr("not exempt")
        : fact.value == fact::kEnrolled      ? tr("enrolled")
        : fact.value == fact::kNotEnrolled   ? tr("not enrolled")
        : fact.value == fact::kUnconfirmable ? tr("enrolment cannot be confirmed")
        : fact.value == name_of(registration::kLeftReasonNames, LeftReason::enrolment_unconfirmable)
            ? left_reason_in_words(LeftReason::enrolment_unconfirmable)
            : fact.value;
    return fact.date.empty() ? word : word + " " + fact.date;
}

std::string evidence_in_words(const registration::Evidence& evidence) {
    std::string out;
    const auto add = [&](const std::string& part) { out += (out.empty() ? "" : "; ") + part; };
    if (evidence.exemption.known()) add(fact_in_words(evidence.exemption));
    if (evidence.enrolment.known()) add(fact_in_words(evidence.enrolment));
    if (!evidence.residence.empty()) add(tr("住所地特例, lives in municipality {}", evidence.residence));
    return out;
}

std::string recurrence_in_words(const ledger::CaseRow& row) {
    if (row.recurrences == 0) return {};
    const auto event = value_of(registration::kCaseEventNames, row.last_answer);
    if (!event) return tr("came back {} times", row.recurrences);
    return tr("came back {} times; last answer: {}, {}", row.recurrences, case_event_in_words(*event),
              japan_date(from_milliseconds(row.last_answer_at)).iso());
}

std::string question_in_words(const spec::Specification& specification, const ledger::CaseRow& row) {
    const registration::PmhCase& c = row.pmh_case;
    if (!c.hindrance.empty() && registration::is_open(c.state))
        return tr("First correct the row in the core system, it cannot be sent as it stands: {}.",
                  reason_in_words(specification, c.hindrance));
    if (row.record_state == "rejected")
        return tr("the record itself is held: see it with: kaigo-gateway explain, and mend that first");
    switch (c.state) {
        case CaseState::awaiting_mynumber_check:
            return tr(
                "Is the マイナンバー in the core system that of this person? Compare it with the application "
                "or "
                "the 住民基本台帳.");
        case CaseState::awaiting_new_mynumber:
            return tr(
                "Nothing to answer: enter the right マイナンバー in the core system; the next daily-sync "
                "deletes the "
                "record and registers it anew. If the answer was wrong: cases decide {} --reverse.",
                row.id);
        case CaseState::awaiting_exemption_check:
            return tr("Is the person exempt from medical insurance (生活保護)?");
        case CaseState::awaiting_enrolment_check:
            return tr("Is the person enrolled in a medical insurance, and can that be confirmed?");
        case CaseState::waiting_for_enrolment:
            return tr("Has the enrolment in a medical insurance been confirmed meanwhile?");
        case CaseState::left_in_error:
            return tr(
                "Nothing to answer: the record stays in error ({}). It goes on by itself when the facts "
                "change "
                "in the core system. If the answer was wrong: cases decide {} --reverse.",
                left_reason_in_words(c.left), row.id);
        case CaseState::awaiting_operator:
            return tr(
                "The platform answered {}. Ask the platform's operator what is behind it; then have the "
                "record "
                "sent again, or leave it.",
                c.error_id);
        case CaseState::deleting:
        case CaseState::registering_anew:
        case CaseState::ready_to_renew:
        case CaseState::renewing:
            return tr("Nothing to answer: it goes by itself.");
        case CaseState::none:
        case CaseState::closed:
            break;
    }
    return tr("Nothing to answer: the case is closed.");
}

std::string effect_in_words(CaseState state, CaseEvent finding) {
    if (finding == CaseEvent::leave_in_error)
        return tr("the record stays on the platform in error, for one of two reasons (--reason)");
    const auto to = registration::next_case_state(state, finding);
    if (!to) return {};
    switch (*to) {
        case CaseState::awaiting_new_mynumber:
            return tr(
                "the case waits for another マイナンバー in the core system, then deletes and registers "
                "anew");
        case CaseState::awaiting_exemption_check:
            return tr("the next question is whether the person is exempt");
        case CaseState::awaiting_enrolment_check:
            return tr("the next question is the medical insurance");
        case CaseState::waiting_for_enrolment:
            return tr("the case waits until enrolment is confirmed");
        case CaseState::ready_to_renew:
            return tr("the record is sent as 更新 by the next job");
        case CaseState::left_in_error:
            return tr(
                "the record stays on the platform in error: it can be seen, but the person's data from other "
                "municipalities cannot");
        case CaseState::awaiting_mynumber_check:
            return tr("the questions begin anew");
        default:
            return case_state_in_words(*to);
    }
}

int urgency(CaseState state) {
    switch (state) {
        case CaseState::awaiting_mynumber_check:
            return 0;
        case CaseState::awaiting_exemption_check:
            return 1;
        case CaseState::awaiting_enrolment_check:
            return 2;
        case CaseState::awaiting_operator:
            return 3;
        case CaseState::awaiting_new_mynumber:
            return 4;
        case CaseState::waiting_for_enrolment:
            return 5;
        case CaseState::left_in_error:
            return 7;
        case CaseState::closed:
        case CaseState::none:
            return 8;
        default:
            return 6;  // goes by itself
    }
}

bool waits_for_person(CaseState state) { return urgency(state) <= urgency(CaseState::awaiting_operator); }

std::string without_number_in_words(const ledger::WithoutNumber& persons) {
    constexpr std::size_t kShown = 20;
    std::string out = persons.ask.empty() ? tr("{}: {} persons without マイナンバー: enter it in the core "
                                               "system, their records go by themselves:",
                                               persons.insurer, persons.keys.size())
                                          : tr("{}: {} persons under 住所地特例 without マイナンバー: look "
                                               "in the application first, then ask "
                                               "municipality {}:",
                                               persons.insurer, persons.keys.size(), persons.ask);
    for (std::size_t i = 0; i < std::min(kShown, persons.keys.size()); ++i)
        out.append(" ").append(spec::insured_number_of(persons.keys[i]));
    if (persons.keys.size() > kShown)
        out += " " + tr("… and {} more: report --format csv names them all", persons.keys.size() - kShown);
    return out;
}

std::string consent_in_words(const registration::ConsentVerdict& verdict) {
    const std::string day = verdict.day ? verdict.day->iso() : std::string("-");
    switch (verdict.reason) {
        case ConsentReason::granted:
            return tr("consent あり: taken lawfully, day {}", day);
        case ConsentReason::granted_ended:
            return tr(
                "consent あり of {}, ended with the certification (assumption): a new application needs a "
                "new "
                "consent",
                day);
        case ConsentReason::not_consented:
            return tr("consent なし: none was given on the application of {}", day);
        case ConsentReason::old_consent:
            return tr("consent なし: {} is before 2026-04-01, that is the old consent (旧同意)", day);
        case ConsentReason::old_form:
            return tr("consent なし: the application of {} was on the old form", day);
        case ConsentReason::form_unknown:
            return tr(
                "consent なし: the form of the application of {} is not known, and new_form_from does not "
                "vouch "
                "for it",
                day);
        case ConsentReason::before_go_live:
            return tr("consent なし: {} is before go-live, and consent_before_go_live is off", day);
        case ConsentReason::withdrawn:
            return tr("consent なし: withdrawn on {}, and never granted again by sending this again", day);
        case ConsentReason::no_application_date:
            return tr("consent なし: the application has no date");
        case ConsentReason::act_refused:
            return tr("consent なし: refused on {}", day);
        case ConsentReason::act_withdrawn:
            return tr("consent withdrawn (撤回) on {}", day);
    }
    return {};
}

}  // namespace kaigo::jobs
