#pragma once
// Source against ledger and ledger against receptions, recomputed from both: nothing that a run counted is
// believed.

#include <map>
#include <string>
#include <vector>

#include "jobs/runtime/job_context.h"
#include "ledger/shared_ledger.h"
#include "ledger/view.h"

namespace kaigo::jobs {

/// A record that is not on the platform as the source has it, without a stored reason that says why.
struct Difference {
    enum class What : std::uint8_t {
        not_compared,   ///< in the source, unknown to the ledger
        changed_since,  ///< the source has another content than the platform acknowledged
        gone_since,     ///< on the platform, no longer in the source
        unconfirmed,    ///< on the platform as the ledger has it, but no settled reception says so
    };
    What what;
    std::string key;  ///< bytes, as spec::append_key made them
};

inline constexpr Names<Difference::What, 4> kDifferenceNames = {{
    {Difference::What::not_compared, "not-compared"},
    {Difference::What::changed_since, "changed-since"},
    {Difference::What::gone_since, "gone-since"},
    {Difference::What::unconfirmed, "unconfirmed"},
}};

/// The registered records of one stretch of keys: those whose 被保険者番号 begin alike.
struct RangeProof {
    std::string begins;  ///< the first characters of the numbers
    std::int64_t rows = 0, records = 0;
    Digest source{}, ledger{};  ///< keyed, over the keys with the digests of their contents
    bool same() const { return rows == records && source == ledger; }
};

struct KindProof {
    const spec::RecordKind* kind = nullptr;
    std::string mapping;  ///< fingerprint
    /// read = registered + platform_owned + exceptions + changed_since + not_compared + duplicates +
    /// unreadable
    std::int64_t read = 0, registered = 0, platform_owned = 0, changed_since = 0, not_compared = 0,
                 duplicates = 0, unreadable = 0;
    std::int64_t gone_since = 0, unconfirmed = 0;
    /// Records that are not simply registered, by state and stored reason: the ledger says why.
    std::map<std::pair<std::string, std::string>, std::int64_t> exceptions;
    std::vector<RangeProof> ranges;
    std::vector<Difference> differences;  ///< the first of them
    ledger::ReceptionCounts receptions;

    std::int64_t difference_count() const { return changed_since + not_compared + gone_since + unconfirmed; }
    bool closed() const;
};

/// As many differences of one kind are named; all are counted.
inline constexpr std::size_t kDifferencesNamed = 100'000;

/// Reads all rows of a kind and all its records. Sends nothing, writes nothing.
Result<KindProof> reconcile_kind(JobContext& context, ledger::SharedLedger& ledger,
                                 const config::Insurer& insurer, const spec::RecordKind& kind,
                                 std::int64_t& my_numbers_read);

}  // namespace kaigo::jobs
