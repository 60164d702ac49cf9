#include "domain/identifiers.h"

#include <algorithm>

#include "base/i18n.h"
#include "base/text.h"

namespace kaigo {
namespace {
constexpr std::string_view kCrockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
}

Result<InsurerNumber> InsurerNumber::parse(std::string_view text) {
    if (text.size() != 6 || !is_digits(text))
        return fail(ErrorCode::bad_data, tr("an insurer number (保険者番号) is 6 digits"));
    return InsurerNumber(std::string(text));
}

Result<InsuredNumber> InsuredNumber::parse(std::string_view text) {
    if (text.size() != 10 || !is_alphanumeric(text))
        return fail(ErrorCode::bad_data, tr("an insured number (被保険者番号) is 10 letters and digits"));
    return InsuredNumber(std::string(text));
}

bool insurer_number_check_digit_ok(std::string_view digits) {
    if (digits.size() != 6 || !is_digits(digits)) return false;
    int sum = 0;
    for (int i = 0; i < 5; ++i) {
        const int product = (digits[i] - '0') * (i % 2 == 0 ? 2 : 1);
        sum += product / 10 + product % 10;
    }
    return (10 - sum % 10) % 10 == digits[5] - '0';
}

char my_number_check_digit(std::string_view eleven_digits) {
    int sum = 0;
    for (int n = 1; n <= 11; ++n) {
        const int digit = eleven_digits[static_cast<std::size_t>(11 - n)] - '0';
        sum += digit * (n <= 6 ? n + 1 : n - 5);
    }
    const int remainder = sum % 11;
    return static_cast<char>('0' + (remainder <= 1 ? 0 : 11 - remainder));
}

bool my_number_check_digit_ok(std::string_view digits, MyNumberCheck check) {
    if (digits.size() != 12 || !is_digits(digits)) return false;
    const int right = my_number_check_digit(digits.substr(0, 11)) - '0';
    return digits[11] - '0' == (check == MyNumberCheck::real ? right : (right + 1) % 10);
}

Result<RequestId> RequestId::parse(std::string_view text) {
    const bool known = std::all_of(text.begin(), text.end(),
                                   [](char c) { return kCrockford.find(c) != std::string_view::npos; });
    if (text.size() != 26 || !known) return fail(ErrorCode::bad_data, tr("not a request id (ULID)"));
    return RequestId(std::string(text));
}

RequestId RequestId::make(std::int64_t milliseconds_since_epoch, const std::array<std::uint8_t, 10>& random) {
    std::string out(26, '0');
    for (int i = 9; i >= 0; --i) {
        out[static_cast<std::size_t>(i)] =
            kCrockford[static_cast<std::size_t>(milliseconds_since_epoch & 31)];
        milliseconds_since_epoch >>= 5;
    }
    const std::string tail =
        base32(std::string_view(reinterpret_cast<const char*>(random.data()), random.size()));
    out.replace(10, 16, tail);
    return RequestId(out);
}

std::string base32(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() * 8 + 4) / 5);
    unsigned buffer = 0;
    int bits = 0;
    for (const char c : bytes) {
        buffer = (buffer << 8) | static_cast<unsigned char>(c);
        bits += 8;
        while (bits >= 5) {
            bits -= 5;
            out.push_back(kCrockford[(buffer >> bits) & 31]);
        }
    }
    if (bits > 0) out.push_back(kCrockford[(buffer << (5 - bits)) & 31]);
    return out;
}

}  // namespace kaigo
