#include "jobs/commands/registry.h"

#include <map>

#include "base/files.h"
#include "base/i18n.h"

namespace kaigo::jobs {
namespace {

using Options = std::vector<Option>;

const std::vector<std::string> kTextOrJson = {"text", "json"};

Option format(Arguments& a) { return {"--format", &a.format, tr("text or json"), kTextOrJson}; }

Options format_alone(Arguments& a) { return {format(a)}; }

std::vector<std::string> findings() {
    std::vector<std::string> out;
    out.reserve(registration::kFindings.size());
    for (const auto finding : registration::kFindings)
        out.emplace_back(name_of(registration::kCaseEventNames, finding));
    return out;
}

std::vector<std::string> job_names() {
    std::vector<std::string> out;
    for (const auto& [job, name] : kJobNames) out.emplace_back(name);
    return out;
}

std::vector<std::string> left_reasons() { return {"exempt", "enrolment-unconfirmable"}; }

// ---- Options of each command

Options run_options(Arguments& a) {
    return {{"JOB", &a.job, tr("initial-setup, daily-sync, collect-results, retry-due or reconcile"),
             job_names(), true},
            {"--insurer", &a.run.insurer, tr("only this insurer (保険者番号)")},
            {"--record", &a.run.kind, tr("only this record kind")},
            {"--base-date", &a.run.base_date, tr("base date (基準日) of initial-setup, YYYY-MM-DD")},
            {"--dry-run", &a.run.dry_run, tr("say what would be sent, send nothing")},
            {"--standalone", &a.standalone, tr("in this process")},
            {"--yes", &a.run.yes, tr("answer questions with yes")},
            {"--accept-drop", &a.run.accept_drop, tr("many rows are missing, and that is right")},
            {"--accept-change", &a.run.accept_change,
             tr("many records change or lose what they had, and that is right")},
            {"--accept-resend", &a.run.accept_resend, tr("many records change, and that is right")},
            {"--wait", &a.wait, tr("how long to wait for results (e.g. 10m; 0: not at all)")},
            {"--quiet", &a.run.quiet, tr("print nothing on success")},
            format(a)};
}

Options jobs_options(Arguments& a) { return {{"ID", &a.job_id, tr("number of a run")}, format(a)}; }

Options validate_options(Arguments& a) {
    return {{"--record", &a.validate.scope.kind, tr("one record kind")},
            {"--sample", &a.validate.scope.sample, tr("only so many rows of each kind")},
            {"--format", &a.validate.format, tr("text or json"), kTextOrJson},
            {"--output", &a.validate.output, tr("write to this file")}};
}

Options explain_options(Arguments& a) {
    return {{"--insured", &a.insured, tr("被保険者番号"), {}, true},
            {"--insurer", &a.insurer, tr("保険者番号")},
            format(a)};
}

Options held_options(Arguments& a) {
    HeldSelection& held = a.held.selection;
    return {{"--insured", &held.insured, tr("被保険者番号")},
            {"--record", &held.kind, tr("record kind")},
            {"--reason", &held.reason, tr("reason, as held list --format json names it")}};
}

Options held_list_options(Arguments& a) {
    Options out = held_options(a);
    out.push_back({"--format", &a.held.format, tr("text, json or csv"), {"text", "json", "csv"}});
    out.push_back({"--all", &a.held.all, tr("all of them, not the first twenty")});
    return out;
}

Options held_resend_options(Arguments& a) {
    Options out = held_options(a);
    out.push_back({"--format", &a.held.format, tr("text or json"), kTextOrJson});
    out.push_back({"--yes", &a.held.yes, tr("answer questions with yes")});
    return out;
}

Options case_filter(Arguments& a) {
    std::string open;
    std::vector<std::string> steps;
    for (const auto& [state, name] : registration::kCaseStateNames) {
        if (state != registration::CaseState::none) steps.emplace_back(name);
        if (registration::is_open(state)) open += (open.empty() ? "" : ", ") + std::string(name);
    }
    return {{"--insurer", &a.cases.selection.insurer, tr("only this insurer (保険者番号)")},
            {"--state", &a.case_state, tr("only cases at this step: {}", open), steps},
            {"--reason", &a.cases.selection.reason, tr("errorId, or exempt or enrolment-unconfirmable")},
            {"--older-than", &a.older_than, tr("opened longer ago than this (e.g. 30d)")},
            format(a)};
}

Options cases_list_options(Arguments& a) {
    Options out = case_filter(a);
    out.push_back({"--all", &a.cases.all, tr("all of them, not the first twenty of each step")});
    return out;
}

Options case_name(Arguments& a) {
    return {{"ID", &a.decide.name.id, tr("number of a case")},
            {"--insured",
             &a.decide.name.insured,
             tr("instead: the open case of this 被保険者番号"),
             {},
             false,
             "ID"},
            {"--insurer", &a.decide.name.insurer, tr("only this insurer (保険者番号)")}};
}

Options cases_show_options(Arguments& a) {
    Options out = case_name(a);
    out.push_back(format(a));
    return out;
}

Option operator_name(Arguments& a) {
    return {"--operator", &a.decide.operator_name, tr("who decides, beside the OS user")};
}

Options cases_decide_options(Arguments& a) {
    Options out = case_name(a);
    out.push_back({"--finding", &a.decide.findings,
                   tr("what was found out; several times: the answers to several steps, in order"),
                   findings()});
    out.push_back({"--reverse",
                   &a.decide.reverse,
                   tr("take the last answer back (at ②-2 and ⑦)"),
                   {},
                   false,
                   "--finding"});
    out.push_back({"--reason", &a.decide.reason, tr("of leave-in-error: exempt or enrolment-unconfirmable"),
                   left_reasons()});
    out.push_back({"--note", &a.decide.note, tr("how it was found out; no マイナンバー")});
    out.push_back(operator_name(a));
    out.push_back(format(a));
    return out;
}

Option table_file(Arguments& a) { return {"FILE", &a.table.file, tr("the file"), {}, true}; }

Options cases_export_options(Arguments& a) {
    Options out = {table_file(a)};
    for (Option& each : case_filter(a)) out.push_back(std::move(each));
    return out;
}

Options cases_import_options(Arguments& a) {
    return {table_file(a),
            {"--dry-run", &a.import_dry_run, tr("check the file, decide nothing")},
            operator_name(a),
            format(a)};
}

Options report_options(Arguments& a) {
    return {{"--date", &a.report_day, tr("the day (default: today), YYYY-MM-DD")},
            {"--run", &a.report.run, tr("number of a run"), {}, false, "--date"},
            {"--format", &a.report.format, tr("text, json, csv or html"), {"text", "json", "csv", "html"}},
            {"--output", &a.report_output, tr("write to this file")}};
}

Options backup_options(Arguments& a) { return {{"FILE", &a.backup, tr("a new file"), {}, true}, format(a)}; }

Options bundle_options(Arguments& a) { return {{"--output", &a.bundle, tr("write to this file"), {}, true}}; }

// ---- What the options of a command mean together, and what becomes of files

Status names_a_case(const Arguments& a) {
    if (a.decide.name.id == 0 && a.decide.name.insured.empty())
        return fail(ErrorCode::usage, tr("name the case: its number, or --insured"));
    return {};
}

Status answers_a_case(const Arguments& a) {
    KAIGO_CHECK(names_a_case(a));
    if (a.decide.findings.empty() && !a.decide.reverse)
        return fail(ErrorCode::usage, tr("give an answer with --finding, or take one back with --reverse"));
    return {};
}

int place_table(Terminal& terminal, const Arguments& a, const std::string& output) {
    return place_case_table(terminal, {a.table.file, output}, a.json());
}

int place_report(Terminal& terminal, const Arguments& a, const std::string& output) {
    if (a.report_output.empty()) {
        terminal.out << output;
        return 0;
    }
    const auto written = write_file_durably(a.report_output, output, "report");
    return written ? 0 : refuse(terminal, written.error());
}

int run_here(const CommandContext& context, Arguments& a) {
    auto job = JobContext::open(context.config, context.environment);
    if (!job) return refuse(context.terminal, job.error());
    return run(**job, context.terminal, a.run);
}

}  // namespace

const std::vector<Command>& all_commands() {
    using C = const CommandContext&;
    static const std::vector<Command> kCommands = {
        {"doctor", N_("check this host, each finding with its remedy"), Right::view, Place::here,
         format_alone, [](C c, Arguments& a) { return doctor(c, a.json()); }},
        {"check-spec", N_("check the interface specification files"), Right::view, Place::here, format_alone,
         [](C c, Arguments& a) { return check_spec(c, a.json()); }},
        {"validate-mapping", N_("read, map and validate the real source; send nothing"), Right::operate,
         Place::here, validate_options, [](C c, Arguments& a) { return validate_mapping(c, a.validate); }},
        {.path = "run",
         .help = N_("run a job"),
         .right = Right::operate,
         .place = Place::at_daemon,
         .options = run_options,
         .execute = run_here,
         .is_job = true},
        {"jobs", N_("runs so far, or one run with its row accounting"), Right::view, Place::at_daemon,
         jobs_options, [](C c, Arguments& a) { return list_jobs(c, a.job_id, a.json()); }},
        {"status", N_("counts per insurer, record kind and state"), Right::view, Place::at_daemon,
         format_alone, [](C c, Arguments& a) { return status(c, a.json()); }},
        {"explain", N_("everything the ledger knows of one person"), Right::view, Place::at_daemon,
         explain_options, [](C c, Arguments& a) { return explain(c, a.insurer, a.insured, a.json()); }},
        {"held list", N_("which records are held, and why"), Right::view, Place::at_daemon, held_list_options,
         [](C c, Arguments& a) { return held_list(c, a.held); }},
        {"held resend", N_("send held records again"), Right::operate, Place::at_daemon, held_resend_options,
         [](C c, Arguments& a) { return held_resend(c, a.held); }},
        {"cases list", N_("open cases, what can be done now first"), Right::view, Place::at_daemon,
         cases_list_options, [](C c, Arguments& a) { return cases_list(c, a.cases); }},
        {"cases show", N_("one case: history, evidence, the next question"), Right::view, Place::at_daemon,
         cases_show_options, [](C c, Arguments& a) { return cases_show(c, a.decide.name, a.json()); },
         names_a_case},
        {"cases decide", N_("answer the question of a case"), Right::operate, Place::at_daemon,
         cases_decide_options, [](C c, Arguments& a) { return cases_decide(c, a.decide, a.json()); },
         answers_a_case},
        {.path = "cases export",
         .help = N_("write the cases to a CSV file for a spreadsheet"),
         .right = Right::view,
         .place = Place::at_daemon,
         .options = cases_export_options,
         .execute = [](C c, Arguments& a) { return cases_table(c, a.cases); },
         .place_output = place_table},
        {.path = "cases import",
         .help = N_("take in the answers of such a file: all or nothing"),
         .right = Right::operate,
         .place = Place::at_daemon,
         .options = cases_import_options,
         .execute =
             [](C c, Arguments& a) {
                 return cases_import(c, a.table, a.decide.operator_name, a.import_dry_run, a.json());
             },
         .reads = [](const Arguments& a) -> const std::string& { return a.table.file; }},
        {.path = "report",
         .help = N_("linkage report of a day or of a run"),
         .right = Right::view,
         .place = Place::at_daemon,
         .options = report_options,
         .execute = [](C c, Arguments& a) { return report(c, a.report); },
         .place_output = place_report},
        {"ledger check", N_("whether the file is sound and fits together"), Right::view, Place::here,
         format_alone, [](C c, Arguments& a) { return ledger_check(c, a.json()); }},
        {"ledger backup", N_("a whole copy, also while jobs run"), Right::administer, Place::here,
         backup_options, [](C c, Arguments& a) { return ledger_backup(c, a.backup, a.json()); }},
        {"ledger rotate-key", N_("put spool and digests under the new key; send nothing"), Right::administer,
         Place::here, format_alone, [](C c, Arguments& a) { return ledger_rotate_key(c, a.json()); }},
        {"support-bundle", N_("what a vendor needs to help; no personal data"), Right::operate, Place::here,
         bundle_options, [](C c, Arguments& a) { return support_bundle(c, a.bundle); }},
        {"audit verify", N_("check that no line was changed, removed or added"), Right::view, Place::here,
         format_alone, [](C c, Arguments& a) { return audit_verify(c, a.json()); }},
    };
    return kCommands;
}

const char* group_help(std::string_view group) {
    static const std::map<std::string_view, const char*> kHelp = {
        {"held", N_("rejected records")},
        {"cases", N_("PMH key cases: the work list, and what is found out")},
        {"ledger", N_("the ledger: check, backup, another key")},
        {"audit", N_("the hash-chained audit log")}};
    return kHelp.at(group);
}

}  // namespace kaigo::jobs
