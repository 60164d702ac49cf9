#include "registration/retry.h"

#include <algorithm>

namespace kaigo::registration {

std::int64_t backoff_ms(const RetryPolicy& policy, std::uint32_t failures, std::uint16_t random_bits) {
    std::int64_t wait = policy.initial_ms;
    for (std::uint32_t i = 1; i < failures && wait < policy.maximum_ms; ++i) wait *= 2;
    wait = std::min(wait, policy.maximum_ms);
    return wait / 2 + (wait - wait / 2) * random_bits / 65535;
}

}  // namespace kaigo::registration
