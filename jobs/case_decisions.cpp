// cases decide, export, import: a person's answers, one at a time or in a spreadsheet.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cctype>
#include <filesystem>
#include <ostream>
#include <set>

#include "base/csv.h"
#include "base/files.h"
#include "base/i18n.h"
#include "base/text.h"
#include "jobs/books.h"
#include "jobs/case_words.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"
#include "jobs/looking.h"
#include "ledger/shared_ledger.h"
#include "spec/record.h"

namespace kaigo::jobs {

namespace json = boost::json;
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
constexpr std::size_t kLongestCell = 10'000;
constexpr std::size_t kLargestFile = 64U << 20;
constexpr int kMyNumberDigits = 12;

/// Columns of the table; the last word of a heading names it, whatever language stands before.
constexpr const char* kCase = "case";
constexpr const char* kVersion = "version";
constexpr const char* kInsured = "insured";
constexpr const char* kFinding = "finding";
constexpr const char* kReason = "reason";
constexpr const char* kNote = "note";

std::string name_of_finding(CaseEvent finding) {
    return std::string(name_of(registration::kCaseEventNames, finding));
}

/// A finding by its word in the contract, or by the words the table shows.
std::optional<CaseEvent> finding_of(const std::string& text) {
    for (const CaseEvent finding : registration::kFindings)
        if (text == name_of_finding(finding) || text == case_event_in_words(finding)) return finding;
    return std::nullopt;
}

std::optional<LeftReason> reason_of(const std::string& text) {
    for (const auto& [reason, name] : registration::kLeftReasonNames)
        if (text == name || (!text.empty() && text == left_reason_in_words(reason))) return reason;
    return std::nullopt;
}

/// What a person writes must not carry a マイナンバー into ledger and audit log, in whatever grouping: digits
/// count on across spaces and signs of any width, and only letters and dates end a number.
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

/// The step that an answer takes, or why it does not fit.
Result<CaseStep> answer_case(const KnownCase& known, const Answer& answer, const std::string& actor) {
    CaseStep step{known, known.pmh_case, {}, false, actor, answer.note};
    if (registration::decide_case(step.next, answer.finding, answer.reason, step.moves)) return step;
    const CaseState at = known.pmh_case.state;
    if (answer.finding == CaseEvent::leave_in_error && answer.reason == LeftReason::none)
        return fail(ErrorCode::usage, tr("leave-in-error needs a reason"))
            .remedy(tr("add --reason exempt or --reason enrolment-unconfirmable: there are no others"));
    if (answer.finding == CaseEvent::leave_in_error && registration::next_case_state(at, answer.finding))
        return fail(ErrorCode::usage, tr("case {}: \"{}\" is no reason at this step", known.id,
                                         left_reason_in_words(answer.reason)))
            .remedy(tr("the reason is the answer to the step's own question: {}", case_state_in_words(at)));
    return fail(ErrorCode::usage, tr("the answer \"{}\" does not fit case {}: it stands at \"{}\"",
                                     case_event_in_words(answer.finding), known.id, case_state_in_words(at)))
        .remedy(tr("answers that fit: {}", fitting_in_words(at)));
}

/// Who decided: the OS user, and the name that was given beside it.
std::string actor_of(const World& world, const std::string& given) {
    return given.empty() ? world.actor : given + " (" + world.actor + ")";
}

Status audit_decisions(Books& books, World& world, const std::vector<CaseStep>& steps,
                       const std::string& actor) {
    for (const CaseStep& step : steps)
        KAIGO_CHECK(books.audit(
            world.clock.now(), "case-decided", actor,
            {{"case", std::to_string(step.known.id)},
             {"finding", name_of_finding(step.moves.front().event)},
             {"from", std::string(name_of(registration::kCaseStateNames, step.moves.front().from))},
             {"to", std::string(name_of(registration::kCaseStateNames, step.next.state))}}));
    return {};
}

Result<CaseStep> decide(const config::Config& config, World& world, const DecideOptions& options) {
    KAIGO_CHECK(check_words(options.note, kLongestNote, "--note"));
    KAIGO_CHECK(check_words(options.operator_name, kLongestName, "--operator"));
    Answer answer{.note = options.note};
    const auto finding = finding_of(options.finding);
    if (!finding) return fail(ErrorCode::usage, tr("there is no finding \"{}\"", options.finding));
    answer.finding = *finding;
    answer.reason = *reason_of(options.reason);
    KAIGO_TRY(const auto books, open_books(config, world));
    SharedLedger& ledger = books->ledger();
    // A job of the same insurer may be at work: the case must not move between question and answer.
    const auto alone = ledger.hold();
    const auto known = ledger->case_by_id(options.id);
    if (!known) return fail(ErrorCode::usage, tr("there is no case {}", options.id));
    const std::string actor = actor_of(world, options.operator_name);
    KAIGO_TRY(const CaseStep step, answer_case(*known, answer, actor));
    // The log first: a decision that cannot be recorded is not taken.
    KAIGO_CHECK(audit_decisions(*books, world, {step}, actor));
    ledger->step_cases({step}, world.clock.now());
    return step;
}

// ---- The table

CsvRow headings() {
    return {tr("case number") + " " + kCase,
            tr("version") + " " + kVersion,
            tr("insurer") + " insurer",
            tr("insured number") + " " + kInsured,
            tr("step") + " step",
            tr("error") + " error",
            tr("age in days") + " age",
            tr("opened") + " opened",
            tr("the source says") + " evidence",
            tr("question") + " question",
            tr("possible answers") + " answers",
            tr("ANSWER") + " " + kFinding,
            tr("reason (of leaving it in error)") + " " + kReason,
            tr("note") + " " + kNote};
}

CsvRow table_row(const spec::Specification& specification, const CaseRow& row, Instant now) {
    const registration::PmhCase& c = row.pmh_case;
    std::string answers;
    for (const CaseEvent finding : registration::fitting_findings(c.state))
        answers += (answers.empty() ? "" : " / ") + case_event_in_words(finding);
    return {std::to_string(row.id),
            std::to_string(row.version),
            row.insurer,
            std::string(spec::insured_number_of(row.key)),
            numbered_step(c.state),
            c.error_id,
            std::to_string(case_age_days(row, now)),
            format_instant(from_milliseconds(row.opened_at)),
            evidence_in_words(c.seen),
            question_in_words(specification, row),
            answers,
            "",
            "",
            ""};
}

/// One line of an imported table.
struct TableLine {
    std::size_t line = 0;
    std::map<std::string, std::string> cells;
    std::string cell(const char* column) const {
        const auto found = cells.find(column);
        return found == cells.end() ? std::string() : std::string(trim(found->second));
    }
};

/// @param file  where it stands, for messages
Result<std::vector<TableLine>> parse_table(const std::string& text, const std::string& file) {
    auto rows = parse_csv(text, kLongestCell);
    if (!rows) {
        rows.error().place = file;
        return tl::unexpected(rows.error());
    }
    std::vector<std::string> columns;
    if (!rows->empty())
        for (const std::string& heading : rows->front())
            columns.push_back(heading.substr(heading.rfind(' ') + 1));
    for (const char* column : {kCase, kVersion, kInsured, kFinding})
        if (std::count(columns.begin(), columns.end(), column) != 1)
            return fail(ErrorCode::bad_data, tr("the first line has no column \"{}\"", column))
                .at(file)
                .remedy(tr("use the table that cases export wrote, with its first line"));
    std::vector<TableLine> out;
    for (std::size_t i = 1; i < rows->size(); ++i) {
        TableLine line{i + 1, {}};
        for (std::size_t c = 0; c < std::min(columns.size(), (*rows)[i].size()); ++c)
            line.cells[columns[c]] = (*rows)[i][c];
        out.push_back(std::move(line));
    }
    return out;
}

/// An older table at this place that a person has filled in is put aside, not overwritten.
/// @return where it is now; empty when there was none
Result<std::string> keep_answers(const std::string& file, Instant now) {
    const auto text = read_case_table(file);
    const auto lines = text ? parse_table(*text, file) : tl::unexpected(text.error());
    const bool answered = lines && std::any_of(lines->begin(), lines->end(), [](const TableLine& line) {
                              return !line.cell(kFinding).empty();
                          });
    if (!answered) return std::string();
    const std::string kept = fmt::format("{}.{}", file, to_milliseconds(now));
    std::error_code failed;
    std::filesystem::rename(file, kept, failed);
    if (failed) return fail(ErrorCode::cannot_write, failed.message()).at(file);
    return kept;
}

struct Imported {
    std::vector<CaseStep> steps;
    std::int64_t already = 0;  ///< decided so by an earlier import
    std::int64_t empty = 0;
};

/// The step of one line; nothing when it was taken by an earlier import.
Result<std::optional<CaseStep>> take_line(SharedLedger& ledger, const TableLine& line,
                                          const std::string& actor) {
    const auto number = [&](const char* column) -> std::optional<std::int64_t> {
        const std::string text = line.cell(column);
        if (text.empty() || text.size() > 15 || !is_digits(text)) return std::nullopt;
        return std::stoll(text);
    };
    const auto id = number(kCase);
    const auto version = number(kVersion);
    if (!id || !version) return fail(ErrorCode::bad_data, tr("case number or version is not a number"));
    const auto known = ledger->case_by_id(*id);
    if (!known) return fail(ErrorCode::bad_data, tr("there is no case {}", *id));
    // A spreadsheet that was told nothing drops leading zeros.
    std::string insured = line.cell(kInsured);
    if (insured.size() < spec::kInsuredNumberWidth)
        insured.insert(0, spec::kInsuredNumberWidth - insured.size(), '0');
    if (insured != spec::insured_number_of(known->key))
        return fail(ErrorCode::bad_data, tr("case {} is another person's", *id));
    Answer answer{.note = line.cell(kNote)};
    const auto finding = finding_of(line.cell(kFinding));
    if (!finding) return fail(ErrorCode::bad_data, tr("the answer is not one of the possible ones"));
    answer.finding = *finding;
    const auto reason = reason_of(line.cell(kReason));
    if (!reason) return fail(ErrorCode::bad_data, tr("the reason is exempt or enrolment-unconfirmable"));
    answer.reason = *reason;
    KAIGO_CHECK(check_words(answer.note, kLongestNote, tr("note")));
    if (ledger->case_decided(*id, *version, *finding)) return std::optional<CaseStep>();
    if (known->version != *version)
        return fail(ErrorCode::bad_data, tr("case {} has moved on since the table was written", *id));
    KAIGO_TRY(auto step, answer_case(*known, answer, actor));
    return std::optional(std::move(step));
}

Result<Imported> import_table(const config::Config& config, World& world, const CaseTable& table,
                              const std::string& operator_name, bool dry_run) {
    KAIGO_CHECK(check_words(operator_name, kLongestName, "--operator"));
    KAIGO_TRY(const auto lines, parse_table(table.text, table.file));
    KAIGO_TRY(const auto books, open_books(config, world));
    SharedLedger& ledger = books->ledger();
    const auto alone = ledger.hold();
    const std::string actor = actor_of(world, operator_name);
    Imported out;
    std::string faults;
    std::set<ledger::CaseId> seen;
    for (const TableLine& line : lines) {
        if (line.cell(kFinding).empty()) {
            ++out.empty;
            continue;
        }
        auto step = take_line(ledger, line, actor);
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
    KAIGO_CHECK(audit_decisions(*books, world, out.steps, actor));
    ledger->step_cases(out.steps, world.clock.now());
    return out;
}

}  // namespace

int cases_decide(const config::Config& config, World& world, const DecideOptions& options) {
    const auto step = decide(config, world, options);
    if (!step) return refuse(world, step.error());
    if (options.json) {
        write_json(
            world.out,
            json::object{{"case", step->known.id},
                         {"state", std::string(name_of(registration::kCaseStateNames, step->next.state))}});
        return 0;
    }
    world.out << tr("case {}: {}", step->known.id, case_state_in_words(step->next.state)) << '\n';
    world.out << tr("the next job goes on from here; to have it at once: kaigo-gateway run retry-due")
              << '\n';
    return 0;
}

int cases_table(const config::Config& config, World& world, const CasesOptions& options) {
    return look(config, world, [&](const spec::Specification& specification, ledger::LedgerView& view) {
        const Instant now = world.clock.now();
        world.out << kCsvByteOrderMark << csv_line(headings());
        for (const CaseRow& row : work_list(view, options, now))
            world.out << csv_line(table_row(specification, row, now));
        return 0;
    });
}

int place_case_table(World& world, const CaseTable& table, bool json_format) {
    const auto lines = parse_table(table.text, table.file);
    if (!lines) return refuse(world, lines.error());
    const auto kept = keep_answers(table.file, world.clock.now());
    if (!kept) return refuse(world, kept.error());
    if (!kept->empty()) world.err << tr("{} has answers in it: it is kept as {}", table.file, *kept) << '\n';
    if (const auto written = write_file_durably(table.file, table.text, "case-table"); !written)
        return refuse(world, written.error());
    if (json_format)
        write_json(world.out, json::object{{"file", table.file}, {"cases", lines->size()}});
    else
        world.out << tr("{}: {} cases; fill in the column of answers, then: kaigo-gateway cases import {}",
                        table.file, lines->size(), table.file)
                  << '\n';
    return 0;
}

Result<std::string> read_case_table(const std::string& file) {
    auto text = read_file(file, kLargestFile);
    if (!text) return fail(ErrorCode::bad_data, text.error().message).at(file);
    return text;
}

int cases_import(const config::Config& config, World& world, const CaseTable& table,
                 const std::string& operator_name, bool dry_run, bool json_format) {
    const auto imported = import_table(config, world, table, operator_name, dry_run);
    if (!imported) return refuse(world, imported.error());
    if (json_format)
        write_json(world.out, json::object{{"dryRun", dry_run},
                                           {"decided", imported->steps.size()},
                                           {"alreadyDecided", imported->already},
                                           {"withoutAnswer", imported->empty}});
    else
        world.out << (dry_run ? tr("Dry run: nothing was decided.") + "\n" : "")
                  << tr("{} cases decided, {} were decided so before, {} lines have no answer",
                        imported->steps.size(), imported->already, imported->empty)
                  << '\n';
    return 0;
}

}  // namespace kaigo::jobs
