#include "jobs/sync/outbound/consent_guard.h"

#include <algorithm>

#include "spec/record.h"

namespace kaigo::jobs {

using registration::ConsentReason;
using registration::ConsentVerdict;

namespace {

std::optional<ConsentVerdict> unpack(std::optional<std::int64_t> packed) {
    return packed ? ConsentVerdict::unpack(*packed) : std::nullopt;
}

}  // namespace

ConsentGuard::ConsentGuard(const JobContext& context, ledger::SharedLedger& ledger, ledger::InsurerId insurer,
                           const mapping::KindPlan& plan)
    : ledger_(ledger),
      insurer_(insurer),
      on_application_(plan.consent_on_application),
      withdrawals_(ledger->withdrawals(insurer)) {
    const auto& person = plan.kind->requires_kind;
    if (!person) return;
    of_person_.push_back(ledger->ensure_kind(*person));
    for (const auto& other : context.specification().kinds())
        if (other->requires_kind == person) of_person_.push_back(ledger->ensure_kind(other->id));
}

bool ConsentGuard::grants_withdrawn(const OrderedRow& row, const registration::Standing& standing,
                                    std::optional<std::int64_t> told) const {
    if (standing.reason == registration::reason::kWithdrawalReleased) return false;
    const auto now = unpack(row.consent);
    if (!now) return false;
    // The consent on an application is what counts now. An older act is only history, as long as the
    // withdrawal after it stands on the platform too.
    std::optional<Date> withdrawal;
    const auto found = withdrawals_.find(spec::insured_number_of(row.key));
    if (found != withdrawals_.end() &&
        (on_application_ || (!standing.on_platform && found->second.stands < found->second.told)))
        withdrawal = ConsentVerdict::day_of(found->second.told);
    return registration::grants_withdrawn(*now, standing.on_platform ? unpack(told) : std::nullopt,
                                          withdrawal);
}

void ConsentGuard::remember(OrderedRow& row, std::optional<std::int64_t> told) {
    const auto now = unpack(row.consent);
    if (!now) return;
    if (!on_application_ && row.source.verdict == registration::SourceRow::Verdict::usable) {
        InSource& person = in_source_[std::string(spec::insured_number_of(row.key))];
        if (now->reason == ConsentReason::act_withdrawn)
            person.withdrawn = std::max(person.withdrawn, now->packed_day());
        else if (registration::is_granted(now->reason))
            person.granted = std::max(person.granted, now->packed_day());
    }
    if (told) row.consent = registration::remembered(*now, ConsentVerdict::unpack(*told)).packed();
}

bool ConsentGuard::keeps(std::string_view key, std::optional<std::int64_t> told,
                         const std::function<bool(ledger::KindId, std::string_view)>& gone) const {
    const auto verdict = unpack(told);
    return verdict && verdict->reason == ConsentReason::act_withdrawn && !superseded(key, *verdict) &&
           ledger_->person_stays(insurer_, of_person_, std::string(spec::insured_number_of(key)), gone);
}

/// Whether the source has, under another number, a withdrawal of this person of that day or later, or a
/// consent after it.
bool ConsentGuard::superseded(std::string_view key, const ConsentVerdict& told) const {
    const auto found = in_source_.find(spec::insured_number_of(key));
    return found != in_source_.end() &&
           (found->second.withdrawn >= told.packed_day() || found->second.granted > told.packed_day());
}

}  // namespace kaigo::jobs
