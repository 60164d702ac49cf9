#include "http/retry_after.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <iomanip>
#include <locale>
#include <sstream>

#include "base/text.h"

namespace kaigo::http {
namespace {

constexpr std::chrono::seconds kLongest{86'400};

/// In the three forms of RFC 9110, 5.6.7.
std::optional<std::time_t> http_date(std::string_view text) {
    for (const char* form :
         {"%a, %d %b %Y %H:%M:%S GMT", "%a, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
        std::istringstream words{std::string(text)};
        words.imbue(std::locale::classic());
        std::tm parts{};
        words >> std::get_time(&parts, form);
        if (words) return ::timegm(&parts);
    }
    return std::nullopt;
}

}  // namespace

std::optional<Duration> retry_after(std::string_view text, std::string_view date) {
    std::chrono::seconds wait{0};
    if (text.empty()) return std::nullopt;
    if (is_digits(text)) {
        std::int64_t seconds = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
        wait = read.ec == std::errc() ? std::min(std::chrono::seconds(seconds), kLongest) : kLongest;
    } else {
        const auto until = http_date(text);
        if (!until) return std::nullopt;
        wait = std::chrono::seconds(*until - http_date(date).value_or(std::time(nullptr)));
    }
    if (wait <= std::chrono::seconds(0)) return std::nullopt;
    return std::min(wait, kLongest);
}

}  // namespace kaigo::http
