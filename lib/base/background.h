#pragma once
// Work that nobody waits for.

#include <deque>
#include <functional>
#include <thread>

#include "base/mutex.h"

namespace kaigo {

/// Does what it is given one after the other, on a thread of its own; the rest before it goes. The work must
/// not throw.
class Background {
  public:
    Background() : thread_([this] { work(); }) {}
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    ~Background();

    /// Waits while too much is waiting already.
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
