#pragma once
// The daemon at work: it starts what is due, keeps the certificates fresh, tidies up, and answers.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "base/store_failure.h"
#include "daemon/health.h"
#include "daemon/lanes.h"
#include "http/server.h"
#include "jobs/cli/remote_command.h"
#include "jobs/runtime/installation.h"
#include "jobs/runtime/stores.h"
#include "observe/events.h"

namespace kaigo::daemon {

class Daemon {
  public:
    /// @param environment  the process's own: its clock, its stop
    Daemon(std::shared_ptr<const jobs::Installation> installation, std::shared_ptr<jobs::Stores> stores,
           jobs::Environment& environment, observe::JsonEvents& events);

    /// Opens the control socket and the address of health and metrics, where the configuration has them.
    Status open();
    /// Until a stop is requested; then lets the jobs drain.
    /// @return whether they did so within their limit
    bool serve();
    /// Reads everything that is installed anew. On any fault the old state is kept. From any thread.
    void reload();

    /// Lanes whose thread has a job; others may wait behind it.
    std::size_t working_lanes() const { return lanes_.working_count(); }

  private:
    using Slot = std::pair<std::string, JobName>;  ///< insurer, job

    std::shared_ptr<const jobs::Installation> installation() const;
    void replace(std::shared_ptr<const jobs::Installation> next);
    Result<std::shared_ptr<const jobs::Installation>> load_anew() const;

    void remember_last_starts();
    void resume_setups();
    /// Starts what is due. @return when something is due next
    Instant start_due(Instant now);
    bool worth_starting(const config::Insurer& insurer, JobName job, Instant now);
    void every_minute(Instant now);
    void renew_certificates(Instant now);
    void renew_certificate(const config::Insurer& insurer, Instant now);
    /// @param whose  保険者番号, or ca_file
    void warn_of_end(const std::string& whose, std::int64_t days);
    void watch_authorities(Instant now);
    void watch_disk();
    void tidy_up(Instant now);
    void feed();

    int work(Job& job);
    [[noreturn]] void end_for(const StoreFailure& failure);
    void note_end(const Job& job, int status);

    std::optional<http::Response> refuse_peer(const http::Peer& peer);
    http::Response forbidden(const http::Peer& peer, const std::string& request);
    /// In which a peer's command works.
    jobs::Environment environment_of(const http::Peer& peer);
    http::Response control(const http::Request& request);
    http::Response command(const http::Request& request);
    http::Response put_jobs(const jobs::RemoteCommand& command, const std::string& user);
    http::Response run(const http::Request& request, bool may_operate);

    mutable Mutex mutex_;
    std::shared_ptr<const jobs::Installation> installation_ KAIGO_GUARDED_BY(mutex_);
    std::shared_ptr<jobs::Stores> stores_;
    jobs::Environment& environment_;
    observe::JsonEvents& events_;
    SystemRandom random_;
    Instant started_;
    std::map<Slot, Instant> last_ KAIGO_GUARDED_BY(mutex_);  ///< starts of the last runs
    std::map<Slot, Instant> again_
        KAIGO_GUARDED_BY(mutex_);                 ///< what could not be done, and is tried again soon
    std::map<std::string, std::int64_t> warned_;  ///< least days left that were warned of, by insurer
    std::map<std::string, std::string> refused_;  ///< why a new certificate was not taken, by insurer
    bool disk_low_ = false;
    bool stalled_ = false;
    std::optional<Date> tidied_;
    Lanes lanes_;
    Health health_;
    /// Not the engine of the requests to the platform: nobody who asks the daemon waits for a handshake with
    /// it.
    std::shared_ptr<http::Engine> engine_ = std::make_shared<http::Engine>();
    std::unique_ptr<http::Server> control_;
    std::unique_ptr<http::Server> http_;
};

}  // namespace kaigo::daemon
