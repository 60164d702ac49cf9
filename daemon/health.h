#pragma once
// What monitoring asks for: /healthz, /readyz, /metrics.

#include <functional>
#include <memory>

#include "base/mutex.h"
#include "daemon/lanes.h"
#include "http/server.h"
#include "jobs/runtime/installation.h"

namespace kaigo::daemon {

/// A job without a sign of life for this long counts as stalled.
inline constexpr std::chrono::minutes kStalled{15};

class Health {
  public:
    using Installed = std::function<std::shared_ptr<const jobs::Installation>()>;
    Health(Installed installed, const Clock& clock, const Lanes& lanes)
        : installed_(std::move(installed)), clock_(clock), lanes_(lanes) {}

    /// Answers what needs nothing that could block: whether the daemon moves, and requests for anything
    /// unknown.
    std::optional<http::Response> answer_at_once(const http::Request& request) const;
    /// The rest. May wait for the platform and the ledger.
    http::Response answer(const http::Request& request);
    /// Whether every job that is at work shows signs of life.
    bool moving() const;

  private:
    http::Response healthz() const;
    http::Response readyz();
    http::Response metrics();

    Installed installed_;
    const Clock& clock_;
    const Lanes& lanes_;
    /// Answers that cost the ledger or the platform something are kept this long, however often they are
    /// scraped.
    static constexpr std::chrono::seconds kKept{30};
    class Kept {
      public:
        template <class Make>
        http::Response get(Make make) {
            const Lock lock(mutex_);
            const auto now = std::chrono::steady_clock::now();
            if (!response_ || until_ < now) {
                response_ = make();
                until_ = now + kKept;
            }
            return *response_;
        }

      private:
        Mutex mutex_;
        std::chrono::steady_clock::time_point until_ KAIGO_GUARDED_BY(mutex_){};
        std::optional<http::Response> response_ KAIGO_GUARDED_BY(mutex_);
    };
    Kept ready_;
    Kept measured_;
};

}  // namespace kaigo::daemon
