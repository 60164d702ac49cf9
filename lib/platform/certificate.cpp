#include "platform/certificate.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "base/files.h"
#include "base/i18n.h"

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
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;

Instant instant_of(const ASN1_TIME* time) {
    std::tm parts{};
    ASN1_TIME_to_tm(time, &parts);
    return from_milliseconds(static_cast<std::int64_t>(timegm(&parts)) * 1000);
}

Result<std::string> pem(const std::string& setting) {
    KAIGO_TRY(const std::filesystem::path path, secret_path(setting));
    return read_file(path, 1U << 20);
}

}  // namespace

Result<CertificateInfo> inspect_certificate(const std::string& certificate_file,
                                            const std::string& private_key_file) {
    KAIGO_TRY(const std::string certificate_text, pem(certificate_file));
    const Bio bio(BIO_new_mem_buf(certificate_text.data(), static_cast<int>(certificate_text.size())));
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate)
        return fail(ErrorCode::certificate_refused, tr("this is not a PEM certificate")).at(certificate_file);
    CertificateInfo out;
    out.not_before = instant_of(X509_get0_notBefore(certificate.get()));
    out.not_after = instant_of(X509_get0_notAfter(certificate.get()));
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, at)) >= 0;) {
        const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        out.insurers.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                  static_cast<std::size_t>(ASN1_STRING_length(value)));
    }
    KAIGO_TRY(std::string key_text, pem(private_key_file));
    const Bio key_bio(BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size())));
    const Key key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
    out.key_fits = key && X509_check_private_key(certificate.get(), key.get()) == 1;
    return out;
}

}  // namespace kaigo::platform
