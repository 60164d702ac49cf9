#pragma once
// Pieces of JSON documents.

#include <boost/json/value.hpp>
#include <optional>
#include <string>

#include "base/clock.h"

namespace kaigo::jobs {

/// RFC 3339, or null.
inline boost::json::value json_time(std::optional<std::int64_t> milliseconds) {
    if (!milliseconds) return nullptr;
    return boost::json::value(format_instant(from_milliseconds(*milliseconds)));
}

/// The text, or null when there is none.
inline boost::json::value json_text(const std::string& text) {
    if (text.empty()) return nullptr;
    return boost::json::value(text);
}

}  // namespace kaigo::jobs
