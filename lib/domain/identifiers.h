#pragma once
// Numbers of the field, parsed once at the edge and valid ever after.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kaigo {

/// A value that cannot be swapped for another of the same representation.
template <class T, class Tag>
class Tagged {
  public:
    const T& value() const { return value_; }
    auto operator<=>(const Tagged&) const = default;

  protected:
    explicit Tagged(T value) : value_(std::move(value)) {}

  private:
    T value_;
};

/// 介護保険者番号: 6 digits.
class InsurerNumber : public Tagged<std::string, struct InsurerNumberTag> {
  public:
    /// @return error when `text` is not exactly 6 ASCII digits (the check digit is a warning, see below)
    static Result<InsurerNumber> parse(std::string_view text);

  private:
    using Tagged::Tagged;
};

/// 被保険者番号: 10 half-width alphanumerics, leading zeros kept; 生活保護単独 is H + 9 digits.
class InsuredNumber : public Tagged<std::string, struct InsuredNumberTag> {
  public:
    static Result<InsuredNumber> parse(std::string_view text);

  private:
    using Tagged::Tagged;
};

/// Check digit of a 介護保険者番号: weights 2,1,2,1,2, the digits of each product added (facts, section 7;
/// B).
/// @param digits exactly 6 ASCII digits
bool insurer_number_check_digit_ok(std::string_view digits);

/// Which マイナンバー a set-up accepts. `test`: exactly those whose last digit is the right one + 1 (mod 10),
/// so that synthetic and real numbers can never be taken for each other.
enum class MyNumberCheck { real, test };

/// Check digit of a 個人番号 (平成26年総務省令第85号 art. 5).
/// @param digits exactly 12 ASCII digits
bool my_number_check_digit_ok(std::string_view digits, MyNumberCheck check);

/// Last digit that completes 11 digits to a 個人番号 (the real rule).
char my_number_check_digit(std::string_view eleven_digits);

/// Name of one request to the platform: ULID, 26 characters of Crockford base32, 48 bits of time then 80 of
/// randomness.
class RequestId : public Tagged<std::string, struct RequestIdTag> {
  public:
    static Result<RequestId> parse(std::string_view text);
    static RequestId make(std::int64_t milliseconds_since_epoch, const std::array<std::uint8_t, 10>& random);

  private:
    using Tagged::Tagged;
};

/// Crockford base32 of whole 5-bit groups; the last group is padded with zero bits.
std::string base32(std::string_view bytes);

}  // namespace kaigo
