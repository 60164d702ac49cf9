#include "platform/certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "base/files.h"
#include "base/i18n.h"
#include "crypto/private_key.h"

namespace kaigo::platform {
namespace {

template <class T, void (*Free)(T*)>
struct Deleter {
    void operator()(T* pointer) const { Free(pointer); }
};
struct BioDeleter {
    void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioDeleter>;
using Certificate = std::unique_ptr<X509, Deleter<X509, X509_free>>;

Instant instant_of(const ASN1_TIME* time) {
    std::tm parts{};
    ASN1_TIME_to_tm(time, &parts);
    return from_milliseconds(static_cast<std::int64_t>(timegm(&parts)) * 1000);
}

Result<std::string> pem(const std::string& setting) {
    KAIGO_TRY(const std::filesystem::path path, secret_path(setting));
    return read_file(path, 1U << 20);
}

Bio bio_of(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Result<Certificate> parse_certificate(const std::string& text, const std::string& file) {
    Certificate out(PEM_read_bio_X509(bio_of(text).get(), nullptr, nullptr, nullptr));
    if (!out) return fail(ErrorCode::certificate_refused, tr("this is not a PEM certificate")).at(file);
    return out;
}

CertificateInfo info_of(X509* certificate) {
    CertificateInfo out;
    out.not_before = instant_of(X509_get0_notBefore(certificate));
    out.not_after = instant_of(X509_get0_notAfter(certificate));
    X509_NAME* subject = X509_get_subject_name(certificate);
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, at)) >= 0;) {
        const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        out.insurers.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                  static_cast<std::size_t>(ASN1_STRING_length(value)));
    }
    return out;
}

}  // namespace

Result<CertificateInfo> inspect_certificate(const std::string& certificate_file) {
    KAIGO_TRY(const std::string text, pem(certificate_file));
    KAIGO_TRY(const Certificate certificate, parse_certificate(text, certificate_file));
    return info_of(certificate.get());
}

bool is_unchanged(const Credentials& credentials, const std::string& certificate_file,
                  const std::string& private_key_file) {
    const auto certificate = pem(certificate_file);
    if (!certificate || *certificate != credentials.certificate) return false;
    if (!credentials.key) return credentials.key_uri == private_key_file;
    auto text = pem(private_key_file);
    if (!text) return false;
    const SecretBytes key(std::move(*text));
    return key.view() == credentials.key->view();
}

Result<Credentials> load_credentials(const std::string& certificate_file,
                                     const std::string& private_key_file) {
    Credentials out;
    KAIGO_TRY(out.certificate, pem(certificate_file));
    KAIGO_TRY(const Certificate certificate, parse_certificate(out.certificate, certificate_file));
    out.info = info_of(certificate.get());
    PrivateKey key;
    if (private_key_file.starts_with("pkcs11:")) {
        out.key_uri = private_key_file;
        KAIGO_TRY(key, private_key_in_token(out.key_uri));
    } else {
        KAIGO_TRY(std::string text, pem(private_key_file));
        out.key = std::make_shared<const SecretBytes>(std::move(text));
        key = private_key_of(out.key->view());
    }
    out.info.key_fits = key && X509_check_private_key(certificate.get(), key.get()) == 1;
    return out;
}

}  // namespace kaigo::platform
