#pragma once
// Durations and sizes as the configuration writes them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kaigo {

/// An integer and ms, s, m, h or d.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// An integer and B, KiB, MiB or GiB.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// HH:MM of 00:00 to 24:00, as minutes since midnight.
std::optional<int> parse_time_of_day(std::string_view text);

}  // namespace kaigo
