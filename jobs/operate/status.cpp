#include "jobs/operate/status.h"

#include "jobs/sync/tasks.h"
#include "platform/certificate.h"

namespace kaigo::jobs {
namespace {

constexpr int kMostAlarms = 20;

}  // namespace

OverallStatus status_of(const config::Config& config, const spec::Specification& specification,
                        ledger::LedgerView& view, Instant now) {
    OverallStatus out;
    out.counts = view.counts();
    out.open_cases = view.open_cases();
    const auto setups = view.setups();
    for (const config::Insurer& insurer : config.insurers) {
        InsurerStatus one;
        one.insurer = insurer.number.value();
        for (const auto& kind : specification.kinds()) one.records[kind->id];
        for (const auto& count : out.counts)
            if (count.insurer == one.insurer && one.records.contains(count.kind))
                one.records[count.kind][count.state] = count.count;
        for (const auto& each : out.open_cases)
            if (each.insurer == one.insurer) one.open_cases += each.count;
        if (const auto certificate = platform::inspect_certificate(insurer.certificate_file))
            one.certificate_days = platform::days_left(*certificate, now);
        for (const auto& setup : setups)
            if (setup.insurer == one.insurer) one.setup_complete = setup.completed;
        out.insurers.push_back(std::move(one));
    }
    for (Task& task : tasks_of(specification, view)) out.to_do.push_back(std::move(task.text));
    out.oldest_waiting = view.oldest_waiting();
    out.last_runs = view.last_runs();
    out.alarms = view.alarms(kMostAlarms);
    return out;
}

}  // namespace kaigo::jobs
