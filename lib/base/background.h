#pragma once
// Work that nobody waits for.

#include <deque>
#include <functional>
#include <thread>

#include "base/mutex.h"

namespace kaigo {

/// Runs the work it is given in order, on its own thread. The destructor waits until all of it is done. The
/// work must not throw.
class Background {
  public:
    Background() : thread_([this] { work(); }) {}
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    ~Background();

    /// Blocks while the queue is full.
    void later(std::function<void()> work);

    static constexpr std::size_t kMost = 64;

  private:
    void work();

    Mutex mutex_;
    Condition changed_, has_room_;
    std::deque<std::function<void()>> waiting_ KAIGO_GUARDED_BY(mutex_);
    bool over_ KAIGO_GUARDED_BY(mutex_) = false;
    std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace kaigo
