#pragma once
// Work that nobody waits for.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

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

    std::mutex mutex_;
    std::condition_variable changed_, has_room_;
    std::deque<std::function<void()>> waiting_;
    bool over_ = false;
    std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace kaigo
