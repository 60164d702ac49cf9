#include "jobs/present/records.h"

#include "base/i18n.h"
#include "jobs/commands/commands.h"
#include "jobs/operate/explain.h"
#include "jobs/operate/linkage_report.h"
#include "jobs/operate/open_records.h"
#include "jobs/operate/status.h"
#include "jobs/present/certificate.h"
#include "jobs/present/json_document.h"
#include "jobs/present/linkage_report.h"
#include "jobs/present/status.h"

namespace kaigo::jobs {

int status(const CommandContext& context, bool json) {
    auto records = open_records(context.config);
    if (!records) return refuse(context.terminal, records.error());
    const OverallStatus found =
        status_of(context.config, *records->specification, records->ledger, context.environment.clock.now());
    if (json)
        write_json(context.terminal.out, status_json(found));
    else
        write_status(context.terminal.out, found);
    return 0;
}

int explain(const CommandContext& context, const std::string& insurer, const std::string& insured,
            bool json) {
    const auto number = InsuredNumber::parse(insured);
    if (!number) {
        context.terminal.err << tr("error: {}", number.error().text()) << '\n';
        return info(ErrorCode::usage).exit_status;
    }
    auto records = open_records(context.config);
    if (!records) return refuse(context.terminal, records.error());
    const Explanation explained = explain(*records->specification, records->ledger, insurer, *number);
    write_explanation(context.terminal.out, *records->specification, explained, json);
    return explained.records.empty() ? info(ErrorCode::needs_person).exit_status : 0;
}

int held_list(const CommandContext& context, const HeldOptions& options) {
    auto records = open_records(context.config);
    if (!records) return refuse(context.terminal, records.error());
    const auto held = held_records(*records->specification, records->ledger, options.selection);
    if (!held) return refuse(context.terminal, held.error());
    write_held(context.terminal.out, *records->specification, *held, options.selection, options.format,
               options.all);
    return 0;
}

int held_resend(const CommandContext& context, const HeldOptions& options) {
    Terminal& terminal = context.terminal;
    const auto question = question_before_resend(context.config, options.selection);
    if (!question) return refuse(terminal, question.error());
    if (!question->empty() && !options.yes) {
        if (!terminal.interactive)
            return refuse(
                terminal,
                Error{ErrorCode::needs_person, *question, "",
                      tr("answer it with --yes, or name what is meant: --insured, --record, --reason")});
        terminal.err << *question << ' ' << std::flush;
        if (terminal.ask() != "yes")
            return refuse(terminal, Error{ErrorCode::needs_person, tr("not begun"), "", ""});
    }
    const auto resent = resend_held(context.config, context.environment, options.selection);
    if (!resent) return refuse(terminal, resent.error());
    if (options.format == "json") {
        boost::json::object out{{"resent", resent->records}};
        if (!resent->released.empty())
            out["released"] = boost::json::array(resent->released.begin(), resent->released.end());
        write_json(terminal.out, out);
        return 0;
    }
    for (const std::string& each : resent->released) terminal.out << tr("released: {}", each) << '\n';
    terminal.out << tr("{} records are owed again; retry-due or the next daily-sync sends them",
                       resent->records)
                 << '\n';
    return 0;
}

int report(const CommandContext& context, const ReportOptions& options) {
    Terminal& terminal = context.terminal;
    const config::Config& config = context.config;
    const Instant now = context.environment.clock.now();
    auto records = open_records(config);
    if (!records) return refuse(terminal, records.error());
    const spec::Specification& specification = *records->specification;
    if (options.day && *options.day > japan_date(now))
        return refuse(terminal,
                      Error{ErrorCode::usage,
                            tr("{} has not come yet: there is no report of it", options.day->iso()), "", ""});
    LinkageReport report;
    if (options.run != 0) {
        const auto run = records->ledger.run(options.run);
        if (!run)
            return refuse(terminal, Error{ErrorCode::usage, tr("there is no run {}", options.run), "", ""});
        if (const auto kept = records->ledger.certificates(options.run);
            !kept.empty() && options.format != "csv") {
            terminal.out << certificates_as(options.format, specification, kept, config.language);
            return 0;
        }
        report = report_of_run(config, specification, records->ledger, *run, now);
    } else {
        report =
            report_of_day(config, specification, records->ledger, options.day.value_or(japan_date(now)), now);
    }
    if (options.format == "json")
        terminal.out << as_json(report);
    else if (options.format == "csv")
        terminal.out << as_csv(report, specification);
    else if (options.format == "html")
        terminal.out << as_html(report, specification, config.language);
    else
        terminal.out << as_text(report, specification);
    return 0;
}

}  // namespace kaigo::jobs
