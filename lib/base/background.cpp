#include "base/background.h"

#include <utility>

namespace kaigo {

Background::~Background() {
    {
        const Lock lock(mutex_);
        over_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void Background::later(std::function<void()> work) {
    {
        Lock lock(mutex_);
        while (waiting_.size() >= kMost) has_room_.wait(lock);
        waiting_.push_back(std::move(work));
    }
    changed_.notify_one();
}

void Background::work() {
    Lock lock(mutex_);
    for (;;) {
        while (waiting_.empty() && !over_) changed_.wait(lock);
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
