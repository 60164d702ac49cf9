#pragma once
// ledger rotate-key: changes the key without sending anything again. The source is read under both keys side
// by side, to learn what content a former digest stood for.

#include "jobs/runtime/job_context.h"

namespace kaigo::jobs {

struct KeyRotation {
    std::int64_t files = 0;    ///< of the spool
    std::int64_t records = 0;  ///< under the new key now
    std::int64_t changed = 0;  ///< of them: the source has another content now than was sent
};

/// Begun again after it was broken off, it goes on.
Result<KeyRotation> rotate_key(const config::Config& config, Environment& environment);

}  // namespace kaigo::jobs
