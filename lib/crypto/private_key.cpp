#include "crypto/private_key.h"

#include <openssl/bio.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include "base/i18n.h"

namespace kaigo {

void PrivateKeyDeleter::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

namespace {

Failure no_key(const std::string& why, const std::string& remedy) {
    ERR_clear_error();
    return fail(ErrorCode::certificate_refused, why).remedy(remedy);
}

Failure why_no_key(std::string_view text) {
    const std::string whole = tr("copy the private key's file once more from where it was issued");
    if (text.empty()) return no_key(tr("the private key's file is empty"), whole);
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    const auto size = static_cast<long>(text.size());
    const unsigned char* at = bytes;
    const std::unique_ptr<PKCS12, decltype(&PKCS12_free)> bundle(d2i_PKCS12(nullptr, &at, size), PKCS12_free);
    if (bundle)
        return no_key(tr("this is a PKCS#12 file, not a PEM private key"),
                      tr("take the key out of it: openssl pkcs12 -in FILE -nocerts -nodes -out KEY"));
    at = bytes;
    if (PrivateKey(d2i_AutoPrivateKey(nullptr, &at, size)))
        return no_key(tr("this private key is DER, not PEM"),
                      tr("convert it: openssl pkey -inform DER -in FILE -out KEY"));
    if (text.find("PRIVATE KEY-----") != std::string_view::npos)
        return no_key(tr("the private key is cut off or damaged"), whole);
    if (text.find("-----BEGIN CERTIFICATE") != std::string_view::npos)
        return no_key(tr("this file holds a certificate, and no private key"),
                      tr("name the private key's file in private_key_file"));
    return no_key(tr("this is not a PEM private key"), whole);
}

}  // namespace

Result<PrivateKey> private_key_of(std::string_view pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
    bool has_password = false;
    // OpenSSL's own way of asking writes to the terminal, and waits for what nobody types.
    const auto asked = [](char*, int, int, void* flag) {
        *static_cast<bool*>(flag) = true;
        return -1;
    };
    PrivateKey key(PEM_read_bio_PrivateKey(text.get(), nullptr, asked, &has_password));
    if (key) return key;
    if (has_password)
        return no_key(
            tr("the private key has a password"),
            tr("take the password off (openssl pkey -in FILE -out KEY; chmod 600 KEY), or keep the key in "
               "a token and name it with a pkcs11: URI"));
    return why_no_key(pem);
}

bool signs_in_tls13(const EVP_PKEY& key) {
    switch (EVP_PKEY_get_base_id(&key)) {
        case EVP_PKEY_RSA:
        case EVP_PKEY_RSA_PSS:
        case EVP_PKEY_ED25519:
        case EVP_PKEY_ED448:
            return true;
        case EVP_PKEY_EC: {
            char group[64] = "";
            EVP_PKEY_get_group_name(&key, group, sizeof group, nullptr);
            const std::string_view name(group);
            return name == "prime256v1" || name == "secp384r1" || name == "secp521r1";
        }
        default:
            return false;
    }
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
