#pragma once
// Keys, keyed digests and authenticated encryption (OpenSSL behind it).

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kaigo {

/// Bytes that are wiped when they go.
class SecretBytes {
  public:
    SecretBytes() = default;
    explicit SecretBytes(std::string bytes) : bytes_(std::move(bytes)) {}
    SecretBytes(SecretBytes&&) noexcept = default;
    SecretBytes& operator=(SecretBytes&&) noexcept = default;
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    ~SecretBytes() { wipe(bytes_.data(), bytes_.size()); }

    std::string_view view() const { return bytes_; }
    /// Moves the bytes out. The receiver must wipe them.
    std::string take() && { return std::move(bytes_); }
    static void wipe(void* data, std::size_t size);

  private:
    std::string bytes_;
};

/// HMAC-SHA-256 shortened to 128 bits: enough to tell contents apart, half the size in the ledger.
using Digest = std::array<std::uint8_t, 16>;

/// Keyed digests under one key. Not for use by two threads at once.
class Hmac {
  public:
    explicit Hmac(std::string_view key);
    ~Hmac();
    Hmac(Hmac&&) noexcept;
    Hmac& operator=(Hmac&&) = delete;
    Digest digest(std::string_view bytes);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The keys that derive from the one secret file (HKDF-SHA-256, one label each).
struct Keys {
    SecretBytes spool;
    SecretBytes digest;
    SecretBytes identifier;
    std::string id;  ///< 8 hexadecimal characters that name the key without telling it

    static Keys derive(const SecretBytes& secret);
    /// @param path a file of exactly 32 bytes, readable by its owner alone
    static Result<Keys> load(const std::string& setting);
};

/// SHA-256 in hexadecimal, for what holds no secret.
std::string sha256_hex(std::string_view bytes);

std::string to_base64(std::string_view bytes);
/// @return nothing when the text is no base64
std::optional<std::string> from_base64(std::string_view text);

/// AES-256-GCM: 12 bytes of nonce, ciphertext, 16 bytes of tag.
std::string seal(std::string_view key, std::string_view associated, std::string_view plain);
/// @return error when the bytes are not what was sealed under this key with these associated bytes
Result<std::string> unseal(std::string_view key, std::string_view associated, std::string_view sealed);

class RandomSource {
  public:
    virtual ~RandomSource() = default;
    virtual void fill(std::span<std::uint8_t> out) = 0;
};

class SystemRandom : public RandomSource {
  public:
    void fill(std::span<std::uint8_t> out) override;
};

}  // namespace kaigo
