#pragma once
// What a certificate file says, for doctor and status.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace kaigo::platform {

struct CertificateInfo {
    Instant not_before;
    Instant not_after;
    std::vector<std::string> insurers;  ///< organizationalUnitName entries
    bool key_fits = false;
};

/// Whole days until it ends; negative once it has.
inline std::int64_t days_left(const CertificateInfo& certificate, Instant now) {
    return std::chrono::floor<std::chrono::days>(certificate.not_after - now).count();
}

/// @param certificate_file, private_key_file  PEM files
Result<CertificateInfo> inspect_certificate(const std::string& certificate_file,
                                            const std::string& private_key_file);

}  // namespace kaigo::platform
