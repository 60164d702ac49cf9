#pragma once
// What the ledger gives and takes.

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/clock.h"
#include "registration/pmh_case.h"
#include "registration/record_state.h"

namespace kaigo::ledger {

using InsurerId = std::int64_t;
using KindId = std::int64_t;
using RunId = std::int64_t;
using BatchId = std::int64_t;
using ComparisonId = std::int64_t;
using CaseId = std::int64_t;

/// Something else changed a record or case since it was read: nothing was written; to be done again later.
class Conflict : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Numbers are stored: never reuse one.
enum class BatchState : std::uint8_t {
    owed = 1,       ///< nothing accepted; sent (again) when due
    sending = 2,    ///< handed to the network
    unknown = 3,    ///< may have arrived: asked by requestId first
    submitted = 4,  ///< accepted
    completed = 5,  ///< the platform has finished: results to be fetched
    settled = 6,
    refused = 7,    ///< its members are held or owed again under another request
    dissolved = 8,  ///< split, or owed again under other requests
};

inline constexpr Names<BatchState, 8> kBatchStateNames = {{
    {BatchState::owed, "owed"},
    {BatchState::sending, "sending"},
    {BatchState::unknown, "unknown"},
    {BatchState::submitted, "submitted"},
    {BatchState::completed, "completed"},
    {BatchState::settled, "settled"},
    {BatchState::refused, "refused"},
    {BatchState::dissolved, "dissolved"},
}};

/// How a run ended. Names are stored: never change one.
enum class RunEnd : std::uint8_t {
    done,
    needs_person,  ///< done, and something waits for a person
    held,          ///< a kind waits for a person's word: nothing of it was sent
    later,         ///< not finished; the next run goes on
    failed,
    dry_run,
    interrupted,  ///< its process ended before it
};
inline constexpr Names<RunEnd, 7> kRunEndNames = {{
    {RunEnd::done, "done"},
    {RunEnd::needs_person, "needs-person"},
    {RunEnd::held, "held"},
    {RunEnd::later, "later"},
    {RunEnd::failed, "failed"},
    {RunEnd::dry_run, "dry-run"},
    {RunEnd::interrupted, "interrupted"},
}};

/// How a comparison ended. Names are stored: never change one.
enum class ComparisonEnd : std::uint8_t {
    done,
    stopped,            ///< by a person, a closed platform or a full spool
    failed,             ///< its rows could not be read to their end
    held,               ///< it waits for a person's word: nothing of it was sent
    unreadable_keys,    ///< rows without a readable key: no deletions
    restarted_sorted,   ///< rows came out of order
    restarted_counted,  ///< too much would go out to be kept in memory: counted first
};
inline constexpr Names<ComparisonEnd, 7> kComparisonEndNames = {{
    {ComparisonEnd::done, "done"},
    {ComparisonEnd::stopped, "stopped"},
    {ComparisonEnd::failed, "failed"},
    {ComparisonEnd::held, "held"},
    {ComparisonEnd::unreadable_keys, "unreadable-keys"},
    {ComparisonEnd::restarted_sorted, "restarted-sorted"},
    {ComparisonEnd::restarted_counted, "restarted-counted"},
}};

/// A record with what is known of it.
struct Entry {
    std::string key;
    registration::Standing standing;
    std::optional<Digest> my_number;
    std::optional<std::int64_t> consent;  ///< registration::ConsentVerdict::packed
    std::string digest_key;
    std::optional<BatchId> batch;
    std::int64_t seq = 0;
    std::optional<ComparisonId> comparison;  ///< whose account it stands in
};

/// A PMHキー case as the ledger knows it.
struct KnownCase {
    CaseId id = 0;  ///< 0: not in the ledger yet
    InsurerId insurer = 0;
    KindId kind = 0;
    std::string key;
    registration::PmhCase pmh_case;
    std::int64_t version = 0;      ///< steps taken so far
    bool to_be_looked_at = false;  ///< decided or opened since its row was last read
};

/// Steps of a case, written in one transaction with what they do to the record.
struct CaseStep {
    KnownCase known;  ///< as it was
    registration::PmhCase next;
    registration::CaseMoves moves;
    bool looked_at = true;  ///< its row was read; otherwise the next job reads it
    std::string actor;      ///< a person's decision
    std::string note;
};
/// A pointer: most records have no step, and a step is larger than all else that is known of a record.
using MaybeCaseStep = std::shared_ptr<const CaseStep>;
inline MaybeCaseStep maybe(std::optional<CaseStep> step) {
    return step ? std::make_shared<const CaseStep>(*std::move(step)) : nullptr;
}

/// One record inside a batch.
struct Member {
    std::string key;
    std::string record_id;
    UpdateKind update_kind = UpdateKind::create;
};

struct Batch {
    BatchId id = 0;
    InsurerId insurer = 0;
    KindId kind = 0;
    std::string request_id;
    std::string mode;
    std::optional<std::string> base_date;
    BatchState state = BatchState::owed;
    std::string body_digest;
    std::vector<Member> members;
    std::string reception_number;
    std::uint32_t attempts = 0;
    std::optional<std::int64_t> due_at;
    std::string processing_status;  ///< of its completed reception
    std::int64_t created_at = 0;
};

/// A reception of a request that the ledger no longer knows, because the ledger was restored from a backup.
struct ForgottenReception {
    std::string request_id, reception_number, processing_status;
};

/// What became of the rows of a child query.
struct QueryRows {
    std::string query;
    std::int64_t rows = 0, orphans = 0;
};

/// What a person must see to in a kind. Codes are stored: never give one another meaning.
struct Attention {
    std::string code;  ///< held-drop, held-change, held-resend, deletions-withheld, orphans
    std::int64_t records = 0;
    std::string detail;  ///< in words, from the run that found it; may be empty
};
namespace attention {
inline constexpr const char* kHeldDrop = "held-drop";
inline constexpr const char* kHeldChange = "held-change";
inline constexpr const char* kHeldResend = "held-resend";
inline constexpr const char* kDeletionsWithheld = "deletions-withheld";
inline constexpr const char* kOrphans = "orphans";
}  // namespace attention

/// Days as ConsentVerdict::packed_day has them; 0: none.
struct Withdrawal {
    std::int64_t told = 0;    ///< latest that the platform was told
    std::int64_t stands = 0;  ///< latest of the records that say so on the platform, and will stay there
};

/// Left-hand side of the row accounting of one comparison.
struct Accounting {
    std::int64_t read = 0, unchanged = 0, created = 0, changed = 0, waiting = 0, rejected = 0, blocked = 0,
                 duplicates = 0, gone = 0;
};

}  // namespace kaigo::ledger
