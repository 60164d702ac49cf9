#include "base/text.h"

#include <unicode/normalizer2.h>
#include <unicode/utf8.h>

#include <stdexcept>

#include "base/identifiers.h"

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

/// Next code point at `at`, which moves on; negative when malformed.
UChar32 next(std::string_view utf8, std::size_t& at) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(utf8.data());
    auto i = static_cast<int32_t>(at);
    UChar32 c = 0;
    U8_NEXT(bytes, i, static_cast<int32_t>(utf8.size()), c);
    at = static_cast<std::size_t>(i);
    return c;
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
    for (std::size_t at = 0; at < utf8.size();)
        if (!is_inert(next(utf8, at))) return false;
    return true;
}

}  // namespace

std::optional<std::size_t> count_characters(std::string_view utf8) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < utf8.size();) {
        const UChar32 c = next(utf8, at);
        if (c < 0) return std::nullopt;
        if (!is_variation_selector(c)) ++count;
    }
    return count;
}

bool has_control_characters(std::string_view utf8) {
    for (std::size_t at = 0; at < utf8.size();) {
        const UChar32 c = next(utf8, at);
        if (c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xFEFF) return true;
    }
    return false;
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
    std::size_t start = 0;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto c = static_cast<unsigned char>(utf8[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(utf8.substr(start, i - start));
        start = i + 1;
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(static_cast<char>(c));
        } else {
            const char code = static_cast<char>(c);
            out += "\\u00" + hex(std::string_view(&code, 1));
        }
    }
    out.append(utf8.substr(start));
    out.push_back('"');
}

}  // namespace kaigo
