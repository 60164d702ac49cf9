#pragma once
// A port as an address has it. No other room includes it.

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kaigo::http {

/// Nothing for an empty text, and for numbers beyond 65535, which Boost.URL cuts off.
inline std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t out = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
    return out;
}

}  // namespace kaigo::http
