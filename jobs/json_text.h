#pragma once
// JSON documents on standard output.

#include <boost/json/value.hpp>
#include <optional>
#include <ostream>
#include <string>

#include "base/clock.h"

namespace kaigo::jobs {

/// One document and a line end.
void write_json(std::ostream& out, const boost::json::value& value);

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
