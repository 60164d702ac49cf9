#pragma once
// How many jobs work at once. A job that sleeps gives its place to another, and queues up again when it
// wakes: one insurer that waits for an answer never keeps another from its work.

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/mutex.h"

namespace kaigo::daemon {

/// Places, given in the order in which they were asked for.
class Slots {
  public:
    explicit Slots(int count) : free_(count) {}
    void take();
    void release();

  private:
    Mutex mutex_;
    Condition changed_;
    int free_ KAIGO_GUARDED_BY(mutex_);
    std::uint64_t next_ticket_ KAIGO_GUARDED_BY(mutex_) = 0;
    std::uint64_t served_ KAIGO_GUARDED_BY(mutex_) = 0;  ///< tickets below it have had their place
};

/// The clock of a job: it notes when the job last showed a sign of life, and sleeps outside the slots.
class SlotClock : public Clock {
  public:
    SlotClock(Clock& clock, Slots& slots) : clock_(clock), slots_(slots) { moved(); }
    Instant now() const override {
        moved();
        return clock_.now();
    }
    void sleep_until(Instant until, const std::stop_token& stop) override;
    /// Time since the job last asked for the time, of the host's own clock; none while it sleeps.
    std::chrono::seconds silent_for() const;

  private:
    void moved() const { moved_at_ = std::chrono::steady_clock::now().time_since_epoch().count(); }
    Clock& clock_;
    Slots& slots_;
    mutable std::atomic<std::chrono::steady_clock::rep> moved_at_{};
    std::atomic<bool> asleep_ = false;
};

}  // namespace kaigo::daemon
