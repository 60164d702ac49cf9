#include "daemon/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>

#include "base/i18n.h"
#include "base/store_failure.h"
#include "daemon/notify.h"
#include "daemon/schedule.h"
#include "jobs/checks/certificate_days.h"
#include "jobs/runtime/host.h"
#include "jobs/runtime/ledger_store.h"

namespace kaigo::daemon {

namespace {

constexpr std::chrono::minutes kRetry{5};
constexpr std::chrono::minutes kMinute{1};
constexpr int kMinutesInDay = 24 * 60;
constexpr std::chrono::hours kLongestPause{25};
constexpr Duration kDrainReserve{10'000};
constexpr Duration kTrialTimeout{5'000};

std::string resume_mark(const std::string& insurer) { return "resume-setup-" + insurer; }

}  // namespace

Daemon::Daemon(std::shared_ptr<const jobs::Installation> installation, std::shared_ptr<jobs::Stores> stores,
               jobs::Environment& environment, observe::JsonEvents& events)
    : installation_(std::move(installation)),
      stores_(std::move(stores)),
      environment_(environment),
      events_(events),
      started_(environment.clock.now()),
      lanes_(environment.clock, installation_->config().jobs_at_once, [this](Job& job) { return work(job); }),
      health_([this] { return this->installation(); }, environment.clock, lanes_) {}

std::shared_ptr<const jobs::Installation> Daemon::installation() const {
    const Lock lock(mutex_);
    return installation_;
}

void Daemon::replace(std::shared_ptr<const jobs::Installation> next) {
    const Lock lock(mutex_);
    installation_ = std::move(next);
}

Status Daemon::open() {
    const config::Config& config = installation()->config();
    if (!config.control.socket.empty()) {
        http::ServerSettings settings;
        settings.handle = [this](const http::Request& request) { return control(request); };
        settings.refuse = [this](const http::Peer& peer) { return refuse_peer(peer); };
        KAIGO_TRY(control_, http::Server::on_socket(config.control.socket, std::move(settings), engine_));
    }
    if (!config.http_listen.empty()) {
        http::ServerSettings settings;
        settings.handle = [this](const http::Request& request) { return health_.answer(request); };
        // Clients have next to nothing to send there.
        settings.largest_body = 4U << 10;
        settings.body_time = Duration(5'000);
        settings.handle_at_once = [this](const http::Request& request) {
            return health_.answer_at_once(request);
        };
        KAIGO_TRY(http_, http::Server::on_address(config.http_listen, std::move(settings), engine_));
    }
    return {};
}

bool Daemon::serve() {
    remember_last_starts();
    for (const Error& trouble : installation()->troubles())
        events_.record("trouble-at-start", {{"error", trouble.text()}});
    events_.record("started", {{"insurers", std::to_string(installation()->config().insurers.size())},
                               {"metricsPort", http_ ? std::to_string(http_->port()) : ""}});
    notify_ready();
    resume_setups();
    const auto watchdog = watchdog_interval();
    Instant minute = environment_.clock.now();
    while (!environment_.stop.stop_requested()) {
        const Instant now = environment_.clock.now();
        // A clock that was set back must not stop what is done every minute.
        if (now >= minute || minute > now + kMinute) {
            every_minute(now);
            minute = now + kMinute;
        }
        Instant next = std::min(start_due(now), minute);
        feed();
        if (watchdog) next = std::min(next, now + *watchdog / 2);
        environment_.clock.sleep_until(next, environment_.stop);
    }
    notify_stopping();
    events_.record("stopping", {{"jobs", std::to_string(lanes_.active_count())}});
    lanes_.stop();
    const bool drained =
        lanes_.wait_until_idle(installation()->config().platform.request_timeout + kDrainReserve);
    if (!drained) events_.record("drain-limit", {{"jobs", std::to_string(lanes_.active_count())}});
    control_.reset();
    http_.reset();
    events_.record("stopped", {});
    return drained;
}

// ---- What is due

void Daemon::remember_last_starts() {
    auto view = jobs::ledger_store(installation()->config()).view();
    if (!view) return;
    const auto installed = installation();
    const Lock lock(mutex_);
    for (const auto& last : view->last_starts()) {
        for (const config::Insurer& insurer : installed->config().insurers) {
            if (!last.insurer.empty() && last.insurer != insurer.number.value()) continue;
            Instant& known = last_[{insurer.number.value(), last.job}];
            known = std::max(known, from_milliseconds(last.started_at));
        }
    }
}

/// Resumes a setup that ended with its process, but not one that a person stopped.
void Daemon::resume_setups() {
    auto view = jobs::ledger_store(installation()->config()).view();
    if (!view) return;
    for (const config::Insurer& insurer : installation()->config().insurers) {
        const std::string number = insurer.number.value();
        const std::string mark = resume_mark(number);
        const bool marked = !view->meta(mark).empty();
        if (!marked && !view->setup_broke_off(number)) continue;
        jobs::RunOptions options;
        options.job = JobName::initial_setup;
        options.insurer = number;
        options.yes = options.quiet = true;
        lanes_.enqueue(options, "resumed");
    }
}

Instant Daemon::start_due(Instant now) {
    const auto installed = installation();
    Instant next = now + kMinute;
    for (const config::Insurer& insurer : installed->config().insurers) {
        for (const config::ScheduleEntry& entry : insurer.schedule) {
            const Slot slot{insurer.number.value(), entry.job};
            Instant due{};
            {
                const Lock lock(mutex_);
                const auto again = again_.find(slot);
                const auto last = last_.find(slot);
                const bool known = last != last_.end() && last->second <= now;
                due = again != again_.end() && again->second <= now + kLongestPause
                          ? again->second
                          : due_at(entry, known ? std::optional(last->second) : std::nullopt,
                                   std::min(started_, now));
                if (due <= now) {
                    last_[slot] = now;
                    again_.erase(slot);
                }
            }
            if (due > now) {
                next = std::min(next, due);
                continue;
            }
            if (entry.every) next = std::min(next, now + *entry.every);
            if (!worth_starting(insurer, entry.job, now)) continue;
            jobs::RunOptions options;
            options.job = entry.job;
            options.insurer = insurer.number.value();
            options.quiet = true;
            // Someone has already asked for a job of the same name. What is due at a time of day is not
            // dropped: it follows that job.
            if (lanes_.enqueue(options, kScheduleActor) == nullptr && entry.at) {
                const Lock lock(mutex_);
                again_[slot] = now + kRetry;
            }
        }
    }
    return next;
}

bool Daemon::worth_starting(const config::Insurer& insurer, JobName job, Instant now) {
    if (!only_settles(job)) return true;
    return insurer.service_window.contains(japan_minute_of_day(now)) &&
           stores_->ledger()->has_work(stores_->ledger()->ensure_insurer(insurer.number.value()), now);
}

int Daemon::work(Job& job) {
    std::ostream out(&job.output);
    std::ostream err(&job.diagnostics);
    jobs::Environment environment{job.clock, random_, job.actor, job.stop.get_token(), stores_, &events_};
    jobs::Terminal terminal{out, err};
    try {
        jobs::JobContext context(installation(), environment);
        const int status = jobs::run(context, terminal, job.options);
        note_end(job, status);
        return status;
    } catch (const StoreFailure& failure) {
        end_for(failure);
    } catch (const std::exception& failure) {
        events_.record(
            "run-failed",
            {{"job", text_of(job.options.job)}, {"insurer", job.options.insurer}, {"error", failure.what()}});
    }
    return info(ErrorCode::internal).exit_status;
}

/// After a failed write or fsync the handle cannot be trusted: this process ends here, and the next one opens
/// the file afresh.
void Daemon::end_for(const StoreFailure& failure) {
    events_.record("fatal", {{"error", failure.what()}});
    std::_Exit(info(ErrorCode::cannot_write).exit_status);
}

void Daemon::note_end(const Job& job, int status) {
    const bool later = status == info(ErrorCode::busy).exit_status;
    if (job.options.job == JobName::initial_setup && !job.options.dry_run)
        stores_->ledger()->set_meta(resume_mark(job.options.insurer),
                                    later && environment_.stop.stop_requested() ? "yes" : "");
    // Stopped by a person, it does not begin again by itself.
    if (job.stop.stop_requested()) return;
    // Busy or unreachable: the day's work is not done. Try again soon, not tomorrow.
    if (!later && status != info(ErrorCode::platform_unreachable).exit_status) return;
    const config::Insurer* insurer = installation()->config().insurer(job.options.insurer);
    Instant again = environment_.clock.now() + kRetry;
    // Not every five minutes through a night in which the platform takes nothing.
    if (insurer != nullptr)
        for (int i = 0; i < kMinutesInDay && !insurer->service_window.contains(japan_minute_of_day(again));
             ++i)
            again += kMinute;
    const Lock lock(mutex_);
    again_[{job.options.insurer, job.options.job}] = again;
}

// ---- Once a minute

void Daemon::every_minute(Instant now) {
    renew_certificates(now);
    watch_authorities(now);
    watch_disk();
    if (const Date today = japan_date(now); tidied_ != today) {
        tidied_ = today;
        tidy_up(now);
    }
    notify_status(tr("{} jobs at work or waiting", lanes_.active_count()));
}

void Daemon::feed() {
    const bool moving = health_.moving();
    if (moving) feed_watchdog();
    if (!moving && !stalled_) events_.record("stalled", {});
    stalled_ = !moving;
}

void Daemon::renew_certificates(Instant now) {
    const auto installed = installation();
    for (const config::Insurer& insurer : installed->config().insurers) {
        if (environment_.stop.stop_requested()) return;
        renew_certificate(insurer, now);
        feed();
        if (const auto& credentials = installation()->credentials(insurer))
            warn_of_end(insurer.number.value(), platform::days_left(credentials->info, now));
    }
}

/// A pair that changed on the disk is tried at the platform, then taken.
void Daemon::renew_certificate(const config::Insurer& insurer, Instant now) {
    const auto installed = installation();
    const auto& current = installed->credentials(insurer);
    if (current && platform::is_unchanged(*current, insurer.certificate_file, insurer.private_key_file))
        return;
    const std::string number = insurer.number.value();
    const auto refuse = [&](const Error& error) {
        // Told once for each reason.
        if (std::exchange(refused_[number], error.text()) == error.text()) return;
        events_.record("certificate-not-usable", {{"insurer", number}, {"error", error.text()}});
    };
    auto renewed = jobs::usable_credentials(insurer, now);
    if (!renewed) return refuse(renewed.error());
    const auto next = installed->with(insurer, std::move(*renewed));
    auto settings = next->https_settings(insurer);
    if (!settings) return refuse(settings.error());
    // The schedule waits meanwhile.
    settings->request_timeout = std::min(settings->request_timeout, kTrialTimeout);
    const auto client = platform::open_https_client(*settings, next->specification().wire(), number);
    if (!client) return refuse(client.error());
    const auto answered = (*client)->service_status();
    if (!answered && answered.error().code == ErrorCode::certificate_refused) return refuse(answered.error());
    // A platform that is away proves nothing: the old pair stays while it is good.
    if (!answered && current && now <= current->info.not_after) return;
    refused_.erase(number);
    warned_.erase(number);
    {
        const Lock lock(mutex_);
        // A reload meanwhile has read the pair itself.
        if (installation_ != installed) return;
        installation_ = next;
    }
    events_.record(
        "certificate-renewed",
        {{"insurer", number},
         {"daysLeft", std::to_string(platform::days_left(next->credentials(insurer)->info, now))}});
}

void Daemon::warn_of_end(const std::string& whose, std::int64_t days) {
    const auto* const due =
        std::ranges::find_if(jobs::kCertificateDays, [&](std::int64_t limit) { return days <= limit; });
    if (due == jobs::kCertificateDays.end()) return;
    const auto warned = warned_.find(whose);
    if (warned != warned_.end() && warned->second <= *due) return;
    warned_[whose] = *due;
    events_.record("certificate-ends-soon", {{"insurer", whose}, {"daysLeft", std::to_string(days)}});
}

void Daemon::watch_authorities(Instant now) {
    const auto installed = installation();
    if (const platform::Authority* next = platform::ends_next(installed->authorities(), now))
        warn_of_end("ca_file", platform::whole_days(next->ends - now));
}

void Daemon::watch_disk() {
    const auto free = jobs::free_bytes(installation()->config().ledger.parent_path());
    if (!free) return;
    const bool low = *free < jobs::kLittleRoom;
    if (low && !disk_low_) events_.record("disk-low", {{"mebibytesFree", std::to_string(*free >> 20)}});
    disk_low_ = low;
}

/// What is past its retention goes, and the audit log says so.
void Daemon::tidy_up(Instant now) {
    const config::Retention& keep = installation()->config().retention;
    const ledger::Ledger::Erased gone = stores_->ledger()->erase_past(now - keep.history, now - keep.polls);
    if (gone.history + gone.runs == 0) return;
    const std::map<std::string, std::string> counts{{"history", std::to_string(gone.history)},
                                                    {"runs", std::to_string(gone.runs)}};
    if (const auto told = stores_->audit(now, "retention", "kaigo-gatewayd", counts); !told)
        events_.record("job-trouble", {{"error", told.error().text()}});
    events_.record("housekeeping", {counts.begin(), counts.end()});
}

// ---- Reload

Result<std::shared_ptr<const jobs::Installation>> Daemon::load_anew() const {
    const auto old = installation();
    KAIGO_TRY(config::Config config, config::load(old->config().file));
    const config::Config& was = old->config();
    const bool moved = config.ledger != was.ledger || config.spool != was.spool ||
                       config.audit != was.audit || config.control.socket != was.control.socket ||
                       config.http_listen != was.http_listen || config.jobs_at_once != was.jobs_at_once ||
                       config.language != was.language;
    if (moved)
        return fail(ErrorCode::bad_configuration, tr("language, ledger, spool, audit, control.socket, http "
                                                     "and daemon change only with a restart"))
            .at(was.file.string())
            .remedy("systemctl restart kaigo-gatewayd");
    KAIGO_TRY(auto next, jobs::Installation::load(std::move(config)));
    if (next->keys().id != old->keys().id)
        return fail(ErrorCode::bad_configuration, tr("the key file holds another key"))
            .at(was.spool_key)
            .remedy(tr("put it back; a key is changed with: kaigo-gateway ledger rotate-key"));
    for (const Error& trouble : next->troubles()) return tl::unexpected(trouble);
    for (const config::Insurer& insurer : next->config().insurers)
        KAIGO_CHECK(jobs::usable_credentials(insurer, environment_.clock.now()));
    Faults faults;
    for (const auto& [name, settings] : next->config().sources) {
        const auto opened =
            jobs::open_mapped_source(settings, next->mapping(name), next->specification(), faults);
        // A database that is away now says nothing about its mapping.
        if (!opened && !info(opened.error().code).retryable) return tl::unexpected(opened.error());
    }
    if (!faults.empty()) return faults.as_failure(ErrorCode::bad_mapping);
    return next;
}

void Daemon::reload() {
    notify_reloading();
    try {
        if (auto next = load_anew()) {
            replace(std::move(*next));
            events_.record("reloaded",
                           {{"insurers", std::to_string(installation()->config().insurers.size())}});
        } else {
            events_.record("reload-refused", {{"error", next.error().text()}});
        }
    } catch (const std::exception& failure) {
        events_.record("reload-refused", {{"error", failure.what()}});
    }
    notify_ready();
}

}  // namespace kaigo::daemon
