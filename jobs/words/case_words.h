#pragma once
// PMHキー cases in the clerk's words: where one stands, what is asked, what each answer does.

#include <string>
#include <vector>

#include "ledger/view.h"
#include "registration/consent.h"
#include "spec/spec.h"

namespace kaigo::jobs {

std::string case_state_in_words(registration::CaseState state);
/// "①", "②-2": the step's number in the ministry's text; empty where it has none.
std::string step_number(registration::CaseState state);
/// Number and words: "① check the マイナンバー".
std::string numbered_step(registration::CaseState state);
std::string case_event_in_words(registration::CaseEvent event);
std::string left_reason_in_words(registration::LeftReason reason);
/// A fact, as the ledger keeps it: "exempt 2026-04-01".
std::string fact_in_words(const registration::Fact& fact);
/// All evidence of a case in one line; empty when the source says nothing.
std::string evidence_in_words(const registration::Evidence& evidence);

/// How often the error came back, and what was answered last; empty: it is here for the first time.
std::string recurrence_in_words(const ledger::CaseRow& row);

/// What a person is asked at this step, or what the case waits for.
std::string question_in_words(const spec::Specification& specification, const ledger::CaseRow& row);
/// What this answer will do.
std::string effect_in_words(registration::CaseState state, registration::CaseEvent finding);
/// Order of a work list: what a clerk can do now comes first.
int urgency(registration::CaseState state);
/// Whether a person's answer would move the case now.
bool waits_for_person(registration::CaseState state);

/// Persons of one insurer that wait for a マイナンバー, and whom to ask; the first of them by their number.
std::string without_number_in_words(const ledger::WithoutNumber& persons);

std::string consent_in_words(const registration::ConsentVerdict& verdict);

}  // namespace kaigo::jobs
