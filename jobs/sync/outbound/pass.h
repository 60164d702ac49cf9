#pragma once
// One pass over source and ledger, in key order, decides what each record is owed. Its decisions wait until
// they may go out.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "jobs/sync/outbound/compare.h"
#include "jobs/sync/outbound/consent_guard.h"
#include "jobs/sync/outbound/consequences.h"
#include "jobs/sync/outbound/evidence_cursor.h"
#include "jobs/sync/outbound/ordered_rows.h"
#include "ledger/readers.h"

namespace kaigo::jobs {

class Pass {
  public:
    /// When what is decided goes out.
    enum class Release : std::uint8_t {
        on_the_way,  ///< stretch by stretch, once each is sure to belong to one state of the source
        at_the_end,  ///< when the caller has judged the whole reading
    };

    /// What stands on both sides, and where differences go.
    struct Sides {
        const config::Insurer& insurer;
        const mapping::KindPlan& plan;
        const std::vector<std::unique_ptr<source::Snapshot>>& views;  ///< asked whether they are one state
        EvidenceCursor evidence;
        Exchange* exchange;  ///< null: nothing goes out
    };

    Pass(JobContext& context, ledger::SharedLedger& ledger, Sides sides, const CompareOptions& options,
         Release release, Observer& observer);

    /// Reads to the end. What is to go out at the end waits for end().
    /// @param comparison  nothing: only counts
    Result<CompareOutcome> run(OrderedRows& rows, std::optional<ledger::ComparisonId> comparison);
    /// Sends what was decided; deletions only if the caller trusts the reading.
    Status end(bool deletions);
    /// Drops what still waits. What went out on the way is complete.
    Status give_up();

    /// Records without a row that deletions would have taken.
    std::vector<std::string> gone_keys() const;
    std::string evidence_trouble() const { return evidence_.trouble(); }
    const CompareOutcome& outcome() const { return outcome_; }

  private:
    struct FromRow {
        std::optional<Digest> my_number;
        std::optional<std::int64_t> consent;
    };
    struct Gone {
        std::string key;
        registration::Standing standing;
        std::optional<ledger::ComparisonId> account;
        std::optional<std::int64_t> consent;
    };

    Status decide(OrderedRow& row);
    registration::Decision decide_case(const OrderedRow& row, const registration::Standing& standing);
    Status remove_gone();
    bool must_stop();
    Status verify() const;
    void merge_duplicate(const OrderedRow& before, OrderedRow& row);
    void pass_over_entry();
    std::optional<ledger::ComparisonId> earlier_account() const;
    ledger::CaseStep begin_step(std::string_view key) const;
    void plan_sending(std::size_t bytes);
    void count(const registration::Decision& decision);
    void count_contents(const OrderedRows& rows, bool whole);
    Status send(std::string_view key, const registration::Standing& standing,
                const registration::Decision& decision, std::string_view canonical, const FromRow& row);
    Status change(const std::string& key, const registration::Standing& standing,
                  const registration::Decision& decision, const FromRow& row);
    Status hand_on_if_enough();
    Status hand_on();

    JobContext& context_;
    ledger::SharedLedger& ledger_;
    Exchange* exchange_;
    const config::Insurer& insurer_;
    const spec::RecordKind& kind_;
    const CompareOptions& options_;
    ledger::InsurerId insurer_id_;
    ledger::KindId kind_id_;
    bool has_dependants_ = false;
    ledger::LedgerReader known_;
    std::optional<ledger::PrerequisiteReader> prerequisite_;
    ConsentGuard consents_;
    EvidenceCursor evidence_;
    std::map<std::string, ledger::KnownCase, std::less<>> cases_;  ///< open ones, by key
    Release release_;
    const std::vector<std::unique_ptr<source::Snapshot>>* views_;  ///< null: reading has ended
    Observer& observer_;
    std::optional<ledger::ComparisonId> comparison_;

    // Of the record at hand.
    const ledger::Entry* entry_ = nullptr;
    bool same_key_ = false;
    std::optional<Digest> sent_number_;
    std::optional<std::int64_t> known_consent_;
    std::optional<ledger::ComparisonId> account_;
    std::optional<ledger::CaseStep> step_;

    std::vector<Gone> gone_;
    std::set<std::string> stepped_;  ///< keys of them that a decision changed
    Consequences consequences_;
    registration::BatchFill planned_{{}};
    CompareOutcome outcome_;
};

}  // namespace kaigo::jobs
