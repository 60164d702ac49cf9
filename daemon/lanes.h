#pragma once
// Where jobs wait and work: those of one insurer one after the other, those of different insurers side by
// side.

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "daemon/slots.h"
#include "daemon/transcript.h"
#include "jobs/sync/run.h"

namespace kaigo::daemon {

/// Who starts a job that is due.
inline constexpr const char* kScheduleActor = "schedule";

/// One job of one insurer, from the moment it was asked for.
struct Job {
    enum class State : std::uint8_t { waiting, running, ended };

    Job(std::string name, jobs::RunOptions what, std::string who, Clock& base, Slots& slots)
        : id(std::move(name)), options(std::move(what)), actor(std::move(who)), clock(base, slots) {}

    const std::string id;
    const jobs::RunOptions options;
    const std::string actor;
    SlotClock clock;
    Transcript output;
    Transcript diagnostics;
    std::stop_source stop;
    std::atomic<State> state = State::waiting;
    std::atomic<int> exit_status = 0;  ///< once it has ended
};

class Lanes {
  public:
    /// Does a job and returns its exit status; called on a thread of the lane, with a slot.
    using Work = std::function<int(Job&)>;

    Lanes(Clock& clock, int jobs_at_once, Work work)
        : clock_(clock), slots_(jobs_at_once), work_(std::move(work)) {}
    ~Lanes();

    /// @return nothing when that job of that insurer waits or runs already, or the daemon is stopping
    std::shared_ptr<Job> enqueue(const jobs::RunOptions& options, const std::string& actor);
    /// Also some of those that ended lately.
    std::shared_ptr<Job> find(const std::string& id) const;
    /// Jobs that wait or run.
    std::vector<std::shared_ptr<Job>> active() const;
    std::size_t active_count() const { return active_; }
    std::size_t working_count() const { return working_; }

    /// Ends what waits, asks what runs to drain.
    void stop();
    /// @return whether everything ended within the limit, of the host's own clock
    bool wait_until_idle(std::chrono::milliseconds limit);

  private:
    struct Lane {
        std::deque<std::shared_ptr<Job>> jobs;  ///< the first of them is at work
        std::jthread thread;
        bool working = false;
    };
    void work_off(Lane& lane);

    Clock& clock_;
    Slots slots_;
    Work work_;
    mutable Mutex mutex_;
    Condition idle_;
    std::map<std::string, Lane> lanes_ KAIGO_GUARDED_BY(mutex_);  ///< by insurer
    std::deque<std::shared_ptr<Job>> ended_ KAIGO_GUARDED_BY(mutex_);
    static constexpr std::size_t kEndedKept = 1'000;
    std::atomic<std::size_t> active_ = 0;   ///< jobs
    std::atomic<std::size_t> working_ = 0;  ///< lanes
    std::uint64_t next_id_ KAIGO_GUARDED_BY(mutex_) = 1;
    bool stopping_ KAIGO_GUARDED_BY(mutex_) = false;
};

}  // namespace kaigo::daemon
