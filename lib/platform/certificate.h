#pragma once
// The client certificate with its private key, held in memory: a file that changes on the disk changes
// nothing before it was checked.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/crypto.h"

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

struct Credentials {
    CertificateInfo info;
    std::string certificate;                 ///< PEM, with the chain that the file gives
    std::shared_ptr<const SecretBytes> key;  ///< PEM; null: the key is in a token
    std::string key_uri;                     ///< pkcs11:…, a key that never leaves its token
};

/// What the certificate alone says; `key_fits` stays false.
/// @param certificate_file  PEM file or `credential:NAME`
Result<CertificateInfo> inspect_certificate(const std::string& certificate_file);

/// Whether the files still hold this pair. If they cannot be read now, they count as changed.
bool is_unchanged(const Credentials& credentials, const std::string& certificate_file,
                  const std::string& private_key_file);

/// @param certificate_file  PEM file or `credential:NAME`
/// @param private_key_file  the same, or a `pkcs11:` URI (RFC 7512)
/// @return the pair, also when key and certificate do not fit: see `info.key_fits`
Result<Credentials> load_credentials(const std::string& certificate_file,
                                     const std::string& private_key_file);

}  // namespace kaigo::platform
