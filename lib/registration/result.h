#pragma once
// What a result of the platform makes of a record. Pure.

#include <cstdint>
#include <string>

#include "registration/pmh_case.h"
#include "registration/record_state.h"
#include "registration/retry.h"

namespace kaigo::registration {

/// One record's result.
struct Answer {
    bool ok = false;
    bool stored = false;  ///< whether the platform keeps the record although its status is an error
    std::string error_id;
    ErrorClass error_class = ErrorClass::unknown;
};

struct Consequence {
    Event event = Event::succeeded;
    Standing next;
    bool alarm = false;  ///< a person must know
};

/// @param known   standing of the record whose flight ended; its `owed` is what was sent
/// @param now_ms  milliseconds since the epoch
/// @param random_bits  evenly spread over 0…65535, for the backoff
Consequence apply_result(const Standing& known, const Answer& answer, const RetryPolicy& policy,
                         std::int64_t now_ms, std::uint16_t random_bits);

/// What the result makes of the person's PMHキー case; opens one where the record is stored without link.
/// @param got  what apply_result made of the record; its `in_case` is set here
void apply_to_case(PmhCase& pmh_case, const Answer& answer, Consequence& got, CaseMoves& moves);

/// The whole request came to nothing (refused, aborted): its members are owed again, or held after the
/// ceiling.
/// @param counts  whether this failure counts towards the ceiling
Consequence apply_not_accepted(const Standing& known, std::string_view why, bool counts,
                               const RetryPolicy& policy, std::int64_t now_ms, std::uint16_t random_bits);

}  // namespace kaigo::registration
