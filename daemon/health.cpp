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
    void set(const char* name, const char* help, const prometheus::Labels& labels, double value) {
        auto& family =
            prometheus::BuildGauge().Name(std::string("kaigo_") + name).Help(help).Register(registry_);
        family.Add(labels).Increment(value);
    }
    std::string text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  private:
    // One family a name, however often it is registered.
    prometheus::Registry registry_{prometheus::Registry::InsertBehavior::Merge};
};

void measure_ledger(Metrics& out, ledger::LedgerView& view, Instant now) {
    for (const auto& each : view.counts())
        out.set("records", "Records by insurer, kind and state",
                {{"insurer", each.insurer}, {"kind", each.kind}, {"state", each.state}},
                static_cast<double>(each.count));
    for (const auto& each : view.open_cases())
        out.set("open_cases", "Open PMH key cases by insurer, error and step",
                {{"insurer", each.insurer}, {"error", each.kind}, {"step", each.state}},
                static_cast<double>(each.count));
    const auto age = [&](std::int64_t since) {
        return static_cast<double>(to_milliseconds(now) - since) / kMillisecondsPerSecond;
    };
    for (const auto& each : view.waiting_by_insurer()) {
        const prometheus::Labels labels{{"insurer", each.insurer}};
        if (each.oldest_request)
            out.set("oldest_waiting_seconds", "Age of the oldest request that is not settled", labels,
                    age(*each.oldest_request));
        if (each.oldest_case)
            out.set("oldest_case_seconds", "Age of the oldest open PMH key case", labels,
                    age(*each.oldest_case));
        out.set("retries", "Attempts that records and requests under way have behind them", labels,
                static_cast<double>(each.attempts));
    }
    for (const auto& run : view.last_runs_by_insurer()) {
        const prometheus::Labels labels{{"job", run.job}, {"insurer", run.insurer}};
        out.set("last_run_timestamp_seconds", "Start of the last run", labels,
                static_cast<double>(run.started_at) / kMillisecondsPerSecond);
        if (!run.ended_at) continue;
        out.set("last_run_duration_seconds", "Duration of the last run", labels,
                static_cast<double>(*run.ended_at - run.started_at) / kMillisecondsPerSecond);
        out.set("last_run_exit_status", "Exit status of the last run; 0 is success", labels, run.exit_status);
    }
    out.set("alarms", "Alarms in the ledger", {}, static_cast<double>(view.alarm_count()));
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
    if (auto view = jobs::ledger_store(config).view()) measure_ledger(out, *view, now);
    for (const config::Insurer& insurer : config.insurers)
        if (const auto& credentials = installation->credentials(insurer))
            out.set("certificate_days", "Days until the client certificate ends",
                    {{"insurer", insurer.number.value()}},
                    static_cast<double>(platform::days_left(credentials->info, now)));
    std::filesystem::path log = config.ledger;
    log += "-wal";
    out.set("ledger_bytes", "Size of the ledger with its log", {}, size_of(config.ledger) + size_of(log));
    out.set("audit_bytes", "Size of the audit log", {}, size_of(config.audit));
    double spooled = 0;
    std::error_code failed;
    for (std::filesystem::directory_iterator it(config.spool, failed), end; !failed && it != end;
         it.increment(failed))
        spooled += size_of(it->path());
    out.set("spool_bytes", "Size of the encrypted spool", {}, spooled);
    if (const auto free = jobs::free_bytes(config.ledger.parent_path()))
        out.set("disk_free_bytes", "Room left where the ledger lies", {}, static_cast<double>(*free));
    out.set("jobs_active", "Jobs that work or wait", {}, static_cast<double>(lanes_.active_count()));
    return {200, out.text(), "text/plain; version=0.0.4"};
}

}  // namespace kaigo::daemon
