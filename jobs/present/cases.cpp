#include "jobs/present/cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "base/i18n.h"
#include "jobs/operate/cases.h"
#include "jobs/runtime/json_text.h"
#include "jobs/words/case_words.h"
#include "jobs/words/words.h"
#include "spec/record.h"

namespace kaigo::jobs {

namespace json = boost::json;
using ledger::CaseRow;
using registration::CaseEvent;
using registration::CaseState;

namespace {

constexpr std::size_t kShownOfAStep = 20;

std::string state_name(CaseState state) { return std::string(name_of(registration::kCaseStateNames, state)); }

std::string event_name(CaseEvent event) { return std::string(name_of(registration::kCaseEventNames, event)); }

/// The words of a stored event or state; the stored word itself where a newer program wrote it.
std::string stored_event_in_words(const std::string& name) {
    const auto event = value_of(registration::kCaseEventNames, name);
    return event ? case_event_in_words(*event) : name;
}

json::value fact_json(const registration::Fact& fact) {
    if (!fact.known()) return nullptr;
    return json::object{{"value", fact.value}, {"date", json_text(fact.date)}};
}

}  // namespace

json::object case_json(const spec::Specification& specification, const CaseRow& row, Instant now) {
    const registration::PmhCase& c = row.pmh_case;
    json::array answers;
    for (const CaseEvent finding : registration::fitting_findings(c.state))
        answers.push_back(json::object{{"finding", event_name(finding)},
                                       {"words", case_event_in_words(finding)},
                                       {"effect", effect_in_words(c.state, finding)}});
    json::array history;
    for (const auto& step : row.history)
        history.push_back(json::object{{"at", json_time(step.at)},
                                       {"from", step.from},
                                       {"event", step.event},
                                       {"to", step.to},
                                       {"evidence", json_text(step.evidence)},
                                       {"actor", json_text(step.actor)},
                                       {"note", json_text(step.note)}});
    return {{"id", row.id},
            {"insurer", row.insurer},
            {"kind", row.kind},
            {"insured", std::string(spec::insured_number_of(row.key))},
            {"errorId", c.error_id},
            {"state", state_name(c.state)},
            {"reason", json_text(std::string(name_of(registration::kLeftReasonNames, c.left)))},
            {"openedAt", json_time(row.opened_at)},
            {"changedAt", json_time(row.changed_at)},
            {"closedAt", json_time(row.closed_at)},
            {"ageDays", case_age_days(row, now)},
            {"version", row.version},
            {"recurrences", row.recurrences},
            {"lastAnswer", json_text(row.last_answer)},
            {"lastAnswerAt", row.last_answer.empty() ? json::value(nullptr) : json_time(row.last_answer_at)},
            {"record", json_text(row.record_state)},
            {"evidence", json::object{{"exemption", fact_json(c.seen.exemption)},
                                      {"enrolment", fact_json(c.seen.enrolment)},
                                      {"residence", json_text(c.seen.residence)}}},
            {"hindrance", json_text(c.hindrance)},
            {"question", question_in_words(specification, row)},
            {"answers", std::move(answers)},
            {"history", std::move(history)}};
}

void write_list(std::ostream& out, const spec::Specification& specification, const std::vector<CaseRow>& rows,
                bool all, Instant now) {
    CaseState heading = CaseState::none;
    std::size_t shown = 0;
    std::size_t left = 0;
    const auto tell_left = [&] {
        if (left > 0) out << "  " << tr("… and {} more: cases list --all, or cases export", left) << '\n';
        left = 0;
    };
    for (const CaseRow& row : rows) {
        const registration::PmhCase& c = row.pmh_case;
        if (c.state != heading) {
            tell_left();
            shown = 0;
            heading = c.state;
            const auto count = std::count_if(rows.begin(), rows.end(), [&](const CaseRow& other) {
                return other.pmh_case.state == heading;
            });
            out << numbered_step(heading) << ": " << count << '\n';
        }
        if (!all && shown == kShownOfAStep) {
            ++left;
            continue;
        }
        ++shown;
        out << fmt::format("  {:>6}  {} {}  {}  {}", row.id, row.insurer, spec::insured_number_of(row.key),
                           tr("{} days", case_age_days(row, now)), c.error_id);
        if (c.left != registration::LeftReason::none) out << "  " << left_reason_in_words(c.left);
        if (const std::string again = recurrence_in_words(row); !again.empty()) out << "  " << again;
        const std::string evidence = evidence_in_words(c.seen);
        if (!evidence.empty()) out << "  [" << evidence << "]";
        if (!c.hindrance.empty())
            out << "  " << tr("(cannot be sent: {})", reason_in_words(specification, c.hindrance));
        out << '\n';
    }
    tell_left();
}

void write_case(std::ostream& out, const CaseRow& row, const spec::Specification& specification,
                Instant now) {
    const registration::PmhCase& c = row.pmh_case;
    out << tr("Case {}: insurer {}, 被保険者番号 {}", row.id, row.insurer, spec::insured_number_of(row.key))
        << '\n';
    out << "  " << tr("error: {} {}", c.error_id, specification.record_error(c.error_id).meaning) << '\n';
    out << "  "
        << tr("step: {} ({}), open for {} days", numbered_step(c.state), state_name(c.state),
              case_age_days(row, now))
        << '\n';
    if (const std::string again = recurrence_in_words(row); !again.empty()) out << "  " << again << '\n';
    if (!row.record_state.empty()) out << "  " << tr("record: {}", state_in_words(row.record_state)) << '\n';
    const std::string evidence = evidence_in_words(c.seen);
    out << "  "
        << tr("the source says: {}",
              evidence.empty() ? tr("nothing (not read yet, or no evidence in the mapping)") : evidence)
        << '\n';
    out << tr("Question: {}", question_in_words(specification, row)) << '\n';
    const auto findings = registration::fitting_findings(c.state);
    if (!findings.empty()) out << tr("Answers (cases decide {} --finding …):", row.id) << '\n';
    for (const CaseEvent finding : findings)
        out << fmt::format("  {:<24} {}: {}\n", event_name(finding), case_event_in_words(finding),
                           effect_in_words(c.state, finding));
    out << tr("History:") << '\n';
    for (const auto& step : row.history) {
        out << fmt::format("  {}  {}", format_instant(from_milliseconds(step.at)),
                           stored_event_in_words(step.event));
        const auto to = value_of(registration::kCaseStateNames, step.to);
        out << " → " << (to ? case_state_in_words(*to) : step.to);
        if (!step.evidence.empty())
            out << "  [" << fact_in_words(registration::unpack_fact(step.evidence)) << "]";
        if (!step.actor.empty()) out << "  " << step.actor;
        if (!step.note.empty()) out << "  " << step.note;
        out << '\n';
    }
}

void write_without_number(std::ostream& out, const std::vector<ledger::WithoutNumber>& persons) {
    for (const auto& each : persons) out << "  " << without_number_in_words(each) << '\n';
}

boost::json::array without_number_json(const std::vector<ledger::WithoutNumber>& persons) {
    boost::json::array out;
    for (const auto& each : persons) {
        boost::json::array insured;
        for (const std::string& key : each.keys) insured.emplace_back(spec::insured_number_of(key));
        out.push_back(boost::json::object{
            {"insurer", each.insurer}, {"ask", json_text(each.ask)}, {"insured", std::move(insured)}});
    }
    return out;
}

}  // namespace kaigo::jobs
