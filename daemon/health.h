#pragma once
// What monitoring asks for: /healthz, /readyz, /metrics.

#include <functional>
#include <memory>
#include <mutex>

#include "control/server.h"
#include "daemon/lanes.h"
#include "jobs/installation.h"

namespace kaigo::daemon {

/// After so long without a sign of life a job counts as stalled.
inline constexpr std::chrono::minutes kStalled{15};

class Health {
  public:
    using Installed = std::function<std::shared_ptr<const jobs::Installation>()>;
    Health(Installed installed, const Clock& clock, const Lanes& lanes)
        : installed_(std::move(installed)), clock_(clock), lanes_(lanes) {}

    control::Response answer(const control::Request& request);
    /// Whether every job that is at work shows signs of life.
    bool moving() const;

  private:
    control::Response healthz() const;
    control::Response readyz();
    control::Response metrics();
    bool platform_answers(const jobs::Installation& installation, std::string& detail);

    Installed installed_;
    const Clock& clock_;
    const Lanes& lanes_;
    std::mutex mutex_;
    /// What costs the ledger or the platform something is asked for once in a while, however often it is
    /// scraped.
    static constexpr std::chrono::seconds kKept{30};
    struct Kept {
        std::chrono::steady_clock::time_point until;
        control::Response response;
    };
    std::optional<Kept> ready_;
    std::optional<Kept> measured_;
};

}  // namespace kaigo::daemon
