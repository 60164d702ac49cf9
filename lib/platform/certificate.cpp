#include "platform/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
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
    KAIGO_TRY(std::string text, read_file(path, 1U << 20));
    // Editors of Windows put a mark before the first line, which is then none of PEM's.
    constexpr std::string_view kMark = "\xEF\xBB\xBF";
    if (text.starts_with(kMark)) text.erase(0, kMark.size());
    return text;
}

Bio bio_of(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

Failure why_no_certificate(const std::string& text) {
    ERR_clear_error();
    const auto refused = [](const std::string& why, const std::string& remedy) {
        return fail(ErrorCode::certificate_refused, why).remedy(remedy);
    };
    const std::string whole = tr("copy the certificate's file once more from where it was issued");
    if (text.empty()) return refused(tr("the certificate's file is empty"), whole);
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    const auto size = static_cast<long>(text.size());
    const unsigned char* at = bytes;
    const std::unique_ptr<PKCS12, Deleter<PKCS12, PKCS12_free>> bundle(d2i_PKCS12(nullptr, &at, size));
    if (bundle)
        return refused(
            tr("this is a PKCS#12 file, not a PEM certificate"),
            tr("take the certificates out of it: openssl pkcs12 -in FILE -nokeys -out CERTIFICATE"));
    at = bytes;
    if (Certificate(d2i_X509(nullptr, &at, size)))
        return refused(tr("this certificate is DER, not PEM"),
                       tr("convert it: openssl x509 -inform DER -in FILE -out CERTIFICATE"));
    if (text.find("-----BEGIN CERTIFICATE") != std::string::npos)
        return refused(tr("the certificate is cut off or damaged"), whole);
    if (text.find("PRIVATE KEY-----") != std::string::npos)
        return refused(tr("this file holds a private key, and no certificate"),
                       tr("name the certificate's file in certificate_file"));
    return refused(tr("this is not a PEM certificate"), whole);
}

/// Every certificate of a PEM text, in its order.
std::vector<Certificate> certificates_of(const std::string& text) {
    std::vector<Certificate> out;
    const Bio bio = bio_of(text);
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) out.emplace_back(next);
    ERR_clear_error();
    return out;
}

Result<std::vector<Certificate>> parse_certificates(const std::string& text, const std::string& file) {
    auto out = certificates_of(text);
    if (out.empty()) return why_no_certificate(text).at(file);
    return out;
}

CertificateInfo info_of(const std::vector<Certificate>& chain) {
    CertificateInfo out;
    X509* const certificate = chain.front().get();
    out.chain_ends = instant_of(X509_get0_notAfter(certificate));
    for (const Certificate& each : chain)
        out.chain_ends = std::min(out.chain_ends, instant_of(X509_get0_notAfter(each.get())));
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
    KAIGO_TRY(const auto chain, parse_certificates(text, certificate_file));
    return info_of(chain);
}

Result<std::vector<Authority>> authorities_of(const std::string& pem) {
    KAIGO_TRY(const auto certificates, parse_certificates(pem, ""));
    std::vector<Authority> out;
    for (const Certificate& each : certificates) {
        std::array<char, 256> name{};
        X509_NAME* subject = X509_get_subject_name(each.get());
        if (X509_NAME_get_text_by_NID(subject, NID_commonName, name.data(), name.size()) <= 0)
            X509_NAME_oneline(subject, name.data(), name.size());
        out.push_back({name.data(), instant_of(X509_get0_notAfter(each.get()))});
    }
    return out;
}

const Authority* ends_next(const std::vector<Authority>& authorities, Instant now) {
    const Authority* next = nullptr;
    for (const Authority& each : authorities) {
        const bool ended = each.ends < now;
        const bool better =
            next == nullptr || (next->ends < now ? each.ends > next->ends : !ended && each.ends < next->ends);
        if (better) next = &each;
    }
    return next;
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
    KAIGO_TRY(const auto chain, parse_certificates(out.certificate, certificate_file));
    out.info = info_of(chain);
    PrivateKey key;
    if (private_key_file.starts_with("pkcs11:")) {
        out.key_uri = private_key_file;
        KAIGO_TRY(key, private_key_in_token(out.key_uri));
    } else {
        KAIGO_TRY(std::string text, pem(private_key_file));
        out.key = std::make_shared<const SecretBytes>(std::move(text));
        auto read = private_key_of(out.key->view());
        if (!read) {
            read.error().place = private_key_file;
            return tl::unexpected(std::move(read).error());
        }
        key = *std::move(read);
    }
    const auto fits = [&](const Certificate& each) {
        return X509_check_private_key(each.get(), key.get()) == 1;
    };
    out.info.key_fits = fits(chain.front());
    out.info.key_fits_another = !out.info.key_fits && std::ranges::any_of(chain, fits);
    ERR_clear_error();
    return out;
}

}  // namespace kaigo::platform
