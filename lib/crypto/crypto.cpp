#include "crypto/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <cstring>
#include <stdexcept>

#include "base/files.h"
#include "base/i18n.h"
#include "base/text.h"

namespace kaigo {
namespace {

/// OpenSSL fails here only when memory is gone or the library is broken: nothing a caller could mend.
void require(bool ok) {
    if (!ok) throw std::runtime_error("OpenSSL failed");
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

constexpr int kNonceSize = 12;
constexpr int kTagSize = 16;

SecretBytes hkdf(std::string_view secret, std::string_view label) {
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr),
                                                                EVP_KDF_free);
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                            EVP_KDF_CTX_free);
    char digest_name[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(secret.data()),
                                          secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(label.data()), label.size()),
        OSSL_PARAM_construct_end()};
    std::string out(32, '\0');
    require(EVP_KDF_derive(context.get(), reinterpret_cast<unsigned char*>(out.data()), out.size(),
                           parameters) > 0);
    return SecretBytes(std::move(out));
}

}  // namespace

void SecretBytes::wipe(void* data, std::size_t size) { ::explicit_bzero(data, size); }

struct Hmac::State {
    std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac{EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                          EVP_MAC_free};
    std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context{EVP_MAC_CTX_new(mac.get()),
                                                                      EVP_MAC_CTX_free};
};

Hmac::Hmac(std::string_view key) : state_(std::make_unique<State>()) {
    char digest_name[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
                                     OSSL_PARAM_construct_end()};
    require(EVP_MAC_init(state_->context.get(), bytes_of(key), key.size(), parameters) == 1);
}
Hmac::~Hmac() = default;
Hmac::Hmac(Hmac&&) noexcept = default;

Digest Hmac::digest(std::string_view bytes) {
    EVP_MAC_CTX* context = state_->context.get();
    unsigned char full[32];
    std::size_t size = 0;
    // Without a key the context starts anew under the key it was given.
    require(EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
            EVP_MAC_update(context, bytes_of(bytes), bytes.size()) == 1 &&
            EVP_MAC_final(context, full, &size, sizeof full) == 1);
    Digest out;
    std::memcpy(out.data(), full, out.size());
    return out;
}

Keys Keys::derive(const SecretBytes& secret) {
    Keys keys;
    keys.spool = hkdf(secret.view(), "kaigo-gateway spool");
    keys.digest = hkdf(secret.view(), "kaigo-gateway digest");
    keys.identifier = hkdf(secret.view(), "kaigo-gateway identifier");
    keys.id = hex(hkdf(secret.view(), "kaigo-gateway key name").view().substr(0, 4));
    return keys;
}

Result<Keys> Keys::load(const std::string& setting) {
    KAIGO_TRY(const std::filesystem::path path, secret_path(setting));
    auto bytes = read_file(path, 4096);
    if (!bytes) {
        bytes.error().remedy = tr("make one with: head -c 32 /dev/urandom > FILE; chmod 600 FILE");
        return tl::unexpected(std::move(bytes.error()));
    }
    const SecretBytes secret(std::move(*bytes));
    if (secret.view().size() != 32)
        return fail(ErrorCode::key_missing, tr("a key file holds exactly 32 bytes")).at(path.string());
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0)
        return fail(ErrorCode::permission_denied, tr("the key can be read by others than its owner"))
            .at(path.string())
            .remedy("chmod 600 " + path.string());
    return derive(secret);
}

std::string sha256_hex(std::string_view bytes) {
    unsigned char out[32];
    std::size_t size = 0;
    require(EVP_Q_digest(nullptr, "SHA256", nullptr, bytes.data(), bytes.size(), out, &size) == 1);
    return hex(std::string_view(reinterpret_cast<const char*>(out), sizeof out));
}

std::string to_base64(std::string_view bytes) {
    std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string out(text.size() / 4 * 3, '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0) return std::nullopt;
    // OpenSSL counts the padding as bytes.
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    out.resize(static_cast<std::size_t>(size) - padding);
    return out;
}

std::string seal(std::string_view key, std::string_view associated, std::string_view plain) {
    const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    std::string out(kNonceSize + plain.size() + kTagSize, '\0');
    auto* data = reinterpret_cast<unsigned char*>(out.data());
    require(RAND_bytes(data, kNonceSize) == 1);
    int size = 0;
    require(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), data) == 1 &&
            EVP_EncryptUpdate(context.get(), nullptr, &size, bytes_of(associated),
                              static_cast<int>(associated.size())) == 1 &&
            EVP_EncryptUpdate(context.get(), data + kNonceSize, &size, bytes_of(plain),
                              static_cast<int>(plain.size())) == 1 &&
            EVP_EncryptFinal_ex(context.get(), data + kNonceSize + size, &size) == 1 &&
            EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagSize,
                                data + kNonceSize + plain.size()) == 1);
    return out;
}

Result<std::string> unseal(std::string_view key, std::string_view associated, std::string_view sealed) {
    const auto damaged = [] {
        return fail(ErrorCode::spool_damaged, tr("the sealed bytes are damaged, or the key is another one"));
    };
    if (sealed.size() < kNonceSize + kTagSize) return damaged();
    const std::string_view cipher = sealed.substr(kNonceSize, sealed.size() - kNonceSize - kTagSize);
    std::string tag(sealed.substr(sealed.size() - kTagSize));
    std::string out(cipher.size(), '\0');
    auto* data = reinterpret_cast<unsigned char*>(out.data());
    const CipherContext context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
    int size = 0;
    require(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, bytes_of(key), bytes_of(sealed)) ==
            1);
    require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagSize, tag.data()) == 1);
    if (EVP_DecryptUpdate(context.get(), nullptr, &size, bytes_of(associated),
                          static_cast<int>(associated.size())) != 1 ||
        EVP_DecryptUpdate(context.get(), data, &size, bytes_of(cipher), static_cast<int>(cipher.size())) !=
            1 ||
        EVP_DecryptFinal_ex(context.get(), data + size, &size) != 1)
        return damaged();
    return out;
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
    require(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

}  // namespace kaigo
