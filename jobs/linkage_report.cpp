#include "jobs/linkage_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <sstream>

#include "base/csv.h"
#include "base/files.h"
#include "base/i18n.h"
#include "jobs/case_words.h"
#include "jobs/certificate.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"
#include "jobs/looking.h"
#include "jobs/report.h"
#include "jobs/tasks.h"
#include "jobs/words.h"
#include "platform/certificate.h"
#include "spec/record.h"

namespace kaigo::jobs {

namespace json = boost::json;
using registration::CaseState;

namespace {

constexpr int kTrendRuns = 30;
constexpr std::int64_t kCertificateWarning = 60;  // days
constexpr std::int64_t kDay = 86'400'000;

/// Causes of what is not registered, each with its counts at the end of the last runs.
std::vector<Cause> causes_of(const std::vector<ledger::StandingCount>& counts) {
    std::vector<ledger::RunId> runs;
    for (const auto& count : counts)
        if (runs.empty() || runs.back() != count.run) runs.push_back(count.run);
    std::map<std::array<std::string, 4>, std::vector<std::int64_t>> trends;
    for (const auto& count : counts) {
        if (count.state != "rejected" && count.state != "blocked" && count.state != "stored_in_error")
            continue;
        auto& trend = trends[{count.insurer, count.kind, count.state, count.reason}];
        trend.resize(runs.size());
        trend[static_cast<std::size_t>(std::find(runs.begin(), runs.end(), count.run) - runs.begin())] =
            count.records;
    }
    std::vector<Cause> out;
    out.reserve(trends.size());
    for (auto& [cause, trend] : trends)
        out.push_back({cause[0], cause[1], cause[2], cause[3], std::move(trend)});
    std::stable_sort(out.begin(), out.end(),
                     [](const Cause& a, const Cause& b) { return a.count() > b.count(); });
    return out;
}

std::vector<CasesAtStep> steps_of(const std::vector<ledger::CaseRow>& cases, std::int64_t at) {
    std::map<int, CasesAtStep> steps;
    for (const ledger::CaseRow& row : cases) {
        const CaseState state = row.pmh_case.state;
        CasesAtStep& step = steps[urgency(state) * 100 + static_cast<int>(state)];
        step.state = state;
        if (row.recurrences > 0) ++step.came_back;
        const std::int64_t age = (at - row.opened_at) / kDay;
        const auto bucket =
            std::lower_bound(CasesAtStep::kDays.begin(), CasesAtStep::kDays.end(), static_cast<int>(age)) -
            CasesAtStep::kDays.begin();
        ++step.by_age[static_cast<std::size_t>(bucket)];
    }
    std::vector<CasesAtStep> out;
    out.reserve(steps.size());
    for (const auto& [order, step] : steps) out.push_back(step);
    return out;
}

std::vector<CertificateRow> certificates_of(const config::Config& config, Instant now) {
    std::vector<CertificateRow> out;
    for (const config::Insurer& insurer : config.insurers) {
        const auto certificate = platform::inspect_certificate(insurer.certificate_file);
        CertificateRow row{insurer.number.value(), std::nullopt};
        if (certificate) row.days_left = platform::days_left(*certificate, now);
        out.push_back(row);
    }
    return out;
}

std::vector<std::string> to_do(const LinkageReport& report, const spec::Specification& specification,
                               ledger::LedgerView& view) {
    std::vector<std::string> out;
    for (const ledger::RunRow& run : report.runs)
        if ((run.exit_status != 0 && run.exit_status != 1) || run.outcome == "interrupted")
            out.push_back(tr("run {} ({}) did not come to its end: see it with: kaigo-gateway jobs {}",
                             run.id, run.job, run.id));
    for (const CertificateRow& row : report.certificates) {
        if (!row.days_left)
            out.push_back(tr("the certificate of {} cannot be read: kaigo-gateway doctor", row.insurer));
        else if (*row.days_left <= kCertificateWarning)
            out.push_back(
                tr("the certificate of {} ends in {} days: have it renewed", row.insurer, *row.days_left));
    }
    for (Task& task : tasks_of(specification, view)) out.push_back(std::move(task.text));
    if (!report.same_numbers.empty())
        out.push_back(tr("{} マイナンバー stand at more than one person: find out whose each is",
                         report.same_numbers.size()));
    if (!report.alarms.empty()) out.push_back(tr("{} alarms: see below", report.alarms.size()));
    return out;
}

/// The parts that a day and a run have in common.
/// @param at  milliseconds since the epoch: the report's end
void fill(LinkageReport& report, const config::Config& config, const spec::Specification& specification,
          ledger::LedgerView& view, std::int64_t at, Instant now) {
    report.made_at = now;
    report.present = at >= to_milliseconds(now);
    for (const ledger::RunRow& run : report.runs)
        for (auto& row : view.comparisons(run.id)) report.comparisons.emplace_back(run.id, std::move(row));
    auto standing = view.standing(at + 1, kTrendRuns);
    // Up to the present, the present counts: what ran since the last run over all rows has moved records too.
    if (report.present) std::ranges::move(view.standing_now(), std::back_inserter(standing));
    for (const auto& count : standing) {
        if (count.run != standing.back().run) continue;
        const bool same = !report.standing.empty() && report.standing.back().insurer == count.insurer &&
                          report.standing.back().kind == count.kind &&
                          report.standing.back().state == count.state;
        if (same)
            report.standing.back().count += count.records;
        else
            report.standing.push_back({count.insurer, count.kind, count.state, count.records});
    }
    report.causes = causes_of(standing);
    report.cases = steps_of(view.cases_at(at), at);
    if (!report.present) return;
    report.without_number = view.without_number();
    report.same_numbers = view.same_numbers();
    report.certificates = certificates_of(config, now);
    report.to_do = to_do(report, specification, view);
}

}  // namespace

LinkageReport report_of_day(const config::Config& config, const spec::Specification& specification,
                            ledger::LedgerView& view, const Date& day, Instant now) {
    LinkageReport report;
    report.title = tr("Linkage report of {}", day.iso());
    const std::int64_t from = to_milliseconds(japan_midnight(day));
    const std::int64_t until = from + kDay;
    report.runs = view.runs_between(from, until);
    report.alarms = view.alarms_between(from, until);
    fill(report, config, specification, view, std::min(until - 1, to_milliseconds(now)), now);
    return report;
}

LinkageReport report_of_run(const config::Config& config, const spec::Specification& specification,
                            ledger::LedgerView& view, const ledger::RunRow& run, Instant now) {
    LinkageReport report;
    report.title =
        tr("Run {}: {}, begun {}", run.id, run.job, format_instant(from_milliseconds(run.started_at)));
    report.runs = {run};
    const std::int64_t until = run.ended_at.value_or(to_milliseconds(now)) + 1;
    report.alarms = view.alarms_between(run.started_at, until);
    fill(report, config, specification, view, until, now);
    return report;
}

std::string as_text(const LinkageReport& report, const spec::Specification& specification) {
    std::ostringstream out;
    out << report.title << "\n\n";
    if (report.present) out << tr("To do today:") << '\n';
    if (report.present && report.to_do.empty()) out << "  " << tr("nothing") << '\n';
    for (const std::string& sentence : report.to_do) out << "  - " << sentence << '\n';
    out << '\n' << tr("Runs:") << '\n';
    if (report.runs.empty()) out << "  " << tr("none") << '\n';
    for (const auto& run : report.runs)
        out << fmt::format("  {:>6}  {}  {:<16} {}\n", run.id,
                           format_instant(from_milliseconds(run.started_at)), run.job,
                           outcome_in_words(run.outcome));
    for (const auto& [run, row] : report.comparisons) {
        out << '\n' << tr("run {}: {} {}", run, row.insurer, kind_in_words(specification, row.kind));
        out << (row.scope == "all" ? "\n" : " " + tr("(read again)") + "\n");
        write_accounting(out, row);
    }
    out << '\n' << tr("Where the records stand:") << '\n';
    for (const auto& count : report.standing)
        out << fmt::format("  {:>10}  {} {}: {}\n", count.count, count.insurer,
                           kind_in_words(specification, count.kind), state_in_words(count.state));
    out << '\n' << tr("Causes (and how many before that run):") << '\n';
    if (report.causes.empty()) out << "  " << tr("none") << '\n';
    for (const Cause& cause : report.causes) {
        const std::int64_t before = cause.trend.size() > 1 ? cause.trend[cause.trend.size() - 2] : 0;
        if (cause.count() + before == 0) continue;
        out << fmt::format("  {:>10}  ({:>6})  {} {}: {}\n", cause.count(), before, cause.insurer,
                           kind_in_words(specification, cause.kind),
                           reason_in_words(specification, cause.reason));
    }
    out << '\n' << tr("Open PMH key cases, by age (up to 7, 30, 90 days, older):") << '\n';
    if (report.cases.empty()) out << "  " << tr("none") << '\n';
    for (const CasesAtStep& step : report.cases)
        out << fmt::format("  {:>6}  {:>5} {:>5} {:>5} {:>5}  {}{}\n", step.count(), step.by_age[0],
                           step.by_age[1], step.by_age[2], step.by_age[3], numbered_step(step.state),
                           step.came_back == 0 ? "" : "  " + tr("({} came back)", step.came_back));
    write_without_number(out, report.without_number);
    for (const auto& same : report.same_numbers) {
        out << "  " << tr("{}: the same マイナンバー:", same.insurer);
        for (const std::string& key : same.keys) out << ' ' << spec::insured_number_of(key);
        out << '\n';
    }
    if (report.present) out << '\n' << tr("Certificates:") << '\n';
    for (const CertificateRow& row : report.certificates)
        out << "  "
            << (row.days_left ? tr("certificate of {}: {} days left", row.insurer, *row.days_left)
                              : tr("certificate of {}: cannot be read", row.insurer))
            << '\n';
    for (const auto& alarm : report.alarms)
        out << tr("alarm {}: {} {}", format_instant(from_milliseconds(alarm.at)), alarm.code, alarm.detail)
            << '\n';
    return out.str();
}

std::string as_json(const LinkageReport& report) {
    json::array comparisons;
    for (const auto& [run, row] : report.comparisons) {
        json::object each = comparison_json(row);
        each["run"] = run;
        comparisons.push_back(std::move(each));
    }
    json::array runs;
    for (const auto& run : report.runs) runs.push_back(run_json(run));
    json::array standing;
    for (const auto& each : report.standing)
        standing.push_back(json::object{
            {"insurer", each.insurer}, {"kind", each.kind}, {"state", each.state}, {"count", each.count}});
    json::array causes;
    for (const Cause& cause : report.causes)
        causes.push_back(json::object{{"insurer", cause.insurer},
                                      {"kind", cause.kind},
                                      {"state", cause.state},
                                      {"reason", cause.reason},
                                      {"count", cause.count()},
                                      {"trend", json::array(cause.trend.begin(), cause.trend.end())}});
    json::array cases;
    for (const CasesAtStep& step : report.cases)
        cases.push_back(
            json::object{{"state", std::string(name_of(registration::kCaseStateNames, step.state))},
                         {"count", step.count()},
                         {"cameBack", step.came_back},
                         {"upTo7Days", step.by_age[0]},
                         {"upTo30Days", step.by_age[1]},
                         {"upTo90Days", step.by_age[2]},
                         {"older", step.by_age[3]}});
    json::array same_numbers;
    for (const auto& each : report.same_numbers) {
        json::array persons;
        for (const std::string& key : each.keys) persons.emplace_back(spec::insured_number_of(key));
        same_numbers.push_back(json::object{{"insurer", each.insurer}, {"insured", std::move(persons)}});
    }
    json::array certificates;
    for (const CertificateRow& row : report.certificates)
        certificates.push_back(
            json::object{{"insurer", row.insurer},
                         {"daysLeft", row.days_left ? json::value(*row.days_left) : json::value(nullptr)}});
    json::array alarms;
    for (const auto& alarm : report.alarms)
        alarms.push_back(json::object{{"at", json_time(alarm.at)},
                                      {"insurer", json_text(alarm.insurer)},
                                      {"code", alarm.code},
                                      {"detail", alarm.detail}});
    json::array sentences;
    for (const std::string& sentence : report.to_do) sentences.emplace_back(sentence);
    std::ostringstream out;
    write_json(out, json::object{{"title", report.title},
                                 {"madeAt", format_instant(report.made_at)},
                                 {"toDo", std::move(sentences)},
                                 {"runs", std::move(runs)},
                                 {"comparisons", std::move(comparisons)},
                                 {"standing", std::move(standing)},
                                 {"causes", std::move(causes)},
                                 {"cases", std::move(cases)},
                                 {"withoutMyNumber", without_number_json(report.without_number)},
                                 {"sameMyNumber", std::move(same_numbers)},
                                 {"certificates", std::move(certificates)},
                                 {"alarms", std::move(alarms)}});
    return out.str();
}

std::string as_csv(const LinkageReport& report, const spec::Specification& specification) {
    std::string out(kCsvByteOrderMark);
    out += csv_line({tr("section"), tr("run"), tr("insurer"), tr("record kind"), tr("what"), tr("count")});
    const auto line = [&](const std::string& section, ledger::RunId run, const std::string& insurer,
                          const std::string& kind, const std::string& what, std::int64_t count) {
        out +=
            csv_line({section, run == 0 ? "" : std::to_string(run), insurer,
                      kind.empty() ? "" : kind_in_words(specification, kind), what, std::to_string(count)});
    };
    for (const auto& [run, row] : report.comparisons)
        for (const auto& [what, count] : accounting_terms(row))
            line(tr("accounting"), run, row.insurer, row.kind, what, count);
    for (const auto& each : report.standing)
        line(tr("standing"), 0, each.insurer, each.kind, state_in_words(each.state), each.count);
    for (const Cause& cause : report.causes)
        line(tr("cause"), 0, cause.insurer, cause.kind, reason_in_words(specification, cause.reason),
             cause.count());
    for (const CasesAtStep& step : report.cases)
        line(tr("open cases"), 0, "", "", case_state_in_words(step.state), step.count());
    for (const auto& each : report.without_number)
        line(tr("without マイナンバー"), 0, each.insurer, "",
             each.ask.empty() ? "" : tr("ask municipality {}", each.ask),
             static_cast<std::int64_t>(each.keys.size()));
    for (const auto& each : report.without_number)
        for (const std::string& key : each.keys)
            line(tr("without マイナンバー"), 0, each.insurer, "", std::string(spec::insured_number_of(key)),
                 1);
    for (const CertificateRow& row : report.certificates)
        if (row.days_left) line(tr("certificate, days left"), 0, row.insurer, "", "", *row.days_left);
    return out;
}

int linkage_report(const config::Config& config, World& world, const ReportOptions& options) {
    return look(config, world, [&](const spec::Specification& specification, ledger::LedgerView& view) {
        const Instant now = world.clock.now();
        const auto print = [&](const std::string& document) {
            world.out << document;
            return 0;
        };
        if (options.day && *options.day > japan_date(now))
            return refuse(
                world,
                Error{ErrorCode::usage,
                      tr("{} has not come yet: there is no report of it", options.day->iso()), "", ""});
        LinkageReport report;
        if (options.run != 0) {
            const auto run = view.run(options.run);
            if (!run)
                return refuse(world, Error{ErrorCode::usage, tr("there is no run {}", options.run), "", ""});
            if (const auto kept = view.certificates(options.run); !kept.empty() && options.format != "csv")
                return print(certificates_as(options.format, specification, kept, config.language));
            report = report_of_run(config, specification, view, *run, now);
        } else {
            report = report_of_day(config, specification, view, options.day.value_or(japan_date(now)), now);
        }
        const std::string document = options.format == "json"  ? as_json(report)
                                     : options.format == "csv" ? as_csv(report, specification)
                                     : options.format == "html"
                                         ? as_html(report, specification, config.language)
                                         : as_text(report, specification);
        return print(document);
    });
}

}  // namespace kaigo::jobs
