#pragma once
// Whether requests to the platform may leave now, and when they may again. Pure.

#include <optional>

#include "base/clock.h"
#include "config/config.h"

namespace kaigo::jobs {

class Pacing {
  public:
    explicit Pacing(const config::ServiceWindow& window) : window_(window) {}

    /// The platform asked for a pause; of several the longest counts.
    void pause_until(Instant due) { paused_until_ = std::max(paused_until_.value_or(due), due); }
    /// Nothing will be taken in this run: the certificate was refused.
    void give_up(Error why) { fatal_ = std::move(why); }
    const std::optional<Error>& fatal() const { return fatal_; }

    bool may_send(Instant now) const;
    /// The end of a pause, the begin of the service window: the later of both.
    Instant opens_at(Instant now) const;

  private:
    config::ServiceWindow window_;
    std::optional<Instant> paused_until_;
    std::optional<Error> fatal_;
};

}  // namespace kaigo::jobs
