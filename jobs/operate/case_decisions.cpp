#include "jobs/operate/case_decisions.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/i18n.h"
#include "base/text.h"
#include "jobs/operate/case_table.h"
#include "jobs/operate/open_records.h"
#include "jobs/runtime/ledger_store.h"
#include "jobs/runtime/stores.h"
#include "jobs/words/case_words.h"
#include "spec/record.h"

namespace kaigo::jobs {

using ledger::CaseRow;
using ledger::CaseStep;
using ledger::KnownCase;
using ledger::SharedLedger;
using registration::CaseEvent;
using registration::CaseState;
using registration::LeftReason;

namespace {

constexpr std::size_t kLongestNote = 500;
constexpr std::size_t kLongestName = 100;
constexpr int kMyNumberDigits = 12;

std::string name_of_finding(CaseEvent finding) {
    return std::string(name_of(registration::kCaseEventNames, finding));
}

/// A finding by its word in the contract, or by the words the table shows.
std::optional<CaseEvent> finding_of(const std::string& text) {
    const std::string plain = plain_form(text);
    for (const CaseEvent finding : registration::kFindings)
        if (plain == name_of_finding(finding) || plain == plain_form(case_event_in_words(finding)))
            return finding;
    return std::nullopt;
}

std::optional<LeftReason> reason_of(const std::string& text) {
    for (const auto& [reason, name] : registration::kLeftReasonNames)
        if (text == name || (!text.empty() && plain_form(text) == plain_form(left_reason_in_words(reason))))
            return reason;
    return std::nullopt;
}

/// What a person writes must not carry a マイナンバー into ledger and audit log, however its digits are
/// grouped. Digits keep counting across spaces and signs of any width; only letters and dates end a number.
bool may_hold_my_number(std::string_view text) {
    constexpr std::size_t kDate = 10;  // 2026-11-02
    int digits = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (Date::parse_iso(text.substr(i, kDate))) {
            digits = 0;
            i += kDate;
            continue;
        }
        const auto byte = [&](std::size_t at) {
            return static_cast<unsigned char>(i + at < text.size() ? text[i + at] : 0);
        };
        const std::size_t size = byte(0) < 0x80 ? 1 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
        const unsigned point = size == 3   ? (byte(0) & 15U) << 12 | (byte(1) & 63U) << 6 | (byte(2) & 63U)
                               : size == 1 ? byte(0)
                                           : 0xFFFFFF;
        const bool digit = (point >= '0' && point <= '9') || (point >= 0xFF10 && point <= 0xFF19);
        const bool letter = (point < 0x80 && std::isalpha(static_cast<int>(point)) != 0) ||
                            (point >= 0x3041 && point <= 0x30FA) || (point >= 0x3400 && point <= 0x9FFF);
        if (digit && ++digits >= kMyNumberDigits) return true;
        if (letter) digits = 0;
        i += size;
    }
    return false;
}

Status check_words(const std::string& text, std::size_t longest, const std::string& what) {
    const auto characters = count_characters(text);
    const bool clean = characters && std::none_of(text.begin(), text.end(),
                                                  [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    if (!clean || *characters > longest)
        return fail(
            ErrorCode::usage,
            tr("{}: at most {} characters, without line breaks or control characters", what, longest));
    if (may_hold_my_number(text))
        return fail(ErrorCode::usage,
                    tr("{}: twelve digits look like a マイナンバー, which must not be written here", what));
    return {};
}

struct Answer {
    CaseEvent finding = CaseEvent::reopen;
    LeftReason reason = LeftReason::none;
    std::string note;
};

/// In words, and as --finding takes it.
std::string in_words(CaseEvent finding) {
    return case_event_in_words(finding) + " (" + name_of_finding(finding) + ")";
}

std::string fitting_in_words(CaseState state) {
    std::string out;
    for (const CaseEvent finding : registration::fitting_findings(state))
        out += (out.empty() ? "" : ", ") + in_words(finding);
    return out.empty() ? tr("none") : out;
}

/// The step that an answer takes, with what the source says already, or why it does not fit.
Result<CaseStep> answer_case(const KnownCase& known, const Answer& answer, const std::string& actor) {
    CaseStep step{known, known.pmh_case, {}, false, actor, answer.note};
    if (registration::decide_case(step.next, answer.finding, answer.reason, step.moves)) {
        registration::follow_evidence(step.next, step.moves);
        return step;
    }
    const CaseState at = known.pmh_case.state;
    if (answer.finding != CaseEvent::leave_in_error && answer.reason != LeftReason::none)
        return fail(ErrorCode::usage,
                    tr("case {}: the answer \"{}\" has no reason; only \"{}\" has one", known.id,
                       case_event_in_words(answer.finding), case_event_in_words(CaseEvent::leave_in_error)))
            .remedy(tr("take the reason out, or give the answer that it belongs to"));
    if (answer.finding == CaseEvent::leave_in_error && answer.reason == LeftReason::none)
        return fail(ErrorCode::usage, tr("leave-in-error needs a reason"))
            .remedy(tr("add --reason exempt or --reason enrolment-unconfirmable: there are no others"));
    if (answer.finding == CaseEvent::leave_in_error && registration::next_case_state(at, answer.finding))
        return fail(ErrorCode::usage, tr("case {}: \"{}\" is no reason at this step", known.id,
                                         left_reason_in_words(answer.reason)))
            .remedy(tr("the reason is the answer to the step's own question: {}", case_state_in_words(at)));
    const bool reversible = at == CaseState::awaiting_new_mynumber || at == CaseState::left_in_error;
    return fail(ErrorCode::usage, tr("the answer \"{}\" does not fit case {}: it stands at \"{}\"",
                                     case_event_in_words(answer.finding), known.id, case_state_in_words(at)))
        .remedy(reversible
                    ? tr("if an earlier answer was wrong: kaigo-gateway cases decide {} --reverse", known.id)
                    : tr("answers that fit: {}", fitting_in_words(at)));
}

/// Who decided: the OS user, and the name that was given beside it.
std::string actor_of(const Environment& environment, const std::string& given) {
    return given.empty() ? environment.actor : given + " (" + environment.actor + ")";
}

Status audit_decisions(Stores& stores, Environment& environment, const std::vector<CaseStep>& steps,
                       const std::string& actor) {
    for (const CaseStep& step : steps)
        for (const registration::CaseMove& move : step.moves)
            if (registration::is_decision(move.event))
                KAIGO_CHECK(
                    stores.audit(environment.clock.now(), "case-decided", actor,
                                 {{"case", std::to_string(step.known.id)},
                                  {"finding", name_of_finding(move.event)},
                                  {"from", std::string(name_of(registration::kCaseStateNames, move.from))},
                                  {"to", std::string(name_of(registration::kCaseStateNames, move.to))}}));
    return {};
}

/// Several answers in their order, or one taken back.
Result<CaseStep> decide_steps(const KnownCase& known, const Decision& decision, const std::string& actor) {
    if (decision.reverse) {
        CaseStep step{known, known.pmh_case, {}, false, actor, decision.note};
        if (registration::reverse_case(step.next, step.moves)) return step;
        return fail(ErrorCode::usage, tr("case {} stands at \"{}\": there is no answer to take back",
                                         known.id, case_state_in_words(known.pmh_case.state)))
            .remedy(tr("answers that fit: {}", fitting_in_words(known.pmh_case.state)));
    }
    CaseStep all{known, known.pmh_case, {}, false, actor, decision.note};
    for (const std::string& word : decision.findings) {
        const auto finding = finding_of(word);
        if (!finding) return fail(ErrorCode::usage, tr("there is no finding \"{}\"", word));
        KnownCase here = known;
        here.pmh_case = all.next;
        // The reason belongs to leave-in-error; among several answers that is the last one.
        const bool last = &word == &decision.findings.back();
        KAIGO_TRY(CaseStep step,
                  answer_case(
                      here, {*finding, last ? *reason_of(decision.reason) : LeftReason::none, decision.note},
                      actor));
        all.next = step.next;
        std::ranges::move(step.moves, std::back_inserter(all.moves));
    }
    return all;
}

}  // namespace

Result<Decided> decide_case(const config::Config& config, Environment& environment,
                            const Decision& decision) {
    KAIGO_CHECK(check_words(decision.note, kLongestNote, "--note"));
    KAIGO_CHECK(check_words(decision.operator_name, kLongestName, "--operator"));
    KAIGO_TRY(const auto stores, open_stores(config, environment));
    SharedLedger& ledger = stores->ledger();
    // A job of the same insurer may be at work: the case must not move between question and answer.
    const auto alone = ledger.lock();
    KAIGO_TRY(auto view, ledger_store(config).view());
    KAIGO_TRY(CaseRow row, case_of(view, decision.name));
    const auto known = ledger->case_by_id(row.id);
    if (!known) return fail(ErrorCode::usage, tr("there is no case {}", row.id));
    const std::string actor = actor_of(environment, decision.operator_name);
    KAIGO_TRY(CaseStep step, decide_steps(*known, decision, actor));
    // The log first: a decision that cannot be recorded is not taken.
    KAIGO_CHECK(audit_decisions(*stores, environment, {step}, actor));
    ledger->step_cases({step}, environment.clock.now());
    return Decided{std::move(row), std::move(step)};
}

// ---- A table that came back

namespace {

/// The step of one line; nothing when it was taken by an earlier import.
Result<std::optional<CaseStep>> take_line(SharedLedger& ledger, const TableLine& line,
                                          const std::string& actor, std::vector<std::string>& notices) {
    KAIGO_TRY(const std::int64_t id, line.number(column::kCase));
    KAIGO_TRY(const std::int64_t version, line.number(column::kVersion));
    const auto known = ledger->case_by_id(id);
    if (!known) return fail(ErrorCode::bad_data, tr("there is no case {}", id));
    // By default a spreadsheet drops leading zeros.
    std::string insured = plain_form(line.cell(column::kInsured));
    if (insured.find_first_of("eE+.") != std::string::npos) KAIGO_CHECK(line.number(column::kInsured));
    if (insured.size() < spec::kInsuredNumberWidth)
        insured.insert(0, spec::kInsuredNumberWidth - insured.size(), '0');
    if (insured != spec::insured_number_of(known->key))
        return fail(ErrorCode::bad_data, tr("case {} is another person's", id));
    Answer answer{.note = line.cell(column::kNote)};
    const auto finding = finding_of(line.cell(column::kFinding));
    if (!finding)
        return fail(ErrorCode::bad_data, tr("the answer is not one of the possible ones"))
            .remedy(tr("answers that fit: {}", fitting_in_words(known->pmh_case.state)));
    answer.finding = *finding;
    const auto reason = reason_of(line.cell(column::kReason));
    if (!reason) return fail(ErrorCode::bad_data, tr("the reason is exempt or enrolment-unconfirmable"));
    answer.reason = *reason;
    KAIGO_CHECK(check_words(answer.note, kLongestNote, tr("note")));
    if (const auto decided = ledger->case_decided(id, version, *finding)) {
        if (!answer.note.empty() && answer.note != *decided)
            notices.push_back(
                tr("line {}: case {} was answered so before; this line's note is not kept", line.line, id));
        return std::optional<CaseStep>();
    }
    if (known->version != version)
        return fail(ErrorCode::bad_data, tr("case {} has moved on since the table was written", id));
    KAIGO_TRY(auto step, answer_case(*known, answer, actor));
    return std::optional(std::move(step));
}

/// What of the table as a whole is not taken.
std::vector<std::string> notices_of(const ParsedTable& table) {
    std::vector<std::string> out;
    out.reserve(table.unread.size() + 1);
    for (const std::string& heading : table.unread)
        out.push_back(tr("the column \"{}\" is not read", heading.substr(0, 40)));
    if (!table.exported && !table.lines.empty())
        out.push_back(tr("the column \"{}\" cannot be read: whether rows were taken out is not known",
                         tr("row of the table")));
    if (table.exported && table.lines.size() < *table.exported)
        out.push_back(tr("the table had {} rows when it was exported, this file has {}: the others stay open",
                         *table.exported, table.lines.size()));
    return out;
}

}  // namespace

Result<ImportedAnswers> import_answers(const config::Config& config, Environment& environment,
                                       const CaseTable& table, const std::string& operator_name,
                                       bool dry_run) {
    KAIGO_CHECK(check_words(operator_name, kLongestName, "--operator"));
    KAIGO_TRY(const auto parsed, parse_case_table(table.bytes, table.file));
    KAIGO_TRY(const auto stores, open_stores(config, environment));
    SharedLedger& ledger = stores->ledger();
    const auto alone = ledger.lock();
    const std::string actor = actor_of(environment, operator_name);
    ImportedAnswers out;
    out.notices = notices_of(parsed);
    std::string faults;
    std::set<ledger::CaseId> seen;
    for (const TableLine& line : parsed.lines) {
        if (line.cell(column::kFinding).empty()) {
            ++out.empty;
            if (!line.cell(column::kNote).empty() || !line.cell(column::kReason).empty())
                out.notices.push_back(
                    tr("line {}: a note or reason without an answer is not taken", line.line));
            continue;
        }
        auto step = take_line(ledger, line, actor, out.notices);
        if (step && *step && !seen.insert((*step)->known.id).second)
            step = fail(ErrorCode::bad_data, tr("case {} stands in the table twice", (*step)->known.id));
        if (!step)
            faults += "\n" + tr("line {}: {}", line.line, step.error().text());
        else if (*step)
            out.steps.push_back(std::move(**step));
        else
            ++out.already;
    }
    if (!faults.empty())
        return fail(ErrorCode::bad_data, tr("nothing was imported:") + faults)
            .at(table.file)
            .remedy(tr("correct these lines, or export again"));
    if (out.steps.empty() || dry_run) return out;
    KAIGO_CHECK(audit_decisions(*stores, environment, out.steps, actor));
    ledger->step_cases(out.steps, environment.clock.now());
    return out;
}

}  // namespace kaigo::jobs
