#include "registration/consent.h"

namespace kaigo::registration {
namespace {

constexpr auto kLawFrom = std::chrono::sys_days(std::chrono::year(2026) / 4 / 1);

bool counts_on(const Date& day, const ConsentPolicy& policy) {
    if (day.days() < kLawFrom) return false;
    return policy.before_go_live || !policy.go_live || day >= *policy.go_live;
}

}  // namespace

bool consent_on_application(const ApplicationConsent& consent, const ConsentPolicy& policy) {
    if (!consent.consented || !consent.applied_on || !counts_on(*consent.applied_on, policy)) return false;
    if (consent.withdrawn_on && *consent.withdrawn_on >= *consent.applied_on) return false;
    switch (consent.form) {
        case ApplicationConsent::Form::new_form:
            return true;
        case ApplicationConsent::Form::old_form:
            return false;
        case ApplicationConsent::Form::unknown:
            return policy.new_form_from && *consent.applied_on >= *policy.new_form_from;
    }
    return false;
}

ConsentAct consent_outside_application(ConsentAct act, const Date& acted_on, const ConsentPolicy& policy) {
    if (act == ConsentAct::granted && !counts_on(acted_on, policy)) return ConsentAct::refused;
    return act;
}

}  // namespace kaigo::registration
