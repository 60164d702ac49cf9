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
    Instant chain_ends;                 ///< earliest end of it and of the certificates behind it in its file
    std::vector<std::string> insurers;  ///< organizationalUnitName entries
    bool key_fits = false;
    bool key_fits_another = false;  ///< not the first in the file, but one behind it
};

inline std::int64_t whole_days(Duration time) { return std::chrono::floor<std::chrono::days>(time).count(); }
/// Whole days until it, or what vouches for it in its file, ends; negative once it has.
inline std::int64_t days_left(const CertificateInfo& certificate, Instant now) {
    return whole_days(certificate.chain_ends - now);
}

/// A certificate of a CA file.
struct Authority {
    std::string name;  ///< its common name, or its whole subject
    Instant ends;
};
/// @param pem  text of a CA file; certificates may stand among other lines
Result<std::vector<Authority>> authorities_of(const std::string& pem);
/// The one that ends next; of those that have all ended, the last. Null when there is none.
const Authority* ends_next(const std::vector<Authority>& authorities, Instant now);

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
