#pragma once
// When the end of a certificate is worth a word.

#include <array>
#include <cstdint>

namespace kaigo::jobs {

/// Days left at which it is told, each once; at the last of them everything begins to warn.
inline constexpr std::array<std::int64_t, 4> kCertificateDays = {7, 14, 30, 60};
inline constexpr std::int64_t kCertificateWarningDays = kCertificateDays.back();

}  // namespace kaigo::jobs
