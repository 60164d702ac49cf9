#pragma once
// Text in the encodings that spreadsheets and editors in Japan save.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kaigo {

enum class Encoding : std::uint8_t { cp932, utf16_le, utf16_be };

/// As UTF-8; nothing when the bytes are not of this encoding.
std::optional<std::string> from_encoding(std::string_view bytes, Encoding encoding);

/// A text file as UTF-8 without its byte order mark: UTF-8, UTF-16 by its mark, else CP932.
/// @return nothing when it is none of them
std::optional<std::string> text_of_file(std::string_view bytes);

}  // namespace kaigo
