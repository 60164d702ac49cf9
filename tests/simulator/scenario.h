#pragma once
// What the simulated platform does wrong, and which persons the 中間サーバー does not know.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/yaml.h"

namespace kaigo::simulator {

/// A fault that strikes chosen requests or records, counted from 1 since the program started.
struct Fault {
    enum class On : std::uint8_t { submit, query, record };
    enum class Do : std::uint8_t {
        drop_before,    ///< connection closed, nothing done
        drop_after,     ///< done, connection closed without an answer
        delay,          ///< `milliseconds` before the answer
        too_many,       ///< 429
        closed,         ///< 503
        error_before,   ///< 500, nothing done
        error_after,    ///< 500, done
        refuse_as_200,  ///< errors in a 200, `error_id` tells which
        abort,          ///< accepted, then 異常終了: nothing applied
        record_error,   ///< `error_id` as this record's result
    };
    On on = On::submit;
    Do what = Do::delay;
    std::int64_t every = 0;  ///< strikes number n when n % every == offset
    std::int64_t offset = 0;
    std::set<std::int64_t> at;
    std::int64_t times = 0;  ///< at most so often; 0: no bound
    std::int64_t milliseconds = 0;
    std::int64_t retry_after = 1;  ///< seconds
    std::string error_id;

    bool strikes(std::int64_t n) const {
        return at.contains(n) || (every > 0 && n % every == offset % every);
    }
};

struct Scenario {
    std::vector<Fault> faults;
    /// Shares of persons in 1/100 %, and persons by name.
    std::int64_t unknown_share = 0, slow_share = 0, several_share = 0;
    std::set<std::string> unknown, known, several, slow;
    std::set<std::string> wrong_number;  ///< unknown under the number first sent, known under any other
    std::int64_t slow_attempts = 2;      ///< answers 中間サーバー応答なし so often
    std::int64_t polls = 1;              ///< questions until a reception is completed
    bool shuffle_results = false;
    std::int64_t result_page = 1000;
    std::int64_t omit_every = 0;  ///< every n-th result is missing from the first listing
    bool unlisted = false;        ///< no listing names a reception; asking by its number works
    bool maintenance = false;     ///< closed until the scenario is read again
};

std::optional<Scenario> load_scenario(const std::filesystem::path& file, Faults& faults);

}  // namespace kaigo::simulator
