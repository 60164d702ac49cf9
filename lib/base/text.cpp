#include "base/text.h"

#include <unicode/normalizer2.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace kaigo {
namespace {

constexpr bool is_variation_selector(UChar32 c) {
    return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF);
}
constexpr bool is_compatibility_ideograph(UChar32 c) {
    return (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}
constexpr bool is_half_width_kana(UChar32 c) { return c >= 0xFF61 && c <= 0xFF9F; }

/// Characters that are normalized whatever stands beside them: what nearly every text is made of.
constexpr bool is_inert(UChar32 c) {
    return (c >= 0x20 && c < 0x7F) || (c >= 0x3000 && c <= 0x3096) || (c >= 0x309D && c <= 0x30FF) ||
           (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xFF01 && c <= 0xFF9F) || (c >= 0x20000 && c <= 0x2A6DF) ||
           c >= 0xE0100;
}

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHigh = kOnes * 0x80;

/// Eight bytes tested at once.
constexpr bool has_byte(std::uint64_t word, std::uint64_t value) {
    const std::uint64_t x = word ^ (kOnes * value);
    return ((x - kOnes) & ~x & kHigh) != 0;
}
constexpr bool has_below_space(std::uint64_t word) { return ((word - kOnes * 0x20) & ~word & kHigh) != 0; }

/// Number of leading bytes that pass a test. The test is given in two forms: for eight bytes and for one.
template <class Eight, class One>
std::size_t prefix(std::string_view text, Eight eight, One one) {
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, sizeof word);
        if (!eight(word)) break;
    }
    while (at < text.size() && one(static_cast<unsigned char>(text[at]))) ++at;
    return at;
}

/// Printable ASCII: most values are nothing else.
std::size_t ascii_prefix(std::string_view utf8) {
    return prefix(
        utf8,
        [](std::uint64_t word) {
            return (word & kHigh) == 0 && !has_below_space(word) && !has_byte(word, 0x7F);
        },
        [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
}

/// What a JSON string holds as it is.
std::size_t json_plain_prefix(std::string_view utf8) {
    return prefix(
        utf8,
        [](std::uint64_t word) {
            return !has_below_space(word) && !has_byte(word, '"') && !has_byte(word, '\\');
        },
        [](unsigned char c) { return c >= 0x20 && c != '"' && c != '\\'; });
}

/// Next code point at `at`, which moves on; negative when malformed.
UChar32 next(std::string_view utf8, std::size_t& at) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(utf8.data());
    auto i = static_cast<int32_t>(at);
    UChar32 c = 0;
    U8_NEXT(bytes, i, static_cast<int32_t>(utf8.size()), c);
    at = static_cast<std::size_t>(i);
    return c;
}

/// What a failed conversion, a copy from a web page or an attack leaves behind.
bool is_suspicious(UChar32 c) {
    if (c < 0x200B && c != 0x061C) return false;
    const bool zero_width = (c >= 0x200B && c <= 0x200D) || c == 0x2060;
    const bool direction = c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
                           (c >= 0x2066 && c <= 0x2069);
    const bool noncharacter = (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
    return zero_width || direction || noncharacter || c == 0xFFFD;
}

const icu::Normalizer2& normalizer(bool compatibility) {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* found =
        compatibility ? icu::Normalizer2::getNFKCInstance(error) : icu::Normalizer2::getNFCInstance(error);
    if (U_FAILURE(error)) throw std::runtime_error("ICU has no normalization data");
    return *found;
}

void append_normalized(std::string& out, std::string_view part, bool compatibility) {
    if (part.empty()) return;
    UErrorCode error = U_ZERO_ERROR;
    icu::StringByteSink<std::string> sink(&out);
    normalizer(compatibility)
        .normalizeUTF8(0, icu::StringPiece(part.data(), static_cast<int32_t>(part.size())), sink, nullptr,
                       error);
    if (U_FAILURE(error)) throw std::runtime_error("ICU cannot normalize");
}

bool all_inert(std::string_view utf8) {
    for (std::size_t at = ascii_prefix(utf8); at < utf8.size();)
        if (!is_inert(next(utf8, at))) return false;
    return true;
}

}  // namespace

bool is_well_formed(std::string_view utf8) {
    for (std::size_t at = ascii_prefix(utf8); at < utf8.size();)
        if (next(utf8, at) < 0) return false;
    return true;
}

std::optional<std::size_t> count_characters(std::string_view utf8) {
    std::size_t at = ascii_prefix(utf8);
    std::size_t count = at;
    while (at < utf8.size()) {
        const UChar32 c = next(utf8, at);
        if (c < 0) return std::nullopt;
        if (!is_variation_selector(c)) ++count;
    }
    return count;
}

TextScan scan_text(std::string_view utf8) {
    TextScan out;
    std::size_t at = ascii_prefix(utf8);
    out.characters = at;
    bool inert = true;
    while (at < utf8.size()) {
        const UChar32 c = next(utf8, at);
        if (c < 0) {
            out.well_formed = false;
            return out;
        }
        if (!is_variation_selector(c)) ++out.characters;
        out.suspicious = out.suspicious || is_suspicious(c);
        out.control = out.control || c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xFEFF;
        inert = inert && is_inert(c);
    }
    out.normalized = inert || normalize(utf8) == utf8;
    return out;
}

std::string normalize(std::string_view utf8) {
    if (all_inert(utf8)) return std::string(utf8);
    std::string out;
    std::size_t start = 0;
    for (std::size_t at = 0; at < utf8.size();) {
        const std::size_t before = at;
        if (!is_compatibility_ideograph(next(utf8, at))) continue;
        append_normalized(out, utf8.substr(start, before - start), false);
        out.append(utf8.substr(before, at - before));
        start = at;
    }
    append_normalized(out, utf8.substr(start), false);
    return out;
}

bool is_normalized(std::string_view utf8) { return all_inert(utf8) || normalize(utf8) == utf8; }

std::string plain_form(std::string_view utf8) {
    std::string out;
    append_normalized(out, utf8, true);
    std::string_view bare = trim(out);
    for (const std::string_view stop : {"。", ".", "｡"})
        while (bare.ends_with(stop)) bare = trim(bare.substr(0, bare.size() - stop.size()));
    return std::string(bare);
}

std::string full_width_kana(std::string_view utf8) {
    std::string out;
    for (std::size_t at = 0; at < utf8.size();) {
        const std::size_t start = at;
        if (!is_half_width_kana(next(utf8, at))) {
            const std::string_view character = utf8.substr(start, at - start);
            out += character == " " ? std::string_view("　") : character;
            continue;
        }
        std::size_t end = at;
        while (end < utf8.size() && is_half_width_kana(next(utf8, end))) at = end;
        append_normalized(out, utf8.substr(start, at - start), true);
    }
    return out;
}

bool is_full_width_kana(std::string_view utf8) {
    for (std::size_t at = 0; at < utf8.size();) {
        const UChar32 c = next(utf8, at);
        const bool kana = (c >= 0x30A1 && c <= 0x30FA) || c == 0x30FB || c == 0x30FC || c == 0x3000;
        if (!kana) return false;
    }
    return true;
}

std::string_view trim(std::string_view utf8) {
    constexpr std::string_view kWide = "　";
    for (;;) {
        if (utf8.starts_with(' '))
            utf8.remove_prefix(1);
        else if (utf8.starts_with(kWide))
            utf8.remove_prefix(kWide.size());
        else
            break;
    }
    for (;;) {
        if (utf8.ends_with(' '))
            utf8.remove_suffix(1);
        else if (utf8.ends_with(kWide))
            utf8.remove_suffix(kWide.size());
        else
            break;
    }
    return utf8;
}

void append_json_string(std::string& out, std::string_view utf8) {
    out.push_back('"');
    for (;;) {
        const std::size_t plain = json_plain_prefix(utf8);
        out.append(utf8.substr(0, plain));
        if (plain == utf8.size()) break;
        const char c = utf8[plain];
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else {
            out += "\\u00" + hex(std::string_view(&c, 1));
        }
        utf8.remove_prefix(plain + 1);
    }
    out.push_back('"');
}

std::string hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
        out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
    }
    return out;
}

bool is_digits(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_alphanumeric(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    });
}

}  // namespace kaigo
