#include "daemon/transcript.h"

#include <algorithm>

namespace kaigo::daemon {

void Transcript::append(const char* text, std::size_t size) {
    const Lock lock(mutex_);
    text_.append(text, std::min(size, kMost - std::min(kMost, text_.size())));
}

Transcript::int_type Transcript::overflow(int_type c) {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char byte = traits_type::to_char_type(c);
    append(&byte, 1);
    return c;
}

std::streamsize Transcript::xsputn(const char* text, std::streamsize size) {
    append(text, static_cast<std::size_t>(size));
    return size;
}

std::string Transcript::since(std::size_t from) const {
    const Lock lock(mutex_);
    if (from >= text_.size()) return {};
    std::size_t end = text_.size();
    // A character of UTF-8 has at most three bytes after its first.
    std::size_t first = end - 1;
    for (int i = 0; i < 3 && first > from && (static_cast<unsigned char>(text_[first]) & 0xC0U) == 0x80U; ++i)
        --first;
    const auto lead = static_cast<unsigned char>(text_[first]);
    const std::size_t length = lead < 0x80U ? 1 : lead < 0xE0U ? 2 : lead < 0xF0U ? 3 : 4;
    if (lead >= 0xC0U && first + length > end) end = first;
    return text_.substr(from, end - from);
}

}  // namespace kaigo::daemon
