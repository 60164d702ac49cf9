#include "crypto/private_key.h"

#include <openssl/bio.h>
#include <openssl/engine.h>
#include <openssl/pem.h>

#include "base/i18n.h"

namespace kaigo {

void PrivateKeyDeleter::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

PrivateKey private_key_of(std::string_view pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    return PrivateKey(PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr));
}

// OpenSSL's engine interface is deprecated, and is what Debian's PKCS#11 module speaks.
Result<PrivateKey> private_key_in_token(const std::string& uri) {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
    const auto failed = [&](const std::string& why) {
        // A URI may carry the PIN: only what names the token's object is told.
        return fail(ErrorCode::key_missing, why)
            .at(uri.substr(0, uri.find('?')))
            .remedy(
                tr("check the token with pkcs11-tool --list-objects, and that libengine-pkcs11-openssl is "
                   "installed"));
    };
    ENGINE_load_builtin_engines();
    ENGINE* engine = ENGINE_by_id("pkcs11");
    if (engine == nullptr) return failed(tr("the PKCS#11 engine of OpenSSL is not installed"));
    // Otherwise the engine would write the URI, including the PIN, to standard error.
    ENGINE_ctrl_cmd_string(engine, "QUIET", nullptr, 0);
    if (ENGINE_init(engine) != 1) {
        ENGINE_free(engine);
        return failed(tr("the PKCS#11 engine cannot be started"));
    }
    PrivateKey key(ENGINE_load_private_key(engine, uri.c_str(), nullptr, nullptr));
    ENGINE_finish(engine);
    ENGINE_free(engine);
    if (!key) return failed(tr("the token does not give this private key"));
    return key;
#pragma clang diagnostic pop
}

}  // namespace kaigo
