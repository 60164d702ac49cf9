#pragma once
// Locks that the compiler follows: what is GUARDED_BY a mutex cannot be touched without it
// (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html).

#include <chrono>
#include <condition_variable>
#include <mutex>

#define KAIGO_CAPABILITY __attribute__((capability("mutex")))
#define KAIGO_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define KAIGO_GUARDED_BY(mutex) __attribute__((guarded_by(mutex)))
#define KAIGO_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define KAIGO_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define KAIGO_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define KAIGO_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))

namespace kaigo {

class KAIGO_CAPABILITY Mutex {
  public:
    void lock() KAIGO_ACQUIRE() { mutex_.lock(); }
    void unlock() KAIGO_RELEASE() { mutex_.unlock(); }

  private:
    std::mutex mutex_;
};

/// Keeps the mutex for as long as it lives.
class KAIGO_SCOPED_CAPABILITY Lock {
  public:
    explicit Lock(Mutex& mutex) KAIGO_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() KAIGO_RELEASE() {
        if (held_) mutex_.unlock();
    }
    /// Lets others in for a while.
    void unlock() KAIGO_RELEASE() {
        mutex_.unlock();
        held_ = false;
    }
    void lock() KAIGO_ACQUIRE() {
        mutex_.lock();
        held_ = true;
    }

  private:
    friend class Condition;
    Mutex& mutex_;
    bool held_ = true;
};

/// Something that others wait for. Whoever waits checks its condition in a loop, not in a predicate: the
/// compiler would analyze a predicate as if it did not hold the lock.
class Condition {
  public:
    void wait(Lock& lock) { condition_.wait(lock.mutex_); }
    template <class Rep, class Period>
    std::cv_status wait_for(Lock& lock, const std::chrono::duration<Rep, Period>& limit) {
        return condition_.wait_for(lock.mutex_, limit);
    }
    template <class Clock, class Duration>
    std::cv_status wait_until(Lock& lock, const std::chrono::time_point<Clock, Duration>& until) {
        return condition_.wait_until(lock.mutex_, until);
    }
    void notify_one() { condition_.notify_one(); }
    void notify_all() { condition_.notify_all(); }

  private:
    std::condition_variable_any condition_;
};

}  // namespace kaigo
