#pragma once
// The commands beside `run`: each prints its result and returns the exit status.

#include <string>

#include "jobs/gateway.h"

namespace kaigo::jobs {

int check_spec(const config::Config& config, World& world, bool json);
int doctor(const config::Config& config, World& world, bool json);

struct ValidateOptions {
    std::string kind;         ///< empty: all
    std::int64_t sample = 0;  ///< rows per kind; 0: all
    std::string format = "text";
    std::string output;  ///< file; empty: standard output
};
int validate_mapping(const config::Config& config, World& world, const ValidateOptions& options);

struct HeldOptions {
    std::string insurer, kind, insured, reason;
    bool json = false;
};
int held_list(const config::Config& config, World& world, const HeldOptions& options);
int held_resend(const config::Config& config, World& world, const HeldOptions& options);

int list_jobs(const config::Config& config, World& world, std::int64_t id, bool json);
int status(const config::Config& config, World& world, bool json);
int explain(const config::Config& config, World& world, const std::string& insurer,
            const std::string& insured, bool json);
int audit_verify(const config::Config& config, World& world, bool json);

/// Prints the error and returns its exit status.
int refuse(World& world, const Error& error);

}  // namespace kaigo::jobs
