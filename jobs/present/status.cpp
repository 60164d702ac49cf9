#include "jobs/present/status.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "base/i18n.h"
#include "jobs/runtime/json_text.h"
#include "jobs/words/words.h"

namespace kaigo::jobs {

namespace json = boost::json;

json::object status_json(const OverallStatus& status) {
    json::array insurers;
    for (const InsurerStatus& each : status.insurers) {
        json::object records;
        for (const auto& [kind, states] : each.records) {
            json::object counts;
            for (const auto& [state, count] : states) counts[state] = count;
            records[kind] = std::move(counts);
        }
        insurers.push_back(
            json::object{{"insurer", each.insurer},
                         {"records", std::move(records)},
                         {"openCases", each.open_cases},
                         {"certificateDaysLeft",
                          each.certificate_days ? json::value(*each.certificate_days) : json::value(nullptr)},
                         {"setupComplete", each.setup_complete}});
    }
    json::object last;
    for (const auto& run : status.last_runs)
        last[run.job] = json::object{{"run", run.id},
                                     {"startedAt", json_time(run.started_at)},
                                     {"endedAt", json_time(run.ended_at)},
                                     {"outcome", json_text(run.outcome)},
                                     {"exitStatus", run.exit_status}};
    json::array alarms;
    for (const auto& alarm : status.alarms)
        alarms.push_back(json::object{{"at", json_time(alarm.at)},
                                      {"insurer", json_text(alarm.insurer)},
                                      {"code", alarm.code},
                                      {"detail", alarm.detail}});
    return {{"insurers", std::move(insurers)},
            {"toDo", json::array(status.to_do.begin(), status.to_do.end())},
            {"oldestWaiting", json_time(status.oldest_waiting)},
            {"lastRuns", std::move(last)},
            {"alarms", std::move(alarms)}};
}

void write_status(std::ostream& out, const OverallStatus& status) {
    for (const auto& count : status.counts)
        out << fmt::format("{} {:<24} {:>10}  {}\n", count.insurer, count.kind, count.count,
                           state_in_words(count.state));
    if (!status.to_do.empty()) out << tr("To do:") << '\n';
    for (const std::string& sentence : status.to_do) out << "  - " << sentence << '\n';
    for (const auto& each : status.open_cases)
        out << tr("open PMH key cases: {} {} {} ({})", each.insurer, each.count, each.kind, each.state)
            << '\n';
    if (status.oldest_waiting)
        out << tr("oldest request under way: {}", format_instant(from_milliseconds(*status.oldest_waiting)))
            << '\n';
    for (const InsurerStatus& each : status.insurers)
        if (each.certificate_days)
            out << tr("certificate of {}: {} days left", each.insurer, *each.certificate_days) << '\n';
    for (const auto& run : status.last_runs)
        out << tr("last {}: {}, {}", run.job, format_instant(from_milliseconds(run.started_at)),
                  outcome_in_words(run.outcome))
            << '\n';
    for (const auto& alarm : status.alarms)
        out << tr("alarm {}: {} {}", format_instant(from_milliseconds(alarm.at)), alarm.code, alarm.detail)
            << '\n';
}

}  // namespace kaigo::jobs
