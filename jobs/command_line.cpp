#include "jobs/command_line.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <thread>

#include "base/i18n.h"
#include "base/sqlite.h"
#include "base/units.h"
#include "jobs/commands.h"
#include "jobs/run.h"

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
};

void add_format(CLI::App* app, Arguments& arguments) {
    app->add_option("--format", arguments.format, "text or json")->check(CLI::IsMember({"text", "json"}));
}

void build(CLI::App& app, Arguments& a) {
    app.set_version_flag("--version", std::string("kaigo-gateway ") + KAIGO_VERSION);
    app.add_option("--config", a.config, "configuration file");
    app.require_subcommand(1);

    add_format(app.add_subcommand("doctor", "check this host, each finding with its remedy"), a);
    add_format(app.add_subcommand("check-spec", "check the interface specification files"), a);

    auto* validate =
        app.add_subcommand("validate-mapping", "read, map and validate the real source; send nothing");
    validate->add_option("--record", a.validate.kind, "one record kind");
    validate->add_option("--sample", a.validate.sample, "only so many rows of each kind")
        ->check(CLI::NonNegativeNumber);
    validate->add_option("--format", a.validate.format, "text or json")
        ->check(CLI::IsMember({"text", "json"}));
    validate->add_option("--output", a.validate.output, "write to this file");

    auto* run = app.add_subcommand("run", "run a job");
    run->add_option("JOB", a.run.job, "initial-setup, daily-sync, collect-results or retry-due")
        ->required()
        ->check(CLI::IsMember({"initial-setup", "daily-sync", "collect-results", "retry-due"}));
    run->add_option("--insurer", a.run.insurer, "only this insurer (保険者番号)");
    run->add_option("--record", a.run.kind, "only this record kind");
    run->add_option("--base-date", a.run.base_date, "base date (基準日) of initial-setup, YYYY-MM-DD");
    run->add_flag("--dry-run", a.run.dry_run, "say what would be sent, send nothing");
    run->add_flag("--standalone", a.standalone, "in this process");
    run->add_flag("--yes", a.run.yes, "answer questions with yes");
    run->add_flag("--accept-drop", a.run.accept_drop, "many rows are missing, and that is right");
    run->add_flag("--accept-resend", a.run.accept_resend, "many records change, and that is right");
    run->add_option("--wait", a.wait, "how long to wait for results (e.g. 10m; 0: not at all)");
    run->add_flag("--quiet", a.run.quiet, "print nothing on success");
    add_format(run, a);

    auto* jobs = app.add_subcommand("jobs", "runs so far, or one run with its row accounting");
    jobs->add_option("ID", a.job_id, "number of a run");
    add_format(jobs, a);
    add_format(app.add_subcommand("status", "counts per insurer, record kind and state"), a);

    auto* explain = app.add_subcommand("explain", "everything the ledger knows of one person");
    explain->add_option("--insured", a.insured, "被保険者番号")->required();
    explain->add_option("--insurer", a.insurer, "保険者番号");
    add_format(explain, a);

    auto* held = app.add_subcommand("held", "rejected records");
    held->require_subcommand(1);
    for (const auto& [name, help] : {std::pair{"list", "which records are held, and why"},
                                     std::pair{"resend", "send held records again"}}) {
        auto* sub = held->add_subcommand(name, help);
        sub->add_option("--insured", a.held.insured, "被保険者番号");
        sub->add_option("--record", a.held.kind, "record kind");
        sub->add_option("--reason", a.held.reason, "reason, as held list --format json names it");
        add_format(sub, a);
    }

    auto* audit = app.add_subcommand("audit", "the hash-chained audit log");
    audit->require_subcommand(1);
    add_format(audit->add_subcommand("verify", "check that no line was changed, removed or added"), a);
}

/// What the parser cannot know: names that the configuration and the specification give.
Status check_names(const Arguments& a, const config::Config& config) {
    for (const std::string& number : {a.run.insurer, a.insurer})
        if (!number.empty() && config.insurer(number) == nullptr)
            return fail(ErrorCode::usage, tr("insurer {} is not in the configuration", number));
    if (!a.run.base_date.empty() && !Date::parse_iso(a.run.base_date))
        return fail(ErrorCode::usage, tr("a date is written YYYY-MM-DD"));
    if (!a.run.base_date.empty() && a.run.job != "initial-setup")
        return fail(ErrorCode::usage, tr("only initial-setup takes --base-date"));
    if (!a.wait.empty() && !parse_duration(a.wait))
        return fail(ErrorCode::usage, tr("a duration is an integer and ms, s, m, h or d"));
    return {};
}

int dispatch(const CLI::App& app, Arguments& a, World& world) {
    auto config = config::load(a.config);
    if (!config) return refuse(world, config.error());
    set_language(config->language);
    if (const auto names = check_names(a, *config); !names) return refuse(world, names.error());
    const bool json = a.format == "json";
    const auto chosen = [&](const char* name) { return app.got_subcommand(name); };
    if (chosen("check-spec")) return check_spec(*config, world, json);
    if (chosen("doctor")) return doctor(*config, world, json);
    if (chosen("validate-mapping")) return validate_mapping(*config, world, a.validate);
    if (chosen("jobs")) return list_jobs(*config, world, a.job_id, json);
    if (chosen("status")) return status(*config, world, json);
    if (chosen("explain")) return explain(*config, world, a.insurer, a.insured, json);
    if (chosen("audit")) return audit_verify(*config, world, json);
    if (chosen("held")) {
        a.held.json = json;
        const bool resend = app.get_subcommand("held")->got_subcommand("resend");
        return resend ? held_resend(*config, world, a.held) : held_list(*config, world, a.held);
    }
    a.run.json = json;
    if (!a.wait.empty()) a.run.wait = parse_duration(a.wait);
    auto gateway = Gateway::open(std::move(*config), world);
    if (!gateway) return refuse(world, gateway.error());
    return run_job(**gateway, a.run);
}

std::string os_user() {
    const passwd* entry = getpwuid(geteuid());
    return entry != nullptr ? entry->pw_name : "uid " + std::to_string(geteuid());
}

}  // namespace

int command_line(int argc, const char* const* argv, World& world) {
    CLI::App app{"kaigo-gateway: the municipality's side of 介護情報基盤"};
    Arguments arguments;
    build(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error, world.out, world.err);
        return status == 0 ? 0 : info(ErrorCode::usage).exit_status;
    }
    try {
        return dispatch(app, arguments, world);
    } catch (const sqlite::Failure& failure) {
        // After a failed write or fsync nothing that the handle says can be believed: this process ends here.
        return refuse(world, Error{ErrorCode::cannot_write, failure.what(), "",
                                   tr("check the disk and the ledger with: kaigo-gateway doctor")});
    } catch (const std::exception& error) {
        return refuse(world, Error{ErrorCode::internal, error.what(), "", tr("report this to the vendor")});
    }
}

int run_process(int argc, const char* const* argv, Clock& clock) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    std::stop_source stop;
    std::thread([signals, stop]() mutable {
        int signal = 0;
        sigwait(&signals, &signal);
        stop.request_stop();
        sigwait(&signals, &signal);
        _exit(info(ErrorCode::busy).exit_status);
    }).detach();

    SystemRandom random;
    const auto ask = [] {
        std::string line;
        std::getline(std::cin, line);
        return line;
    };
    World world{clock,
                random,
                std::cout,
                std::cerr,
                isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1,
                os_user(),
                stop.get_token(),
                ask};
    const int status = command_line(argc, argv, world);
    std::cout.flush();
    return status;
}

}  // namespace kaigo::jobs
