#include "daemon/slots.h"

namespace kaigo::daemon {

void Slots::take() {
    Lock lock(mutex_);
    const std::uint64_t ticket = next_ticket_++;
    while (free_ == 0 || served_ != ticket) changed_.wait(lock);
    --free_;
    ++served_;
    // The next in the queue may find a free place too.
    changed_.notify_all();
}

void Slots::release() {
    const Lock lock(mutex_);
    ++free_;
    changed_.notify_all();
}

void SlotClock::sleep_until(Instant until, const std::stop_token& stop) {
    asleep_ = true;
    slots_.release();
    clock_.sleep_until(until, stop);
    slots_.take();
    asleep_ = false;
    moved();
}

std::chrono::seconds SlotClock::silent_for() const {
    if (asleep_) return std::chrono::seconds(0);
    const auto since = std::chrono::steady_clock::now().time_since_epoch() -
                       std::chrono::steady_clock::duration(moved_at_.load());
    return std::chrono::duration_cast<std::chrono::seconds>(since);
}

}  // namespace kaigo::daemon
