#pragma once
// What happened, told to machines: one JSON object a line, with a stable name. The registry below is the list
// in docs/events.md.

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace kaigo::observe {

/// As syslog counts them.
enum class Severity : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6 };

std::string_view name_of(Severity severity);

struct EventInfo {
    std::string_view id;
    Severity severity;
    const char* what;    ///< what it means, for a person (a message of the catalogs)
    const char* remedy;  ///< what to do; empty: nothing
};

/// Every event there is; a name that was ever published is never used for anything else.
const std::vector<EventInfo>& all_events();

/// Names and counts; never personal data.
using Fields = std::vector<std::pair<std::string, std::string>>;

class EventSink {
  public:
    virtual ~EventSink() = default;
    /// @param id  one of all_events()
    virtual void record(std::string_view id, Fields fields) = 0;
};

/// Lines of JSON: time, level, event, what, the fields, remedy. May be used by several threads.
class JsonEvents : public EventSink {
  public:
    /// @param priorities  whether journald reads the lines: each then begins with its priority, as <4>
    using Write = std::function<void(std::string_view)>;  ///< takes a whole line, its end included
    JsonEvents(Write write, const Clock& clock, bool priorities)
        : write_(std::move(write)), clock_(clock), priorities_(priorities) {}
    void record(std::string_view id, Fields fields) override;
    /// The last lines, oldest first.
    std::vector<std::string> recent() const;

  private:
    Write write_;  ///< one line at a time
    const Clock& clock_;
    bool priorities_;
    mutable Mutex mutex_;
    static constexpr std::size_t kRecent = 500;
    std::vector<std::string> recent_ KAIGO_GUARDED_BY(mutex_);  ///< a ring
    std::size_t next_ KAIGO_GUARDED_BY(mutex_) = 0;
};

}  // namespace kaigo::observe
