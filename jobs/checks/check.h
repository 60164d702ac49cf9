#pragma once
// One question about this host, answered.

#include <cstdint>
#include <string>

namespace kaigo::jobs {

struct Check {
    enum class Level : std::uint8_t { ok, warning, error };
    Level level = Level::ok;
    std::string name;     ///< of the question: clock, ledger, source, certificate …
    std::string subject;  ///< which of several: a source, an insurer; empty: there is one
    std::string text;
    std::string remedy;  ///< empty: nothing is to be done
};

inline const char* level_name(Check::Level level) {
    switch (level) {
        case Check::Level::ok:
            return "ok";
        case Check::Level::warning:
            return "warning";
        case Check::Level::error:
            return "error";
    }
    return "";
}

}  // namespace kaigo::jobs
