#include "jobs/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <ostream>
#include <sstream>

#include "base/files.h"
#include "base/i18n.h"
#include "base/store_failure.h"
#include "base/text.h"
#include "base/units.h"
#include "domain/identifiers.h"
#include "jobs/cli/remote.h"
#include "jobs/commands/commands.h"
#include "jobs/sync/run.h"

#ifndef KAIGO_VERSION
#error "the build says the version"
#endif

namespace kaigo::jobs {
namespace {

struct Arguments {
    std::string config = "/etc/kaigo-gateway/kaigo-gateway.yaml";
    std::string format = "text";
    std::string wait;
    bool standalone = false;
    RunOptions run;
    ValidateOptions validate;
    HeldOptions held;
    std::int64_t job_id = 0;
    std::string insurer;
    std::string insured;
    CasesOptions cases;
    const CLI::App* cases_command = nullptr;
    std::string case_state;
    std::string older_than;
    Decision decide;
    CaseTable table;
    bool import_dry_run = false;
    ReportOptions report;
    std::string report_day;
    std::string backup;
    std::string bundle;
    std::string report_output;  ///< file; empty: standard output
};

/// The parser's own sentences are English. Their kinds are few.
std::string parse_error_in_words(const CLI::ParseError& error) {
    std::string what = error.what();
    const auto after = [&](const char* mark) {
        const std::size_t at = what.find(mark);
        return at == std::string::npos ? what : what.substr(at + std::string_view(mark).size());
    };
    const auto before = [&](const char* mark) { return what.substr(0, what.find(mark)); };
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
        return tr("not expected here: {}", after(": "));
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
        return what.starts_with("A subcommand") ? tr("a command is missing")
                                                : tr("{} is missing", before(" is required"));
    if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr)
        return tr("{} and {} do not go together", before(" excludes "), after(" excludes "));
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr)
        return tr("{}: a value is missing, or there is one too many", before(":"));
    if (const std::size_t set = what.find(" not in {"); set != std::string::npos)
        return tr("{}: possible are {}", before(" not in {"), what.substr(set + 8));
    return what;
}

void add_format(CLI::App* app, Arguments& arguments) {
    app->add_option("--format", arguments.format, tr("text or json"))->check(CLI::IsMember({"text", "json"}));
}

/// Numbers are written as they are printed: 062 and 0x3e would be others to the parser.
CLI::Validator decimal() {
    return CLI::Validator(
        [](std::string& text) {
            const bool printed = !text.empty() && is_digits(text) && (text == "0" || text.front() != '0');
            return printed ? std::string()
                           : tr("\"{}\": a number is written in digits, without leading zeros", text);
        },
        "");
}

void add_cases(CLI::App& app, Arguments& a) {
    auto* cases = app.add_subcommand("cases", tr("PMH key cases: the work list, and what is found out"));
    cases->require_subcommand(1);
    a.cases_command = cases;
    const auto add_filter = [&](CLI::App* sub) {
        sub->add_option("--insurer", a.cases.selection.insurer, tr("only this insurer (保険者番号)"));
        std::string states;
        for (const auto& [state, name] : registration::kCaseStateNames)
            if (registration::is_open(state)) states += (states.empty() ? "" : ", ") + std::string(name);
        sub->add_option("--state", a.case_state, tr("only cases at this step: {}", states));
        sub->add_option("--reason", a.cases.selection.reason,
                        tr("errorId, or exempt or enrolment-unconfirmable"));
        sub->add_option("--older-than", a.older_than, tr("opened longer ago than this (e.g. 30d)"));
        add_format(sub, a);
    };
    auto* list = cases->add_subcommand("list", tr("open cases, what can be done now first"));
    add_filter(list);
    list->add_flag("--all", a.cases.all, tr("all of them, not the first twenty of each step"));
    auto* show = cases->add_subcommand("show", tr("one case: history, evidence, the next question"));
    const auto add_case = [&](CLI::App* sub) {
        auto* id = sub->add_option("ID", a.decide.name.id, tr("number of a case"))->check(decimal());
        sub->add_option("--insured", a.decide.name.insured, tr("instead: the open case of this 被保険者番号"))
            ->excludes(id);
        sub->add_option("--insurer", a.decide.name.insurer, tr("only this insurer (保険者番号)"));
    };
    add_case(show);
    add_format(show, a);
    auto* decide = cases->add_subcommand("decide", tr("answer the question of a case"));
    add_case(decide);
    std::vector<std::string> findings;
    findings.reserve(registration::kFindings.size());
    for (const auto finding : registration::kFindings)
        findings.emplace_back(name_of(registration::kCaseEventNames, finding));
    auto* finding =
        decide->add_option("--finding", a.decide.findings,
                           tr("what was found out; several times: the answers to several steps, in order"));
    finding->check(CLI::IsMember(findings))
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    decide->add_flag("--reverse", a.decide.reverse, tr("take the last answer back (at ②-2 and ⑦)"))
        ->excludes(finding);
    decide
        ->add_option("--reason", a.decide.reason, tr("of leave-in-error: exempt or enrolment-unconfirmable"))
        ->check(CLI::IsMember({"exempt", "enrolment-unconfirmable"}));
    decide->add_option("--note", a.decide.note, tr("how it was found out; no マイナンバー"));
    decide->add_option("--operator", a.decide.operator_name, tr("who decides, beside the OS user"));
    add_format(decide, a);
    auto* table = cases->add_subcommand("export", tr("write the cases to a CSV file for a spreadsheet"));
    table->add_option("FILE", a.table.file, tr("the file"))->required();
    add_filter(table);
    auto* import = cases->add_subcommand("import", tr("take in the answers of such a file: all or nothing"));
    import->add_option("FILE", a.table.file, tr("the file"))->required();
    import->add_flag("--dry-run", a.import_dry_run, tr("check the file, decide nothing"));
    import->add_option("--operator", a.decide.operator_name, tr("who decides, beside the OS user"));
    add_format(import, a);
}

void build(CLI::App& app, Arguments& a) {
    app.set_version_flag("--version", std::string("kaigo-gateway ") + KAIGO_VERSION);
    app.add_option("--config", a.config, tr("configuration file"));
    app.require_subcommand(1);

    add_format(app.add_subcommand("doctor", tr("check this host, each finding with its remedy")), a);
    add_format(app.add_subcommand("check-spec", tr("check the interface specification files")), a);

    auto* validate =
        app.add_subcommand("validate-mapping", tr("read, map and validate the real source; send nothing"));
    validate->add_option("--record", a.validate.scope.kind, tr("one record kind"));
    validate->add_option("--sample", a.validate.scope.sample, tr("only so many rows of each kind"))
        ->check(decimal());
    validate->add_option("--format", a.validate.format, tr("text or json"))
        ->check(CLI::IsMember({"text", "json"}));
    validate->add_option("--output", a.validate.output, tr("write to this file"));

    auto* run = app.add_subcommand("run", tr("run a job"));
    run->add_option("JOB", a.run.job,
                    tr("initial-setup, daily-sync, collect-results, retry-due or reconcile"))
        ->required()
        ->check(CLI::IsMember({"initial-setup", "daily-sync", "collect-results", "retry-due", "reconcile"}));
    run->add_option("--insurer", a.run.insurer, tr("only this insurer (保険者番号)"));
    run->add_option("--record", a.run.kind, tr("only this record kind"));
    run->add_option("--base-date", a.run.base_date, tr("base date (基準日) of initial-setup, YYYY-MM-DD"));
    run->add_flag("--dry-run", a.run.dry_run, tr("say what would be sent, send nothing"));
    run->add_flag("--standalone", a.standalone, tr("in this process"));
    run->add_flag("--yes", a.run.yes, tr("answer questions with yes"));
    run->add_flag("--accept-drop", a.run.accept_drop, tr("many rows are missing, and that is right"));
    run->add_flag("--accept-change", a.run.accept_change,
                  tr("many records change or lose what they had, and that is right"));
    run->add_flag("--accept-resend", a.run.accept_resend, tr("many records change, and that is right"));
    run->add_option("--wait", a.wait, tr("how long to wait for results (e.g. 10m; 0: not at all)"));
    run->add_flag("--quiet", a.run.quiet, tr("print nothing on success"));
    add_format(run, a);

    auto* jobs = app.add_subcommand("jobs", tr("runs so far, or one run with its row accounting"));
    jobs->add_option("ID", a.job_id, tr("number of a run"))->check(decimal());
    add_format(jobs, a);
    add_format(app.add_subcommand("status", tr("counts per insurer, record kind and state")), a);

    auto* explain = app.add_subcommand("explain", tr("everything the ledger knows of one person"));
    explain->add_option("--insured", a.insured, tr("被保険者番号"))->required();
    explain->add_option("--insurer", a.insurer, tr("保険者番号"));
    add_format(explain, a);

    auto* held = app.add_subcommand("held", tr("rejected records"));
    held->require_subcommand(1);
    for (const auto& [name, help] : {std::pair{"list", tr("which records are held, and why")},
                                     std::pair{"resend", tr("send held records again")}}) {
        auto* sub = held->add_subcommand(name, help);
        sub->add_option("--insured", a.held.selection.insured, tr("被保険者番号"));
        sub->add_option("--record", a.held.selection.kind, tr("record kind"));
        sub->add_option("--reason", a.held.selection.reason,
                        tr("reason, as held list --format json names it"));
        const bool list = std::string_view(name) == "list";
        auto* format =
            sub->add_option("--format", a.held.format, list ? tr("text, json or csv") : tr("text or json"));
        format->check(list ? CLI::IsMember({"text", "json", "csv"}) : CLI::IsMember({"text", "json"}));
        if (list)
            sub->add_flag("--all", a.held.all, tr("all of them, not the first twenty"));
        else
            sub->add_flag("--yes", a.held.yes, tr("answer questions with yes"));
    }

    add_cases(app, a);

    auto* report = app.add_subcommand("report", tr("linkage report of a day or of a run"));
    auto* day = report->add_option("--date", a.report_day, tr("the day (default: today), YYYY-MM-DD"));
    report->add_option("--run", a.report.run, tr("number of a run"))->excludes(day)->check(decimal());
    report->add_option("--format", a.report.format, tr("text, json, csv or html"))
        ->check(CLI::IsMember({"text", "json", "csv", "html"}));
    report->add_option("--output", a.report_output, tr("write to this file"));

    auto* ledger = app.add_subcommand("ledger", tr("the ledger: check, backup, another key"));
    ledger->require_subcommand(1);
    add_format(ledger->add_subcommand("check", tr("whether the file is sound and fits together")), a);
    auto* backup = ledger->add_subcommand("backup", tr("a whole copy, also while jobs run"));
    backup->add_option("FILE", a.backup, tr("a new file"))->required();
    add_format(backup, a);
    add_format(
        ledger->add_subcommand("rotate-key", tr("put spool and digests under the new key; send nothing")), a);

    auto* bundle = app.add_subcommand("support-bundle", tr("what a vendor needs to help; no personal data"));
    bundle->add_option("--output", a.bundle, tr("write to this file"))->required();

    auto* audit = app.add_subcommand("audit", tr("the hash-chained audit log"));
    audit->require_subcommand(1);
    add_format(audit->add_subcommand("verify", tr("check that no line was changed, removed or added")), a);
}

/// What the parser cannot know: names that the configuration and the specification give.
Status check_names(const Arguments& a, const config::Config& config) {
    for (const std::string& number :
         {a.run.insurer, a.insurer, a.cases.selection.insurer, a.decide.name.insurer})
        if (!number.empty() && config.insurer(number) == nullptr)
            return fail(ErrorCode::usage, tr("insurer {} is not in the configuration", number));
    for (const std::string& day : {a.run.base_date, a.report_day})
        if (!day.empty() && !Date::parse_iso(day))
            return fail(ErrorCode::usage, tr("a date is written YYYY-MM-DD"));
    if (!a.run.base_date.empty() && a.run.job != "initial-setup")
        return fail(ErrorCode::usage, tr("only initial-setup takes --base-date"));
    if (!a.case_state.empty() && !value_of(registration::kCaseStateNames, a.case_state))
        return fail(ErrorCode::usage, tr("there is no step \"{}\" of a case", a.case_state));
    const auto* cases = a.cases_command;
    if (cases != nullptr && (cases->got_subcommand("show") || cases->got_subcommand("decide"))) {
        if (a.decide.name.id == 0 && a.decide.name.insured.empty())
            return fail(ErrorCode::usage, tr("name the case: its number, or --insured"));
        if (cases->got_subcommand("decide") && a.decide.findings.empty() && !a.decide.reverse)
            return fail(ErrorCode::usage,
                        tr("give an answer with --finding, or take one back with --reverse"));
    }
    if ((!a.wait.empty() && !parse_duration(a.wait)) ||
        (!a.older_than.empty() && !parse_duration(a.older_than)))
        return fail(ErrorCode::usage, tr("a duration is an integer and ms, s, m, h or d"));
    return {};
}

int execute_cases(const CLI::App& app, Arguments& a, const CommandContext& context) {
    const auto chosen = [&](const char* name) { return app.get_subcommand("cases")->got_subcommand(name); };
    const bool json = a.format == "json";
    a.cases.json = json;
    if (!a.case_state.empty())
        a.cases.selection.state = value_of(registration::kCaseStateNames, a.case_state);
    if (!a.older_than.empty()) a.cases.selection.older_than = parse_duration(a.older_than);
    if (chosen("show")) return cases_show(context, a.decide.name, json);
    if (chosen("decide")) return cases_decide(context, a.decide, json);
    if (chosen("export")) return cases_table(context, a.cases);
    if (chosen("import"))
        return cases_import(context, a.table, a.decide.operator_name, a.import_dry_run, json);
    return cases_list(context, a.cases);
}

/// What a daemon does for others too. Files are the command's own affair: they were read before, and what is
/// printed may go into one.
int execute(const CLI::App& app, Arguments& a, const CommandContext& context) {
    const bool json = a.format == "json";
    const auto chosen = [&](const char* name) { return app.got_subcommand(name); };
    if (chosen("jobs")) return list_jobs(context, a.job_id, json);
    if (chosen("status")) return status(context, json);
    if (chosen("explain")) return explain(context, a.insurer, a.insured, json);
    if (chosen("cases")) return execute_cases(app, a, context);
    if (chosen("report")) {
        a.report.day = Date::parse_iso(a.report_day);
        return report(context, a.report);
    }
    const bool resend = app.get_subcommand("held")->got_subcommand("resend");
    return resend ? held_resend(context, a.held) : held_list(context, a.held);
}

/// Commands that speak of what the daemon holds.
bool is_remote(const CLI::App& app) {
    constexpr std::array kRemote = {"run", "jobs", "status", "explain", "held", "cases", "report"};
    return std::ranges::any_of(kRemote, [&](const char* name) { return app.got_subcommand(name); });
}

bool writes_table(const CLI::App& app) {
    return app.got_subcommand("cases") && app.get_subcommand("cases")->got_subcommand("export");
}

void prepare_job(Arguments& a) {
    a.run.json = a.format == "json";
    if (!a.wait.empty()) a.run.wait = parse_duration(a.wait);
}

/// What was printed goes where the command's own options say.
int place_output(const CLI::App& app, const Arguments& a, Terminal& terminal, int status,
                 std::string output) {
    if (status == 0 && writes_table(app))
        return place_case_table(terminal, {a.table.file, std::move(output)}, a.format == "json");
    if (status == 0 && app.got_subcommand("report") && !a.report_output.empty()) {
        const auto written = write_file_durably(a.report_output, output, "report");
        return written ? 0 : refuse(terminal, written.error());
    }
    terminal.out << output;
    return status;
}

int in_process(const CLI::App& app, Arguments& a, config::Config config, Environment& environment,
               Terminal& terminal) {
    const bool json = a.format == "json";
    const auto chosen = [&](const char* name) { return app.got_subcommand(name); };
    if (chosen("run")) {
        prepare_job(a);
        auto context = JobContext::open(std::move(config), environment);
        if (!context) return refuse(terminal, context.error());
        return run(**context, terminal, a.run);
    }
    const CommandContext context{config, environment, terminal};
    if (chosen("check-spec")) return check_spec(context, json);
    if (chosen("doctor")) return doctor(context, json);
    if (chosen("validate-mapping")) return validate_mapping(context, a.validate);
    if (chosen("audit")) return audit_verify(context, json);
    if (chosen("support-bundle")) return support_bundle(context, a.bundle);
    if (chosen("ledger")) {
        const auto wanted = [&](const char* name) {
            return app.get_subcommand("ledger")->got_subcommand(name);
        };
        if (wanted("check")) return ledger_check(context, json);
        if (wanted("backup")) return ledger_backup(context, a.backup, json);
        return ledger_rotate_key(context, json);
    }
    std::ostringstream printed;
    Terminal inner{printed, terminal.err, terminal.interactive, terminal.ask};
    const int status = execute(app, a, {config, environment, inner});
    return place_output(app, a, terminal, status, std::move(printed).str());
}

int dispatch(const CLI::App& app, Arguments& a, Environment& environment, Terminal& terminal,
             std::vector<std::string> arguments) {
    auto config = config::load(a.config);
    if (!config) return refuse(terminal, config.error());
    set_language(config->language);
    if (const auto names = check_names(a, *config); !names) return refuse(terminal, names.error());
    if (!a.table.file.empty() && !writes_table(app)) {
        auto text = read_case_table(a.table.file);
        if (!text) return refuse(terminal, text.error());
        a.table.bytes = std::move(*text);
    }
    if (is_remote(app) && !a.standalone && !config->control.socket.empty()) {
        const RemoteRequest request{std::move(arguments), a.table.bytes, a.format == "json"};
        auto reply = through_daemon(config->control.socket, request, environment, terminal);
        if (!reply) return refuse(terminal, reply.error());
        if (*reply) return place_output(app, a, terminal, (*reply)->exit_status, std::move((*reply)->output));
    }
    return in_process(app, a, std::move(*config), environment, terminal);
}

/// The language of the help, before the arguments are read: the configuration's, else that of the
/// environment.
void choose_language(int argc, const char* const* argv) {
    for (int i = 1; i + 1 < argc; ++i) {
        if (std::string_view(argv[i]) != "--config") continue;
        if (const auto config = config::load(argv[i + 1])) return set_language(config->language);
    }
    const char* language = std::getenv("LANG");
    set_language(language != nullptr && std::string_view(language).starts_with("ja") ? "ja" : "en");
}

/// As they were given, without the configuration: the daemon has its own.
std::vector<std::string> arguments_for_daemon(int argc, const char* const* argv) {
    std::vector<std::string> out;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--config")
            ++i;
        else if (!argument.starts_with("--config="))
            out.emplace_back(argument);
    }
    return out;
}

}  // namespace

namespace {

CommandHelp help_of(const CLI::App& app) {
    CommandHelp out{app.get_name(), app.get_description(), {}, {}};
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_lnames().empty()) {
            out.options.push_back({option->get_name(true), option->get_description()});
            continue;
        }
        const std::string value = option->get_type_size() > 0 ? " " + option->get_type_name() : std::string();
        out.options.push_back({"--" + option->get_lnames().front() + value, option->get_description()});
    }
    for (const CLI::App* sub : app.get_subcommands(nullptr)) out.commands.push_back(help_of(*sub));
    return out;
}

}  // namespace

CommandHelp command_help() {
    CLI::App app{tr("kaigo-gateway: the municipality's side of 介護情報基盤")};
    Arguments arguments;
    build(app, arguments);
    return help_of(app);
}

struct RemoteCommand::Parsed {
    Arguments arguments;
    CLI::App app{"kaigo-gateway"};
};

RemoteCommand::RemoteCommand(std::unique_ptr<Parsed> parsed) : parsed_(std::move(parsed)) {}
RemoteCommand::RemoteCommand(RemoteCommand&& other) noexcept = default;
RemoteCommand::~RemoteCommand() = default;

Result<RemoteCommand> RemoteCommand::parse(const std::vector<std::string>& arguments, std::string input) {
    auto parsed = std::make_unique<Parsed>();
    Arguments& a = parsed->arguments;
    build(parsed->app, a);
    try {
        // CLI11 takes them from the back.
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        parsed->app.parse(reversed);
    } catch (const CLI::ParseError& error) {
        return fail(ErrorCode::usage, parse_error_in_words(error));
    }
    if (!is_remote(parsed->app))
        return fail(ErrorCode::usage, tr("this command does not go through the daemon"));
    a.table.bytes = std::move(input);
    prepare_job(a);
    return RemoteCommand(std::move(parsed));
}

bool RemoteCommand::changes() const {
    const CLI::App& app = parsed_->app;
    const auto got = [&](const char* command, std::initializer_list<const char*> names) {
        return app.got_subcommand(command) && std::ranges::any_of(names, [&](const char* name) {
                   return app.get_subcommand(command)->got_subcommand(name);
               });
    };
    return app.got_subcommand("run") || got("held", {"resend"}) || got("cases", {"decide", "import"});
}

const RunOptions* RemoteCommand::job() const {
    return parsed_->app.got_subcommand("run") ? &parsed_->arguments.run : nullptr;
}

std::string RemoteCommand::name() const {
    std::string out;
    for (const CLI::App* at = &parsed_->app; !at->get_subcommands().empty();) {
        at = at->get_subcommands().front();
        out += (out.empty() ? "" : " ") + at->get_name();
    }
    return job() != nullptr ? out + " " + job()->job : out;
}

Status RemoteCommand::check(const config::Config& config) const {
    return check_names(parsed_->arguments, config);
}

int RemoteCommand::execute(const CommandContext& context) const {
    return jobs::execute(parsed_->app, parsed_->arguments, context);
}

int command_line(int argc, const char* const* argv, Environment& environment, Terminal& terminal) {
    choose_language(argc, argv);
    CLI::App app{tr("kaigo-gateway: the municipality's side of 介護情報基盤")};
    Arguments arguments;
    build(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {  // help or version
        return app.exit(asked, terminal.out, terminal.err);
    } catch (const CLI::ParseError& error) {
        return refuse(terminal, Error{ErrorCode::usage, parse_error_in_words(error), "",
                                      tr("see: kaigo-gateway --help, and --help behind each command")});
    }
    try {
        return dispatch(app, arguments, environment, terminal, arguments_for_daemon(argc, argv));
    } catch (const StoreFailure& failure) {
        // After a failed write or fsync nothing that the handle says can be believed: this process ends here.
        return refuse(terminal, Error{ErrorCode::cannot_write, failure.what(), "",
                                      tr("check the disk and the ledger with: kaigo-gateway doctor")});
    } catch (const std::exception& error) {
        return refuse(terminal,
                      Error{ErrorCode::internal, error.what(), "", tr("report this to the vendor")});
    }
}

}  // namespace kaigo::jobs
