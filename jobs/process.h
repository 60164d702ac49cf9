#pragma once
// This process as a World: its streams, terminal, OS user and signals.

#include <stop_token>

#include "jobs/gateway.h"

namespace kaigo::jobs {

/// The first SIGINT or SIGTERM asks to drain, the second ends the process at once. One per process, made
/// before any other thread.
class Process {
  public:
    explicit Process(Clock& clock);
    World& world() { return world_; }

  private:
    std::stop_source stop_;
    SystemRandom random_;
    World world_;
};

}  // namespace kaigo::jobs
