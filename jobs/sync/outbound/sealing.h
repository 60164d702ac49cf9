#pragma once
// A batch made ready to leave: record ids, spool file, request body and its digest. Needs neither ledger nor
// network, and is done beside them.

#include <string>
#include <string_view>
#include <vector>

#include "jobs/runtime/job_context.h"
#include "ledger/shared_ledger.h"
#include "spool/spool.h"

namespace kaigo::jobs {

/// Records of one kind that go into one request; wiped when they go.
struct BatchContents {
    const spec::RecordKind* kind = nullptr;
    std::vector<ledger::Sending> sendings;
    std::string canonical;           ///< of all, one behind the other
    std::vector<std::size_t> sizes;  ///< of each

    BatchContents() = default;
    BatchContents(BatchContents&&) = default;
    BatchContents& operator=(BatchContents&&) = default;
    ~BatchContents() { SecretBytes::wipe(canonical.data(), canonical.size()); }
    void add(ledger::Sending sending, std::string_view bytes);
};

struct SealedBatch {
    const spec::RecordKind* kind = nullptr;
    ledger::BatchDraft draft;
    SecretBytes body;
};

/// A recordId is this many characters of a keyed hash of the record's key, then this many of one of its
/// content.
inline constexpr std::size_t kRecordIdKeyWidth = 12;
inline constexpr std::size_t kRecordIdContentWidth = 8;

/// Makes the recordIds of one kind of one insurer: the same record with the same content always gets the same
/// one.
class RecordIds {
  public:
    RecordIds(const JobContext& context, const config::Insurer& insurer, const spec::RecordKind& kind)
        : identifier_(context.keys().identifier.view()),
          prefix_(insurer.number.value() + "/" + kind.id + "/") {}
    std::string of(std::string_view key, std::string_view canonical);

  private:
    Hmac identifier_;
    std::string prefix_;
};

/// Bodies that are not needed any more.
void wipe(std::vector<std::string>& bodies);

class Sealer {
  public:
    Sealer(const JobContext& context, spool::Spool& spool, const config::Insurer& insurer)
        : context_(context), spool_(spool), insurer_(insurer) {}

    /// On return the spool file is on disk. May be called by several threads at once.
    /// @param draft  without sendings and digest, which are filled in
    Result<SealedBatch> seal(BatchContents contents, ledger::BatchDraft draft) const;

    struct Envelope {
        const std::string& request_id;
        const std::string& mode;
        const std::optional<std::string>& base_date;
    };
    std::string compose(const Envelope& envelope, const std::vector<ledger::Member>& members,
                        const std::vector<std::string_view>& canonical) const;
    std::string body_digest(std::string_view body) const;

  private:
    const JobContext& context_;
    spool::Spool& spool_;
    const config::Insurer& insurer_;
};

}  // namespace kaigo::jobs
