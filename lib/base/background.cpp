#include "base/background.h"

#include <utility>

namespace kaigo {

Background::~Background() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void Background::later(std::function<void()> work) {
    {
        std::unique_lock lock(mutex_);
        has_room_.wait(lock, [&] { return waiting_.size() < kMost; });
        waiting_.push_back(std::move(work));
    }
    changed_.notify_one();
}

void Background::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return !waiting_.empty() || over_; });
        if (waiting_.empty()) return;
        const std::function<void()> next = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        has_room_.notify_one();
        next();
        lock.lock();
    }
}

}  // namespace kaigo
