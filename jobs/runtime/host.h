#pragma once
// What doctor, daemon and monitoring ask of this host, with one answer.

#include <sys/statvfs.h>

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/clock.h"

namespace kaigo::jobs {

/// Less room than this, in bytes, is worth a warning: a full disk stops every job.
inline constexpr std::uint64_t kLittleRoom = 1ULL << 30;

/// Bytes that are left where a folder lies; nothing when that cannot be told.
inline std::optional<std::uint64_t> free_bytes(const std::filesystem::path& folder) {
    struct statvfs status {};
    if (::statvfs(folder.c_str(), &status) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

/// A clock before this program's first release is wrong.
inline bool clock_is_plausible(Instant now) {
    constexpr auto kReleased = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
    return now >= kReleased;
}

}  // namespace kaigo::jobs
