#pragma once
// What a row of the source means beside what the ledger knows. Pure; every row falls into exactly one term.

#include <cstdint>
#include <string>

#include "registration/pmh_case.h"
#include "registration/record_state.h"

namespace kaigo::registration {

/// One row of the source, mapped and validated.
struct SourceRow {
    enum class Verdict : std::uint8_t {
        usable,
        unusable,        ///< `reason` says why
        no_my_number,    ///< complete but for the マイナンバー
        platform_owned,  ///< known, never sent
    };
    Verdict verdict = Verdict::usable;
    Digest digest{};
    std::int64_t history = 0;
    std::string reason;
};

/// Left-hand terms of the row accounting: read = their sum (`gone` is counted from the ledger's side).
enum class Term : std::uint8_t { unchanged, created, changed, waiting, rejected, blocked, gone };

struct Decision {
    Term term = Term::unchanged;
    /// Set when something changes: `next` is the record's new standing, `event` the edge that leads there.
    bool changes = false;
    bool send = false;  ///< hand `next.owed` to the platform with this row's content
    Event event = Event::source_new;
    Standing next;
};

/// @param prerequisite_on_platform  true for kinds without prerequisite
Decision compare_present(const SourceRow& row, const Standing& known, bool prerequisite_on_platform);

/// A row whose record an open PMHキー case owns: the case decides what is sent; a change of content alone is
/// not sent. If the case is left in error, an ordinary change is sent, and the case stays.
/// @param number_changed  the row's マイナンバー differs from the one that was sent to the platform
Decision compare_in_case(const SourceRow& row, const Standing& known, bool number_changed, PmhCase& pmh_case,
                         CaseMoves& moves);

/// A record of the ledger that the source no longer has. Only after a complete read without error.
/// @param dependants_on_platform  records that require this one and that the platform holds or is being sent
Decision compare_gone(const Standing& known, bool dependants_on_platform);

/// The same, where its deletion must wait for a person's word: `why` is stored.
Decision hold_gone(const Standing& known, std::string_view why);

}  // namespace kaigo::registration
