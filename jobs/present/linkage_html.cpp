// The linkage report as one HTML file: no scripts, nothing from outside, A4.

#include <fmt/format.h>

#include <algorithm>

#include "base/i18n.h"
#include "jobs/present/html_text.h"
#include "jobs/present/linkage_report.h"
#include "jobs/present/run_report.h"
#include "jobs/words/case_words.h"
#include "jobs/words/words.h"
#include "spec/record.h"

namespace kaigo::jobs {
namespace {

/// Bars of the last runs, as high as the highest of them.
std::string trend_chart(const std::vector<std::int64_t>& trend) {
    constexpr int kWidth = 120;
    constexpr int kHeight = 18;
    constexpr int kBar = 4;
    const std::int64_t highest = std::max<std::int64_t>(1, *std::max_element(trend.begin(), trend.end()));
    std::string out =
        fmt::format(R"(<svg width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="img" aria-label="{2}">)",
                    kWidth, kHeight, escape_html(tr("counts of the last runs, at most {}", highest)));
    int x = kWidth - static_cast<int>(trend.size()) * kBar;
    for (const std::int64_t count : trend) {
        const auto height = static_cast<int>((count * (kHeight - 1) + highest - 1) / highest);
        out += fmt::format(R"(<rect x="{}" y="{}" width="{}" height="{}" fill="#557"/>)", x, kHeight - height,
                           kBar - 1, height);
        x += kBar;
    }
    return out + "</svg>";
}

/// One table: for each comparison its left-hand terms, and below them what became of what was sent.
std::string accounts(const LinkageReport& report, const spec::Specification& specification) {
    std::string out;
    for (const auto& [run, row] : report.comparisons) {
        const auto terms = accounting_terms(row);
        std::vector<std::string> titles = {tr("run"), tr("record kind")};
        std::string counts;
        for (std::size_t i = 0; i < kLeftTerms; ++i) {
            titles.push_back(terms[i].first);
            counts += cell(terms[i].second);
        }
        std::string sent = tr("sent {} =", row.left.created + row.left.changed + row.left.gone);
        for (std::size_t i = kLeftTerms; i < terms.size(); ++i)
            sent += (i == kLeftTerms ? " " : " + ") + terms[i].first + " " + std::to_string(terms[i].second);
        if (out.empty()) out = header(titles);
        std::string what = row.insurer + " " + kind_in_words(specification, row.kind);
        if (row.scope != "all") what += " " + tr("(read again)");
        std::string end;
        if (!row.closed && !broken_off(row))
            end = " <span class=\"bad\">" + escape_html(tr("THE SUMS DO NOT CLOSE")) + "</span>";
        out += fmt::format("<tr>{}{}{}</tr>\n<tr><td></td><td colspan=\"{}\">{}{}</td></tr>\n", cell(run),
                           cell(what), counts, titles.size() - 1, escape_html(sent), end);
    }
    return out.empty() ? "<p>" + escape_html(tr("none")) + "</p>\n" : out + "</table>\n";
}

}  // namespace

std::string as_html(const LinkageReport& report, const spec::Specification& specification,
                    const std::string& language) {
    std::string out = html_begin(report.title, language);
    out += "<p class=\"made\">" +
           escape_html(tr("made {} by kaigo-gateway", format_instant(report.made_at))) + "</p>\n";
    const auto section = [&](const std::string& title) { out += "<h2>" + escape_html(title) + "</h2>\n"; };

    if (report.present) {
        section(tr("To do today"));
        out += "<ul class=\"todo\">";
        for (const std::string& sentence : report.to_do) out += "<li>" + escape_html(sentence) + "</li>";
        if (report.to_do.empty()) out += "<li>" + escape_html(tr("nothing")) + "</li>";
        out += "</ul>\n";
    }

    section(tr("Runs and their row accounting"));
    out += header({tr("run"), tr("job"), tr("begun"), tr("outcome")});
    for (const auto& run : report.runs)
        out += "<tr>" + cell(run.id) + cell(run.job) +
               cell(format_instant(from_milliseconds(run.started_at))) + cell(outcome_in_words(run.outcome)) +
               "</tr>\n";
    out += "</table>\n" + accounts(report, specification);

    section(tr("Where the records stand"));
    out += header({tr("insurer"), tr("record kind"), tr("state"), tr("count")});
    for (const auto& each : report.standing)
        out += "<tr>" + cell(each.insurer) + cell(kind_in_words(specification, each.kind)) +
               cell(state_in_words(each.state)) + cell(each.count) + "</tr>\n";
    out += "</table>\n";

    section(tr("Causes of error, with the last 30 runs"));
    out += header({tr("insurer"), tr("record kind"), tr("cause"), tr("count"), tr("last runs")});
    for (const Cause& cause : report.causes)
        out += "<tr>" + cell(cause.insurer) + cell(kind_in_words(specification, cause.kind)) +
               cell(reason_in_words(specification, cause.reason)) + cell(cause.count()) + "<td>" +
               trend_chart(cause.trend) + "</td></tr>\n";
    out += "</table>\n";

    section(tr("Open PMH key cases by step and age"));
    out += header({tr("step"), "", tr("count"), tr("up to {} days", 7), tr("up to {} days", 30),
                   tr("up to {} days", 90), tr("older")});
    for (const CasesAtStep& step : report.cases) {
        std::string words = case_state_in_words(step.state);
        if (step.came_back > 0) words += " " + tr("({} came back)", step.came_back);
        out += "<tr>" + cell(step_number(step.state)) + cell(words) + cell(step.count());
        for (const std::int64_t count : step.by_age) out += cell(count);
        out += "</tr>\n";
    }
    out += "</table>\n";

    if (!report.without_number.empty() || !report.same_numbers.empty()) {
        section(tr("Known before anything is sent"));
        out += "<ul>";
        for (const auto& each : report.without_number)
            out += "<li>" + escape_html(without_number_in_words(each)) + "</li>";
        for (const auto& same : report.same_numbers) {
            std::string persons;
            for (const std::string& key : same.keys)
                persons += " " + std::string(spec::insured_number_of(key));
            out += "<li>" + escape_html(tr("{}: the same マイナンバー:", same.insurer) + persons) + "</li>";
        }
        out += "</ul>\n";
    }

    if (report.present) {
        section(tr("Certificates"));
        out += header({tr("insurer"), tr("days left")});
        for (const CertificateRow& row : report.certificates)
            out += "<tr>" + cell(row.insurer) +
                   (row.days_left ? cell(*row.days_left) : cell(tr("cannot be read"))) + "</tr>\n";
        out += "</table>\n";
    }

    if (!report.alarms.empty()) {
        section(tr("Alarms"));
        out += header({tr("time"), tr("what"), ""});
        for (const auto& alarm : report.alarms)
            out += "<tr>" + cell(format_instant(from_milliseconds(alarm.at))) + cell(alarm.code) +
                   cell(alarm.detail) + "</tr>\n";
        out += "</table>\n";
    }
    return out + "</body></html>\n";
}

}  // namespace kaigo::jobs
