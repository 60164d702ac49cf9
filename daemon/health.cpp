// prometheus-cpp writes the metrics. Their labels are insurers, kinds, states and jobs: never a person.

#include "daemon/health.h"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/i18n.h"
#include "jobs/checks/host_checks.h"
#include "jobs/runtime/host.h"
#include "jobs/runtime/ledger_store.h"
#include "observe/metrics.h"

namespace kaigo::daemon {

namespace json = boost::json;

namespace {

constexpr int kUnavailable = 503;
constexpr double kMillisecondsPerSecond = 1000;

json::object as_json(const jobs::Check& check) {
    const bool fine = check.level == jobs::Check::Level::ok;
    json::object out{{"check", check.name}, {"ok", check.level != jobs::Check::Level::error}};
    if (!check.subject.empty()) out["subject"] = check.subject;
    if (!fine) out["detail"] = check.text;
    return out;
}

/// Gauges of one scrape.
class Metrics {
  public:
    void set(const char* name, const prometheus::Labels& labels, double value) {
        auto& family = prometheus::BuildGauge()
                           .Name(std::string("kaigo_") + name)
                           .Help(observe::metric(name).help)
                           .Register(registry_);
        family.Add(labels).Increment(value);
    }
    std::string text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  private:
    // One family a name, however often it is registered.
    prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
};

/// By job and insurer; a run over all insurers is the last of each of them.
std::map<std::pair<std::string, std::string>, ledger::RunRow> last_runs(ledger::LedgerView& view,
                                                                        const config::Config& config) {
    std::map<std::pair<std::string, std::string>, ledger::RunRow> out;
    for (const auto& run : view.last_runs_by_insurer())  // oldest first
        for (const config::Insurer& insurer : config.insurers)
            if (run.insurer.empty() || run.insurer == insurer.number.value())
                out[{run.job, insurer.number.value()}] = run;
    return out;
}

void measure_ledger(Metrics& out, ledger::LedgerView& view, const config::Config& config, Instant now) {
    for (const auto& each : view.counts())
        out.set("records", {{"insurer", each.insurer}, {"kind", each.kind}, {"state", each.state}},
                static_cast<double>(each.count));
    for (const auto& each : view.open_cases())
        out.set("open_cases", {{"insurer", each.insurer}, {"error", each.kind}, {"step", each.state}},
                static_cast<double>(each.count));
    const auto age = [&](std::int64_t since) {
        return static_cast<double>(to_milliseconds(now) - since) / kMillisecondsPerSecond;
    };
    for (const auto& each : view.waiting_by_insurer()) {
        const prometheus::Labels labels{{"insurer", each.insurer}};
        if (each.oldest_request) out.set("oldest_waiting_seconds", labels, age(*each.oldest_request));
        if (each.oldest_case) out.set("oldest_case_seconds", labels, age(*each.oldest_case));
        out.set("retries", labels, static_cast<double>(each.attempts));
    }
    std::map<std::string, bool> set_up;
    for (const config::Insurer& insurer : config.insurers) set_up[insurer.number.value()] = false;
    for (const auto& setup : view.setups())
        if (setup.completed && set_up.contains(setup.insurer)) set_up[setup.insurer] = true;
    for (const auto& [insurer, complete] : set_up)
        out.set("setup_complete", {{"insurer", insurer}}, complete ? 1 : 0);
    for (const auto& [of, run] : last_runs(view, config)) {
        const prometheus::Labels labels{{"run_job", of.first}, {"insurer", of.second}};
        out.set("last_run_timestamp_seconds", labels,
                static_cast<double>(run.started_at) / kMillisecondsPerSecond);
        if (!run.ended_at) continue;
        out.set("last_run_duration_seconds", labels,
                static_cast<double>(*run.ended_at - run.started_at) / kMillisecondsPerSecond);
        out.set("last_run_exit_status", labels, run.exit_status);
    }
    out.set("alarms", {}, static_cast<double>(view.alarm_count()));
}

double size_of(const std::filesystem::path& path) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(path, missing);
    return missing ? 0 : static_cast<double>(size);
}

}  // namespace

bool Health::moving() const {
    return std::ranges::none_of(lanes_.active(), [](const auto& job) {
        return job->state == Job::State::running && job->clock.silent_for() > kStalled;
    });
}

std::optional<http::Response> Health::answer_at_once(const http::Request& request) const {
    constexpr int kNotFound = 404;
    constexpr int kNotAllowed = 405;
    if (request.method != "GET") return http::Response{kNotAllowed, "", "text/plain"};
    if (request.path == "/healthz") return healthz();
    if (request.path == "/readyz" || request.path == "/metrics") return std::nullopt;
    return http::Response{kNotFound, "/healthz /readyz /metrics\n", "text/plain"};
}

http::Response Health::answer(const http::Request& request) {
    if (request.path == "/readyz") return ready_.get([&] { return readyz(); });
    return measured_.get([&] { return metrics(); });
}

http::Response Health::healthz() const {
    const bool ok = moving();
    return {ok ? 200 : kUnavailable, json::serialize(json::object{{"moving", ok}}) + "\n"};
}

/// Ready: work can be done for at least one insurer. What keeps the others from it stands beside.
http::Response Health::readyz() {
    const auto installation = installed_();
    const auto checks = jobs::check_readiness(*installation, clock_.now());
    const bool ready = jobs::is_ready(checks, installation->config());
    json::array list;
    for (const jobs::Check& check : checks) list.push_back(as_json(check));
    const json::object body{{"ready", ready}, {"checks", std::move(list)}};
    return {ready ? 200 : kUnavailable, json::serialize(body) + "\n"};
}

http::Response Health::metrics() {
    const auto installation = installed_();
    const config::Config& config = installation->config();
    const Instant now = clock_.now();
    Metrics out;
    if (auto view = jobs::ledger_store(config).view()) measure_ledger(out, *view, config, now);
    for (const config::Insurer& insurer : config.insurers)
        if (const auto& credentials = installation->credentials(insurer))
            out.set("certificate_days", {{"insurer", insurer.number.value()}},
                    static_cast<double>(platform::days_left(credentials->info, now)));
    if (const platform::Authority* next = platform::ends_next(installation->authorities(), now))
        out.set("ca_days", {}, static_cast<double>(platform::whole_days(next->ends - now)));
    std::filesystem::path log = config.ledger;
    log += "-wal";
    out.set("ledger_bytes", {}, size_of(config.ledger) + size_of(log));
    out.set("audit_bytes", {}, size_of(config.audit));
    double spooled = 0;
    std::error_code failed;
    for (std::filesystem::directory_iterator it(config.spool, failed), end; !failed && it != end;
         it.increment(failed))
        spooled += size_of(it->path());
    out.set("spool_bytes", {}, spooled);
    if (const auto free = jobs::free_bytes(config.ledger.parent_path()))
        out.set("disk_free_bytes", {}, static_cast<double>(*free));
    out.set("jobs_active", {}, static_cast<double>(lanes_.active_count()));
    return {200, out.text(), "text/plain; version=0.0.4"};
}

}  // namespace kaigo::daemon
