#include "registration/consent.h"

namespace kaigo::registration {
namespace {

constexpr auto kLawFrom = std::chrono::sys_days(std::chrono::year(2026) / 4 / 1);

constexpr std::int64_t kDayZero = 719'163;  // so that 0001-01-01 is 1, and 0 is no day

bool before_go_live(const Date& day, const ConsentPolicy& policy) {
    return !policy.before_go_live && policy.go_live && day < *policy.go_live;
}

}  // namespace

std::int64_t ConsentVerdict::packed() const {
    const std::int64_t number = static_cast<std::int64_t>(reason);
    return day ? number + 256 * (kDayZero + std::int64_t{day->days().time_since_epoch().count()}) : number;
}

std::optional<ConsentVerdict> ConsentVerdict::unpack(std::int64_t packed) {
    const auto reason = static_cast<ConsentReason>(packed & 255);
    if (name_of(kConsentReasonNames, reason) == "?") return std::nullopt;
    return ConsentVerdict{reason, day_of(packed >> 8)};
}

std::optional<Date> ConsentVerdict::day_of(std::int64_t packed_day) {
    if (packed_day == 0) return std::nullopt;
    return Date(std::chrono::sys_days(std::chrono::days(packed_day - kDayZero)));
}

bool grants_withdrawn(const ConsentVerdict& now, const std::optional<ConsentVerdict>& told,
                      const std::optional<Date>& withdrawal) {
    if (!is_granted(now.reason) || (told && is_granted(told->reason))) return false;
    std::optional<Date> last = withdrawal;
    if (told && is_withdrawn(told->reason) && told->day && (!last || *last < *told->day)) last = told->day;
    const bool withdrawn = last || (told && is_withdrawn(told->reason));
    return withdrawn && !(last && now.day && *last < *now.day);
}

ConsentVerdict remembered(const ConsentVerdict& now, const std::optional<ConsentVerdict>& told) {
    const bool keep =
        told && is_withdrawn(told->reason) && !is_granted(now.reason) && !is_withdrawn(now.reason);
    return keep ? *told : now;
}

ConsentVerdict consent_on_application(const ApplicationConsent& consent, const ConsentPolicy& policy) {
    using Form = ApplicationConsent::Form;
    if (!consent.consented) return {ConsentReason::not_consented, consent.applied_on};
    if (!consent.applied_on) return {ConsentReason::no_application_date, std::nullopt};
    const Date& applied = *consent.applied_on;
    if (applied.days() < kLawFrom) return {ConsentReason::old_consent, applied};
    if (consent.form == Form::old_form) return {ConsentReason::old_form, applied};
    if (consent.form == Form::unknown && !(policy.new_form_from && applied >= *policy.new_form_from))
        return {ConsentReason::form_unknown, applied};
    if (before_go_live(applied, policy)) return {ConsentReason::before_go_live, applied};
    if (consent.withdrawn_on && *consent.withdrawn_on >= applied)
        return {ConsentReason::withdrawn, consent.withdrawn_on};
    if (consent.valid_to && policy.today && *consent.valid_to < *policy.today)
        return {ConsentReason::granted_ended, applied};
    return {ConsentReason::granted, applied};
}

ConsentVerdict consent_outside_application(ConsentAct act, const Date& acted_on,
                                           const ConsentPolicy& policy) {
    switch (act) {
        case ConsentAct::granted:
            if (acted_on.days() < kLawFrom) return {ConsentReason::old_consent, acted_on};
            if (before_go_live(acted_on, policy)) return {ConsentReason::before_go_live, acted_on};
            return {ConsentReason::granted, acted_on};
        case ConsentAct::refused:
            return {ConsentReason::act_refused, acted_on};
        case ConsentAct::withdrawn:
            break;
    }
    return {ConsentReason::act_withdrawn, acted_on};
}

}  // namespace kaigo::registration
