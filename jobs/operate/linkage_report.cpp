#include "jobs/operate/linkage_report.h"

#include <algorithm>

#include "base/i18n.h"
#include "jobs/checks/certificate_days.h"
#include "jobs/sync/tasks.h"
#include "jobs/words/case_words.h"
#include "platform/certificate.h"

namespace kaigo::jobs {

using registration::CaseState;

namespace {

constexpr int kTrendRuns = 30;
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
        else if (*row.days_left <= kCertificateWarningDays)
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
    // A report that reaches the present uses the present counts: runs since the last one over all rows moved
    // records too.
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

}  // namespace kaigo::jobs
