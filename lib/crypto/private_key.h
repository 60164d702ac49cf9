#pragma once
// A private key: from PEM text, or one that never leaves its token.

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kaigo {

struct PrivateKeyDeleter {
    void operator()(EVP_PKEY* key) const;
};
using PrivateKey = std::unique_ptr<EVP_PKEY, PrivateKeyDeleter>;

/// Never asks for a password: a key that has one is an error, as is every other form than PEM.
Result<PrivateKey> private_key_of(std::string_view pem);
/// Whether TLS 1.3 has a signature for keys of this kind (RFC 8446, 4.2.3).
bool signs_in_tls13(const EVP_PKEY& key);
/// The key stays in its token; the result only refers to it.
/// @param uri  pkcs11:… (RFC 7512)
Result<PrivateKey> private_key_in_token(const std::string& uri);

}  // namespace kaigo
