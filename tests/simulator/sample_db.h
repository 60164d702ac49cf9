#pragma once
// A synthetic 標準準拠 介護保険事務システム: tables after the style of 基本データリスト, people after chance.

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/date.h"
#include "sqlite/sqlite.h"

namespace kaigo::sample {

struct SampleOptions {
    std::int64_t persons = 0;
    std::uint64_t seed = 1;
    std::string insurer;
    bool dense = false;  ///< exactly one certification and one consent for every person, none with a fault
};

/// Writes a new database; fails when the file is there. Same options, same bytes.
void write_sample(const std::filesystem::path& file, const SampleOptions& options);

/// Applies days of plausible change to an existing one: births of rows, corrections, renumbered histories,
/// deletions, consent changes, bulk fixes that leave 操作年月日 as it was. Same file, same changes.
void advance_days(const std::filesystem::path& file, int days);

}  // namespace kaigo::sample
