#include "jobs/present/run_report.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "base/clock.h"
#include "base/i18n.h"
#include "jobs/present/certificate.h"
#include "jobs/present/json_document.h"
#include "jobs/sync/tasks.h"
#include "jobs/words/words.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

json::object accounting_json(const ledger::Accounting& left) {
    return {{"read", left.read},       {"unchanged", left.unchanged},   {"new", left.created},
            {"changed", left.changed}, {"waiting", left.waiting},       {"rejected", left.rejected},
            {"blocked", left.blocked}, {"duplicates", left.duplicates}, {"gone", left.gone}};
}

void write_left(std::ostream& out, const ledger::Accounting& left) {
    out << "  "
        << tr("read {} = unchanged {} + new {} + changed {} + waiting {} + rejected {} + blocked {} + "
              "duplicates {}; "
              "gone {}",
              left.read, left.unchanged, left.created, left.changed, left.waiting, left.rejected,
              left.blocked, left.duplicates, left.gone)
        << '\n';
}

std::string kind_title(const spec::Specification& specification, const std::string& id) {
    const spec::RecordKind* kind = specification.kind(id);
    return kind == nullptr ? id : id + " " + kind->name;
}

/// How many stand where, and why: for every insurer and kind.
void write_standing(std::ostream& out, const spec::Specification& specification, ledger::LedgerView& view) {
    out << tr("Where the records stand now:") << '\n';
    std::string heading;
    for (const ledger::StateCount& count : view.counts()) {
        const std::string title = count.insurer + " " + kind_title(specification, count.kind);
        if (title != heading) out << "  " << title << '\n';
        heading = title;
        out << fmt::format("  {:>10}  {}\n", count.count, state_in_words(count.state));
    }
    const auto reasons = view.reasons();
    if (reasons.empty()) return;
    out << tr("Why records are held, waiting or not linked:") << '\n';
    for (const ledger::StateCount& each : reasons)
        out << fmt::format("  {:>10}  {}: {}\n", each.count, each.kind,
                           reason_in_words(specification, each.state));
}

void write_next(std::ostream& out, const spec::Specification& specification, ledger::LedgerView& view) {
    std::int64_t moving = 0;
    for (const auto& each : view.counts())
        if (each.state == "pending" || each.state == "sending" || each.state == "unknown" ||
            each.state == "submitted")
            moving += each.count;
    const auto tasks = tasks_of(specification, view);
    out << tr("What is next:") << '\n';
    if (moving > 0)
        out << "  " << tr("{} records are under way; collect-results and retry-due settle them", moving)
            << '\n';
    for (const Task& task : tasks) out << "  " << task.text << '\n';
    if (moving == 0 && tasks.empty()) out << "  " << tr("nothing: everything is settled") << '\n';
}

}  // namespace

json::object run_json(const ledger::RunRow& run) {
    return {{"id", run.id},
            {"job", run.job},
            {"startedAt", json_time(run.started_at)},
            {"endedAt", json_time(run.ended_at)},
            {"outcome", json_text(run.outcome)},
            {"exitStatus", run.exit_status},
            {"message", json_text(run.message)},
            {"actor", run.actor}};
}

json::object comparison_json(const ledger::ComparisonRow& row) {
    json::object out{{"insurer", row.insurer}, {"kind", row.kind},         {"scope", row.scope},
                     {"outcome", row.outcome}, {"complete", row.complete}, {"closed", row.closed}};
    out["rows"] = accounting_json(row.left);
    out["results"] = json::object{{"registered", row.registered},           {"deleted", row.deleted},
                                  {"stored_in_error", row.stored_in_error}, {"refused", row.refused},
                                  {"blocked", row.blocked_later},           {"owed", row.owed}};
    return out;
}

std::vector<std::pair<std::string, std::int64_t>> accounting_terms(const ledger::ComparisonRow& row) {
    const ledger::Accounting& left = row.left;
    return {{tr("read"), left.read},          {tr("unchanged"), left.unchanged},
            {tr("new"), left.created},        {tr("changed"), left.changed},
            {tr("in process"), left.waiting}, {tr("rejected"), left.rejected},
            {tr("blocked"), left.blocked},    {tr("duplicates"), left.duplicates},
            {tr("gone"), left.gone},          {tr("registered"), row.registered},
            {tr("deleted"), row.deleted},     {tr("stored without link"), row.stored_in_error},
            {tr("refused"), row.refused},     {tr("blocked by its result"), row.blocked_later},
            {tr("under way"), row.owed}};
}

void write_accounting(std::ostream& out, const ledger::ComparisonRow& row) {
    write_left(out, row.left);
    if (row.outcome == name_of(ledger::kComparisonEndNames, ledger::ComparisonEnd::held)) {
        out << "  " << tr("held: nothing of it was sent") << '\n';
        return;
    }
    out << "  "
        << tr("sent {} = registered {} + deleted {} + stored without link {} + refused {} + blocked {} + "
              "under way {}",
              row.left.created + row.left.changed + row.left.gone, row.registered, row.deleted,
              row.stored_in_error, row.refused, row.blocked_later, row.owed)
        << '\n';
    if (broken_off(row))
        out << "  " << tr("broken off: the next comparison goes over all rows again") << '\n';
    else if (!row.closed)
        out << "  " << tr("THE SUMS DO NOT CLOSE") << '\n';
}

void write_summary(std::ostream& out, const spec::Specification& specification, const RunSummary& summary,
                   const RunOptions& options, ledger::LedgerView* view, const std::string& language) {
    if (options.dry_run)
        return report_plan(out, summary.plans, view != nullptr ? view->sending_rate() : std::nullopt,
                           options.json);
    if (options.quiet && summary.nothing_new) return;
    if (options.job == JobName::reconcile) {
        out << certificates_as(options.json ? "json" : "text", specification, summary.certificates, language);
        return;
    }
    if (!summary.certificates.empty() && !options.json)
        out << tr("The setup is complete. Its certificate: kaigo-gateway report --run {}", summary.run)
            << '\n';
    if (summary.differences > 0 && !options.json)
        out << tr("The source changed meanwhile: {} records differ, which the next daily-sync settles",
                  summary.differences)
            << '\n';
    if (view != nullptr) report_run(out, specification, *view, summary.run, options.json);
}

void report_plan(std::ostream& out, const std::vector<PlanRow>& plan, std::optional<double> rate,
                 bool json_format) {
    std::int64_t records = 0;
    const auto sent = [](const PlanRow& row) { return row.left.created + row.left.changed + row.left.gone; };
    for (const PlanRow& row : plan) records += sent(row);
    std::optional<std::int64_t> seconds;
    if (rate) seconds = static_cast<std::int64_t>(static_cast<double>(records) / *rate) + 1;
    if (json_format) {
        json::array rows;
        for (const PlanRow& row : plan)
            rows.push_back(json::object{{"insurer", row.insurer},
                                        {"kind", row.kind},
                                        {"rows", accounting_json(row.left)},
                                        {"records", sent(row)},
                                        {"requests", row.requests},
                                        {"bytes", row.bytes}});
        write_json(out, json::object{{"dryRun", true},
                                     {"plan", std::move(rows)},
                                     {"seconds", seconds ? json::value(*seconds) : json::value(nullptr)}});
        return;
    }
    out << tr("Dry run: nothing was sent.") << '\n';
    for (const PlanRow& row : plan) {
        out << row.insurer << ' ' << row.kind << '\n';
        write_left(out, row.left);
        out << "  "
            << tr("would be sent: {} records in {} requests, {} MiB", sent(row), row.requests,
                  fmt::format("{:.1f}", static_cast<double>(row.bytes) / (1U << 20)))
            << '\n';
    }
    if (seconds)
        out << tr("at the rate of the last large run this takes about {} minutes", (*seconds + 59) / 60)
            << '\n';
    else
        out << tr("how long that takes is not known yet: no large run has been measured") << '\n';
}

void report_run(std::ostream& out, const spec::Specification& specification, ledger::LedgerView& view,
                ledger::RunId id, bool json_format) {
    const auto run = view.run(id);
    if (!run) return;
    const auto comparisons = view.comparisons(id);
    if (json_format) {
        json::object document = run_json(*run);
        json::array rows;
        for (const auto& row : comparisons) rows.push_back(comparison_json(row));
        document["comparisons"] = std::move(rows);
        write_json(out, document);
        return;
    }
    out << tr("Run {}: {}, {}", run->id, run->job, outcome_in_words(run->outcome)) << '\n';
    if (!run->message.empty()) out << "  " << run->message << '\n';
    for (const auto& row : comparisons) {
        out << row.insurer << ' ' << kind_title(specification, row.kind);
        if (row.scope != "all") out << " " << tr("(read again)");
        out << '\n';
        write_accounting(out, row);
    }
    if (view.counts().empty()) return;
    write_standing(out, specification, view);
    write_next(out, specification, view);
}

void report_runs(std::ostream& out, ledger::LedgerView& view, bool json_format) {
    constexpr int kRuns = 50;
    const auto runs = view.runs(kRuns);
    if (json_format) {
        json::array rows;
        for (const auto& run : runs) rows.push_back(run_json(run));
        write_json(out, json::object{{"runs", std::move(rows)}});
        return;
    }
    for (const auto& run : runs)
        out << fmt::format("{:>6}  {}  {:<16} {}  {}\n", run.id,
                           format_instant(from_milliseconds(run.started_at)), run.job,
                           outcome_in_words(run.outcome), run.message.substr(0, run.message.find('\n')));
}

}  // namespace kaigo::jobs
