#pragma once
// Reads the real source, maps, validates; sends nothing and writes no ledger.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jobs/runtime/job_context.h"
#include "jobs/sync/before_setup/setup_forecast.h"
#include "mapping/child_rows.h"

namespace kaigo::jobs {

/// A rule that rows break.
struct Breach {
    std::int64_t count = 0;
    bool warning = false;
    std::vector<std::string> examples;  ///< keys of records; never values of persons
    std::vector<std::string> values;    ///< codes and the like that broke the rule
};

/// Findings that speak of rows, not of an item.
namespace breach {
inline constexpr const char* kNoRows = "no-rows";
inline constexpr const char* kOrphan = "orphan";
inline constexpr const char* kDuplicate = "duplicate-key";
inline constexpr const char* kRepeated = "repeated-row";
inline constexpr const char* kFormUnknown = "form-unknown";
}  // namespace breach

struct KindValidation {
    std::string insurer, kind;
    bool needed = false;  ///< other kinds require its records
    std::int64_t rows = 0;
    std::int64_t usable = 0;
    std::int64_t my_numbers = 0;
    std::int64_t form_unknown = 0;              ///< consents told as なし for that reason
    std::vector<mapping::ChildCount> children;  ///< of a whole reading
    std::map<std::pair<std::string, std::string>, Breach> breaches;  ///< by item path and rule
    std::optional<SetupForecast> forecast;  ///< of the kind with the マイナンバー

    bool sound() const {
        return rows == usable && std::ranges::all_of(breaches, [](const auto& each) {
                   return each.second.warning && each.first.second != breach::kFormUnknown;
               });
    }
};

struct ValidationScope {
    std::string kind;         ///< empty: all
    std::int64_t sample = 0;  ///< rows per kind; 0: all
};

struct Validation {
    std::vector<KindValidation> kinds;  ///< none when the mapping has faults
    Faults faults;                      ///< of the mappings
    std::vector<std::string> notes;     ///< of the sources
};

/// Every kind of every insurer of the configuration.
Result<Validation> validate_rows(const config::Config& config, const Environment& environment,
                                 const spec::Specification& specification, const ValidationScope& scope);
/// Records every use of マイナンバー in the audit log, even that of a trial. Writes nothing if there was
/// none.
Status audit_validation(const config::Config& config, const Environment& environment,
                        const std::vector<KindValidation>& kinds);

}  // namespace kaigo::jobs
