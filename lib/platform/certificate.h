#pragma once
// What a certificate file says, for doctor and status.

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

/// @param certificate_file, private_key_file  PEM files
Result<CertificateInfo> inspect_certificate(const std::string& certificate_file,
                                            const std::string& private_key_file);

}  // namespace kaigo::platform
