#pragma once
// Is what a comparison found believable, measured against the last one? A half-loaded source must not empty
// the platform, and a mapping that no longer fits must not be followed silently.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "domain/identifiers.h"
#include "ledger/ledger.h"
#include "mapping/child_rows.h"

namespace kaigo::jobs {

/// Prefixes of the names in ledger::Baseline::contents; the name of what is counted follows.
namespace contents {
inline constexpr const char* kQuery = "query:";      ///< rows of a child query
inline constexpr const char* kItem = "item:";        ///< records that have an item
inline constexpr const char* kOrphans = "orphans:";  ///< rows of a child query that belong to no record
inline constexpr const char* kEvidence = "query:evidence";
}  // namespace contents

/// A whole reading, counted.
struct Reading {
    std::int64_t seen = 0;     ///< rows
    std::int64_t records = 0;  ///< rows that were compared
    std::int64_t changed = 0;  ///< records that would change on the platform
    std::int64_t known = 0;    ///< records that the platform has
    std::int64_t gone = 0;     ///< of those, the ones without a row, as far as nobody has deleted them yet
    bool required = false;     ///< other kinds require this one: it is never empty
    std::vector<mapping::ChildCount> children;
    std::map<std::string, std::int64_t> contents;
};

/// What a person has said already.
struct Accepted {
    bool drop = false, change = false, resend = false;
};

/// Why a comparison must wait for a person, and the word that lets it go.
struct Objection {
    const char* code;    ///< ledger::attention
    const char* option;  ///< --accept-…
    std::int64_t records;
    std::string text;
};

/// Whether a part of the whole is more than so many per cent, and not just a few (safety.floor).
bool exceeds(const config::Safety& safety, std::int64_t part, std::int64_t whole, int percent);

class Judge {
  public:
    Judge(const config::Safety& safety, const std::optional<ledger::Baseline>& before,
          const Accepted& accepted)
        : safety_(safety), before_(before), accepted_(accepted) {}

    /// @param changed_inputs  mapping, specification or key, in words, where they are others than last time
    std::vector<Objection> objections(const Reading& now, const std::string& changed_inputs);

  private:
    std::int64_t counted_before(const std::string& name) const;
    void rows(const Reading& now);
    void resend(const Reading& now, const std::string& changed_inputs);
    void changes(const Reading& now);
    void losses(const Reading& now);
    void orphans(const Reading& now);

    const config::Safety& safety_;
    const std::optional<ledger::Baseline>& before_;
    Accepted accepted_;
    std::vector<Objection> found_;
};

/// The drop guard of deletions: whether so many fewer rows came than last time that none of them is believed.
bool drops(const config::Safety& safety, std::int64_t seen, std::int64_t before);

/// The same as what a person must see to; one entry a code.
std::vector<ledger::Attention> attention_of(const std::vector<Objection>& objections);
/// All objections as one error.
Error waits_for_person(const InsurerNumber& insurer, const std::string& kind,
                       const std::vector<Objection>& objections);

}  // namespace kaigo::jobs
