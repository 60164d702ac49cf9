#include "base/units.h"

#include <array>
#include <charconv>
#include <limits>

#include "base/text.h"

namespace kaigo {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};
constexpr std::array kDurations = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                                   Unit{"d", 86'400'000}};
constexpr std::array kSizes = {Unit{"B", 1}, Unit{"KiB", 1ULL << 10}, Unit{"MiB", 1ULL << 20},
                               Unit{"GiB", 1ULL << 30}};

template <std::size_t N>
std::optional<std::uint64_t> parse(std::string_view text, const std::array<Unit, N>& units) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const Unit& unit : units) {
        if (unit.name != name) continue;
        if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit.factor)
            return std::nullopt;
        return number * unit.factor;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto value = text == "0" ? std::optional<std::uint64_t>(0) : parse(text, kDurations);
    if (!value) return std::nullopt;
    return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

std::optional<std::uint64_t> parse_size(std::string_view text) { return parse(text, kSizes); }

std::optional<int> parse_time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':' || !is_digits(text.substr(0, 2)) || !is_digits(text.substr(3)))
        return std::nullopt;
    const int minutes = ((text[0] - '0') * 10 + text[1] - '0') * 60 + (text[3] - '0') * 10 + text[4] - '0';
    if (text[3] > '5' || minutes > 24 * 60) return std::nullopt;
    return minutes;
}

}  // namespace kaigo
