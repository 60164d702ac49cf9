#pragma once
// When to warn that a certificate is about to end.

#include <array>
#include <cstdint>

namespace kaigo::jobs {

/// Days left at which this is told, once each. From the last of them on, everything warns.
inline constexpr std::array<std::int64_t, 4> kCertificateDays = {7, 14, 30, 60};
inline constexpr std::int64_t kCertificateWarningDays = kCertificateDays.back();

}  // namespace kaigo::jobs
