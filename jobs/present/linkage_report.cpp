#include "jobs/present/linkage_report.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <sstream>

#include "base/csv.h"
#include "base/i18n.h"
#include "jobs/present/cases.h"
#include "jobs/present/json_document.h"
#include "jobs/present/run_report.h"
#include "jobs/words/case_words.h"
#include "jobs/words/words.h"
#include "spec/record.h"

namespace kaigo::jobs {

namespace json = boost::json;

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

}  // namespace kaigo::jobs
