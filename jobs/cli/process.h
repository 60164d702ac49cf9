#pragma once
// This process as environment and terminal: its streams, OS user and signals.

#include <stop_token>

#include "jobs/present/terminal.h"
#include "jobs/runtime/environment.h"

namespace kaigo::jobs {

/// The first SIGINT or SIGTERM asks to drain, the second ends the process at once. One per process, made
/// before any other thread.
class Process {
  public:
    explicit Process(Clock& clock);
    Environment& environment() { return environment_; }
    Terminal& terminal() { return terminal_; }

  private:
    std::stop_source stop_;
    SystemRandom random_;
    Environment environment_;
    Terminal terminal_;
};

}  // namespace kaigo::jobs
