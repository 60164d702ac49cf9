#include "http/tls.h"

#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/ssl/error.hpp>

#include "base/i18n.h"
#include "crypto/private_key.h"

namespace kaigo::http {

namespace ssl = boost::asio::ssl;

namespace {

constexpr const char* kSuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

Failure unusable(const std::string& what) { return fail(ErrorCode::certificate_refused, what); }

Result<std::unique_ptr<ssl::context>> context_of(ssl::context::method method, const Identity& identity) {
    auto out = std::make_unique<ssl::context>(method);
    SSL_CTX* const native = out->native_handle();
    SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(native, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(native, kSuites);
    boost::system::error_code failed;
    out->use_certificate_chain(boost::asio::buffer(identity.certificate), failed);
    if (failed)
        return unusable(tr("TLS does not take this certificate: {}", failed.message()))
            .remedy(
                tr("have one issued with a key of at least 2048 bits (RSA), or on P-256, P-384 or P-521"));
    PrivateKey key;
    if (identity.key) {
        KAIGO_TRY(key, private_key_of(identity.key->view()));
    } else {
        KAIGO_TRY(key, private_key_in_token(identity.key_uri));
    }
    if (!signs_in_tls13(*key))
        return unusable(tr("TLS 1.3 has no signature for a private key of this kind"))
            .remedy(
                tr("have one issued with a key of at least 2048 bits (RSA), or on P-256, P-384 or P-521"));
    if (SSL_CTX_use_PrivateKey(native, key.get()) != 1 || SSL_CTX_check_private_key(native) != 1)
        return unusable(tr("the private key does not fit the certificate"))
            .remedy(tr("install the pair that was issued together"));
    return out;
}

}  // namespace

Result<std::unique_ptr<ssl::context>> client_context(const std::string& ca, const Identity& identity) {
    KAIGO_TRY(auto out, context_of(ssl::context::tls_client, identity));
    boost::system::error_code failed;
    out->add_certificate_authority(boost::asio::buffer(ca), failed);
    if (failed ||
        sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(out->native_handle()))) == 0)
        return unusable(tr("the CA file holds no PEM certificate"));
    out->set_verify_mode(ssl::verify_peer, failed);
    // A CA file may name the issuing CA alone.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(out->native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
    return out;
}

Result<std::unique_ptr<ssl::context>> server_context(const Identity& identity) {
    return context_of(ssl::context::tls_server, identity);
}

bool is_tls_failure(const boost::system::error_code& failed) {
    return failed.category() == boost::asio::error::get_ssl_category();
}

bool is_certificate_failure(const boost::system::error_code& failed) {
    if (!is_tls_failure(failed)) return false;
    switch (ERR_GET_REASON(static_cast<unsigned long>(failed.value()))) {
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
        case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
            return true;
        default:
            return false;
    }
}

}  // namespace kaigo::http
