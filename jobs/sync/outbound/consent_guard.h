#pragma once
// A withdrawal (撤回) that the platform was told stays in force even if the source has forgotten it. Neither
// sending an older consent nor deleting the record that withdrew it may grant the consent again.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "jobs/sync/outbound/ordered_rows.h"
#include "ledger/shared_ledger.h"
#include "registration/consent.h"

namespace kaigo::jobs {

/// Of one kind of one insurer, over one comparison.
class ConsentGuard {
  public:
    ConsentGuard(const JobContext& context, ledger::SharedLedger& ledger, ledger::InsurerId insurer,
                 const mapping::KindPlan& plan);

    /// @param told  as the ledger knows the record's consent
    bool grants_withdrawn(const OrderedRow& row, const registration::Standing& standing,
                          std::optional<std::int64_t> told) const;
    /// Notes the row's consent, and replaces it with what is to stay known of it.
    void remember(OrderedRow& row, std::optional<std::int64_t> told);
    /// Whether a record without a row must stay: it tells a withdrawal, of a person of whom other records
    /// stay, and the source says nothing newer.
    /// @param gone  of another record: whether its row has left the source too
    bool keeps(std::string_view key, std::optional<std::int64_t> told,
               const std::function<bool(ledger::KindId, std::string_view)>& gone) const;

  private:
    bool superseded(std::string_view key, const registration::ConsentVerdict& told) const;

    ledger::SharedLedger& ledger_;
    ledger::InsurerId insurer_;
    bool on_application_;
    std::map<std::string, ledger::Withdrawal, std::less<>> withdrawals_;  ///< by person
    /// Latest days of acts that stand in the source, as ConsentVerdict::packed_day has them.
    struct InSource {
        std::int64_t withdrawn = 0, granted = 0;
    };
    std::map<std::string, InSource, std::less<>> in_source_;  ///< by person
    std::vector<ledger::KindId> of_person_;  ///< the kind that this one requires, and all that require it
};

}  // namespace kaigo::jobs
