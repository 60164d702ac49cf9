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

/// @return null when the text holds no private key
PrivateKey private_key_of(std::string_view pem);
/// The key stays in its token; the result only refers to it.
/// @param uri  pkcs11:… (RFC 7512)
Result<PrivateKey> private_key_in_token(const std::string& uri);

}  // namespace kaigo
