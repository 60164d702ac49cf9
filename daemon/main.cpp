// kaigo-gatewayd: runs the configuration's schedule until it is told to stop. Specification, mapping, keys
// and certificates are opened anew for every job, so that renewed files are used without a restart.

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>

#include "base/i18n.h"
#include "base/sqlite.h"
#include "daemon/schedule.h"
#include "jobs/commands.h"
#include "jobs/process.h"
#include "jobs/run.h"
#include "ledger/view.h"

namespace kaigo::daemon {
namespace {

constexpr std::chrono::minutes kRetry{5};

/// Starts of the last runs, from the ledger: what was missed while the daemon was down is caught up.
std::map<std::string, Instant> last_starts(const config::Config& config) {
    std::map<std::string, Instant> out;
    if (auto view = ledger::LedgerView::open(config.ledger))
        for (const auto& run : view->last_runs())
            out.insert_or_assign(run.job, from_milliseconds(run.started_at));
    return out;
}

/// @return the exit status of the job
int run_scheduled(const config::Config& config, const std::string& job, jobs::World& world) {
    jobs::RunOptions options;
    options.job = job;
    options.quiet = true;
    auto gateway = jobs::Gateway::open(config, world);
    if (!gateway) return jobs::refuse(world, gateway.error());
    return jobs::run_job(**gateway, options);
}

int serve(const config::Config& config, jobs::World& world) {
    if (config.schedule.empty())
        return jobs::refuse(world, Error{ErrorCode::bad_configuration, tr("there is no schedule to run"),
                                         config.file.string(), tr("add \"schedule:\" to the configuration")});
    const Instant started = world.clock.now();
    auto last = last_starts(config);
    std::map<std::string, Instant> again;
    while (!world.stop.stop_requested()) {
        const config::ScheduleEntry* next = nullptr;
        Instant due{};
        for (const config::ScheduleEntry& entry : config.schedule) {
            const auto found = last.find(entry.job);
            const auto retry = again.find(entry.job);
            const Instant at =
                retry != again.end()
                    ? retry->second
                    : due_at(entry, found == last.end() ? std::nullopt : std::optional(found->second),
                             started);
            if (next == nullptr || at < due) {
                next = &entry;
                due = at;
            }
        }
        world.clock.sleep_until(due, world.stop);
        if (world.stop.stop_requested()) break;
        last.insert_or_assign(next->job, world.clock.now());
        const int status = run_scheduled(config, next->job, world);
        // Busy or unreachable is no day's work: tried again soon, not tomorrow.
        again.erase(next->job);
        const bool passing = status == info(ErrorCode::busy).exit_status ||
                             status == info(ErrorCode::platform_unreachable).exit_status;
        if (passing && next->at) again.emplace(next->job, world.clock.now() + kRetry);
    }
    return 0;
}

int run(int argc, char** argv, jobs::World& world) {
    CLI::App app{"kaigo-gatewayd: runs the jobs of kaigo-gateway by their schedule"};
    std::string file = "/etc/kaigo-gateway/kaigo-gateway.yaml";
    app.set_version_flag("--version", "kaigo-gatewayd " KAIGO_VERSION);
    app.add_option("--config", file, "configuration file");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error, world.out, world.err) == 0 ? 0 : info(ErrorCode::usage).exit_status;
    }
    const auto config = config::load(file);
    if (!config) return jobs::refuse(world, config.error());
    set_language(config->language);
    try {
        return serve(*config, world);
    } catch (const std::exception& error) {
        // A failed write or fsync included: the service manager starts anew, and the ledger is checked then.
        return jobs::refuse(world, Error{ErrorCode::internal, error.what(), "", ""});
    }
}

}  // namespace
}  // namespace kaigo::daemon

int main(int argc, char** argv) {
    kaigo::SystemClock clock;
    kaigo::jobs::Process process(clock);
    return kaigo::daemon::run(argc, argv, process.world());
}
