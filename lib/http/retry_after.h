#pragma once
// Retry-After of a response (RFC 9110, 10.2.3).

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace kaigo::http {

/// @param text  the field: seconds, or a date
/// @param date  the response's Date: the server's own clock, by which its dates are read; empty: this host's
/// @return at most a day; nothing for a field that says nothing, or is past
std::optional<Duration> retry_after(std::string_view text, std::string_view date);

}  // namespace kaigo::http
