#pragma once
// When to try again. Pure.

#include <cstdint>

namespace kaigo::registration {

struct RetryPolicy {
    std::int64_t initial_ms = 2'000;
    std::int64_t maximum_ms = 900'000;
    std::uint32_t aborted_ceiling = 5;  ///< tries of a batch that the platform aborted or refused, then held
    std::uint32_t unanswered_ceiling = 40;  ///< after so many 中間サーバー応答なし, an operator is asked
};

/// Wait before the next try: doubled with every failure up to the maximum, then spread over its upper half so
/// that many insurers do not come at the same moment.
/// @param failures  in a row, at least 1
/// @param random_bits    evenly spread over 0…65535
std::int64_t backoff_ms(const RetryPolicy& policy, std::uint32_t failures, std::uint16_t random_bits);

}  // namespace kaigo::registration
