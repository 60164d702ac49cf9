#pragma once
// Unicode text as the interface counts and spells it.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kaigo {

/// Length in characters: code points, variation selectors (U+FE00–FE0F, U+E0100–E01EF) not counted.
/// @return nothing when the bytes are not well-formed UTF-8
std::optional<std::size_t> count_characters(std::string_view utf8);

bool is_well_formed(std::string_view utf8);

/// What one walk over a text finds.
struct TextScan {
    bool well_formed = true;     ///< when not, the rest says nothing
    std::size_t characters = 0;  ///< as count_characters
    bool control = false;        ///< U+0000–001F, U+007F–009F, or a byte order mark
    bool suspicious = false;  ///< what no name or address has: U+FFFD, noncharacters, zero width, direction
    bool normalized = false;  ///< as is_normalized
};
TextScan scan_text(std::string_view utf8);

/// NFC, except that compatibility ideographs (U+F900–FAFF, U+2F800–2FA1F: names) stay as they are.
/// @param utf8 well-formed
std::string normalize(std::string_view utf8);
bool is_normalized(std::string_view utf8);

/// What a person typed, for comparing: full-width letters, digits and brackets as half-width ones (NFKC),
/// without spaces at both ends and without a full stop.
std::string plain_form(std::string_view utf8);

/// Half-width katakana and ASCII space become full-width, voiced marks joined.
std::string full_width_kana(std::string_view utf8);

/// Full-width katakana, long vowel mark, full-width space and middle dot only.
bool is_full_width_kana(std::string_view utf8);

/// Without ASCII and full-width spaces at both ends.
std::string_view trim(std::string_view utf8);

/// Lower-case hexadecimal.
std::string hex(std::string_view bytes);

bool is_digits(std::string_view text);
/// Half-width letters and digits only.
bool is_alphanumeric(std::string_view text);

/// JSON string with its quotes; control characters, quote and backslash escaped.
void append_json_string(std::string& out, std::string_view utf8);

}  // namespace kaigo
