#include "jobs/present/cases.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <filesystem>

#include "base/files.h"
#include "base/i18n.h"
#include "jobs/commands/commands.h"
#include "jobs/operate/case_table.h"
#include "jobs/operate/open_records.h"
#include "jobs/present/json_document.h"
#include "jobs/words/case_words.h"
#include "spec/record.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

/// A name beside it, with the same ending: "cases-2.csv".
std::string other_name(const std::filesystem::path& file, int number) {
    return (file.parent_path() /
            fmt::format("{}-{}{}", file.stem().string(), number, file.extension().string()))
        .string();
}

void tell_what_is_next(Terminal& terminal) {
    terminal.out << tr("the next job goes on from here; to have it at once: kaigo-gateway run retry-due")
                 << '\n';
}

}  // namespace

int cases_list(const CommandContext& context, const CasesOptions& options) {
    auto records = open_records(context.config);
    if (!records) return refuse(context.terminal, records.error());
    const Instant now = context.environment.clock.now();
    const auto rows = work_list(*records->specification, records->ledger, options.selection, now);
    if (!rows) return refuse(context.terminal, rows.error());
    std::ostream& out = context.terminal.out;
    if (options.json) {
        json::array list;
        for (const ledger::CaseRow& row : *rows) list.push_back(case_json(*records->specification, row, now));
        write_json(out,
                   json::object{{"cases", std::move(list)},
                                {"withoutMyNumber", without_number_json(records->ledger.without_number())}});
        return 0;
    }
    if (rows->empty()) out << tr("no case") << '\n';
    write_list(out, *records->specification, *rows, options.all, now);
    write_without_number(out, records->ledger.without_number());
    return 0;
}

int cases_show(const CommandContext& context, const CaseName& name, bool json_format) {
    auto records = open_records(context.config);
    if (!records) return refuse(context.terminal, records.error());
    const auto meant = case_of(records->ledger, name);
    if (!meant) return refuse(context.terminal, meant.error());
    const auto row = records->ledger.pmh_case(meant->id);  // with its history
    const Instant now = context.environment.clock.now();
    if (json_format)
        write_json(context.terminal.out, case_json(*records->specification, *row, now));
    else
        write_case(context.terminal.out, *row, *records->specification, now);
    return 0;
}

int cases_decide(const CommandContext& context, const Decision& decision, bool json_format) {
    const auto specification = load_specification(context.config);
    if (!specification) return refuse(context.terminal, specification.error());
    const auto decided = decide_case(context.config, context.environment, decision);
    if (!decided) return refuse(context.terminal, decided.error());
    const auto& [before, step] = *decided;
    const std::string insured(spec::insured_number_of(before.key));
    const std::string question = question_in_words(**specification, before);
    std::ostream& out = context.terminal.out;
    if (json_format) {
        json::array findings;
        for (const auto& move : step.moves)
            if (registration::is_decision(move.event))
                findings.emplace_back(std::string(name_of(registration::kCaseEventNames, move.event)));
        write_json(out, json::object{
                            {"case", step.known.id},
                            {"insurer", before.insurer},
                            {"insured", insured},
                            {"question", question},
                            {"findings", std::move(findings)},
                            {"state", std::string(name_of(registration::kCaseStateNames, step.next.state))}});
        return 0;
    }
    out << tr("case {}: insurer {}, 被保険者番号 {}", step.known.id, before.insurer, insured) << '\n';
    if (!decision.reverse) out << "  " << tr("question: {}", question) << '\n';
    for (const auto& move : step.moves) {
        if (!registration::is_decision(move.event)) {
            out << "  " << case_event_in_words(move.event) << " → " << case_state_in_words(move.to) << '\n';
            continue;
        }
        const std::string effect = effect_in_words(move.from, move.event);
        out << "  " << tr("answer: {}", case_event_in_words(move.event)) << " → "
            << (effect.empty() ? case_state_in_words(move.to) : effect) << '\n';
    }
    out << "  " << tr("it stands now at: {}", numbered_step(step.next.state)) << '\n';
    tell_what_is_next(context.terminal);
    return 0;
}

int cases_table(const CommandContext& context, const CasesOptions& options) {
    auto records = open_records(context.config);
    if (!records) return refuse(context.terminal, records.error());
    const Instant now = context.environment.clock.now();
    const auto rows = work_list(*records->specification, records->ledger, options.selection, now);
    if (!rows) return refuse(context.terminal, rows.error());
    context.terminal.out << case_table(*records->specification, *rows, now);
    return 0;
}

int place_case_table(Terminal& terminal, const CaseTable& table, bool json_format) {
    const auto parsed = parse_case_table(table.bytes, table.file);
    if (!parsed) return refuse(terminal, parsed.error());
    // Never overwrite a file: whatever it is, it may hold a person's work.
    std::string file = table.file;
    for (int number = 2;; ++number) {
        const auto written = write_new_file_durably(file, table.bytes);
        if (!written) return refuse(terminal, written.error());
        if (*written) break;
        file = other_name(table.file, number);
    }
    if (file != table.file)
        terminal.err << tr("{} is there already, and stays as it is: the table is {}", table.file, file)
                     << '\n';
    if (json_format)
        write_json(terminal.out, json::object{{"file", file}, {"cases", parsed->lines.size()}});
    else
        terminal.out << tr("{}: {} cases; fill in the column of answers, then: kaigo-gateway cases import {}",
                           file, parsed->lines.size(), file)
                     << '\n';
    return 0;
}

Result<std::string> read_case_table(const std::string& file) {
    constexpr std::size_t kLargestFile = 16U << 20;  // as much as goes through the control socket
    auto bytes = read_file(file, kLargestFile);
    if (!bytes) return fail(ErrorCode::bad_data, bytes.error().message).at(file);
    return bytes;
}

int cases_import(const CommandContext& context, const CaseTable& table, const std::string& operator_name,
                 bool dry_run, bool json_format) {
    const auto imported = import_answers(context.config, context.environment, table, operator_name, dry_run);
    if (!imported) return refuse(context.terminal, imported.error());
    std::ostream& out = context.terminal.out;
    if (json_format) {
        write_json(
            out, json::object{{"dryRun", dry_run},
                              {"decided", imported->steps.size()},
                              {"alreadyDecided", imported->already},
                              {"withoutAnswer", imported->empty},
                              {"notices", json::array(imported->notices.begin(), imported->notices.end())}});
        return 0;
    }
    for (const std::string& notice : imported->notices) out << notice << '\n';
    out << (dry_run ? tr("Dry run: {} answers would be taken, {} were taken before, {} lines have no answer",
                         imported->steps.size(), imported->already, imported->empty)
                    : tr("{} cases decided, {} were decided so before, {} lines have no answer",
                         imported->steps.size(), imported->already, imported->empty))
        << '\n';
    if (!dry_run && !imported->steps.empty()) tell_what_is_next(context.terminal);
    return 0;
}

}  // namespace kaigo::jobs
