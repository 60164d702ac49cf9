#pragma once
// Blocks that another thread fills while this one works on those before.

#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"

namespace kaigo {

/// The blocks are reused, so their number bounds the memory. `produce` fills a block, and runs only on this
/// object's thread; it returns false after the last block. Its exceptions are rethrown to the reader.
template <class Block>
class ReadAhead {
  public:
    using Produce = std::function<Result<bool>(Block&)>;

    /// @param blocks  at least three: two are the reader's
    ReadAhead(std::size_t blocks, Produce produce)
        : produce_(std::move(produce)), enough_free_((blocks - 1) / 2) {
        for (std::size_t i = 0; i < blocks; ++i) free_.push_back(std::make_unique<Block>());
        thread_ = std::thread([this] { work(); });
    }
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;
    ~ReadAhead() {
        {
            const Lock lock(mutex_);
            stopped_ = true;
        }
        has_room_.notify_one();
        thread_.join();
    }

    /// The next block; null after the last. A block stays valid until the call after the next one, so that
    /// its end can be compared with what follows.
    Result<Block*> next() {
        Lock lock(mutex_);
        if (before_) free_.push_back(std::move(before_));
        before_ = std::move(current_);
        // Waking the thread for every block would be too often: it may sleep until half of the circulating
        // blocks are free.
        if (full_.empty() || free_.size() >= enough_free_) {
            lock.unlock();  // the woken thread would only run into it
            has_room_.notify_one();
            lock.lock();
        }
        while (full_.empty() && !ended_) has_blocks_.wait(lock);
        if (full_.empty()) {
            if (thrown_) std::rethrow_exception(thrown_);
            if (failure_) return tl::unexpected(*failure_);
            return nullptr;
        }
        current_ = std::move(full_.front());
        full_.pop_front();
        return current_.get();
    }

  private:
    void work() {
        for (;;) {
            std::unique_ptr<Block> block;
            {
                Lock lock(mutex_);
                while (free_.empty() && !stopped_) has_room_.wait(lock);
                if (stopped_) return;
                block = std::move(free_.front());
                free_.pop_front();
            }
            bool more = false;
            std::optional<Error> failure;
            std::exception_ptr thrown;
            try {
                auto filled = produce_(*block);
                if (filled)
                    more = *filled;
                else
                    failure = std::move(filled).error();
            } catch (...) {
                thrown = std::current_exception();
            }
            {
                const Lock lock(mutex_);
                if (more)
                    full_.push_back(std::move(block));
                else
                    ended_ = true;
                failure_ = std::move(failure);
                thrown_ = thrown;
            }
            has_blocks_.notify_one();
            if (!more) return;
        }
    }

    Produce produce_;
    std::size_t enough_free_;
    Mutex mutex_;
    Condition has_room_, has_blocks_;
    std::deque<std::unique_ptr<Block>> free_ KAIGO_GUARDED_BY(mutex_);
    std::deque<std::unique_ptr<Block>> full_ KAIGO_GUARDED_BY(mutex_);
    std::unique_ptr<Block> current_ KAIGO_GUARDED_BY(mutex_);
    std::unique_ptr<Block> before_ KAIGO_GUARDED_BY(mutex_);
    bool stopped_ KAIGO_GUARDED_BY(mutex_) = false;
    bool ended_ KAIGO_GUARDED_BY(mutex_) = false;
    std::optional<Error> failure_ KAIGO_GUARDED_BY(mutex_);
    std::exception_ptr thrown_ KAIGO_GUARDED_BY(mutex_);
    std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace kaigo
