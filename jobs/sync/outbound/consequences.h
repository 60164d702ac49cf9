#pragma once
// What a comparison has decided and not handed on yet: it may still be thrown away, until the whole reading
// was judged.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/sync/outbound/outbox.h"

namespace kaigo::jobs {

/// Of one kind of one insurer.
class Consequences {
  public:
    void add(ledger::Sending sending, std::string_view canonical);
    void add(ledger::Change change) { changes_.push_back(std::move(change)); }
    /// A step that does nothing to its record.
    void add(ledger::CaseStep step) { steps_.push_back(std::move(step)); }
    /// The consent of a record that stays as it is.
    void add_consent(std::string key, std::int64_t verdict) {
        consents_.emplace_back(std::move(key), verdict);
    }

    /// Whether enough has gathered to be handed on in one stretch.
    bool has_enough() const;
    /// Whether it is more than is kept in memory.
    bool is_too_much() const;
    void throw_away();

    struct Place {
        ledger::SharedLedger& ledger;
        Outbox& outbox;
        const spec::RecordKind& kind;
        ledger::InsurerId insurer;
        ledger::KindId kind_id;
        ledger::ComparisonId comparison;
        const std::string& digest_key;
        Instant now;
    };
    /// Sendings go into the outbox, the rest into the ledger.
    Status hand_on(const Place& place);

  private:
    std::size_t writes() const { return changes_.size() + steps_.size() + consents_.size(); }

    struct ToSend {
        ledger::Sending sending;
        SecretBytes canonical;
    };
    std::vector<ToSend> sendings_;
    std::size_t bytes_ = 0;  ///< of them
    std::vector<ledger::Change> changes_;
    std::vector<ledger::CaseStep> steps_;
    std::vector<std::pair<std::string, std::int64_t>> consents_;
};

}  // namespace kaigo::jobs
