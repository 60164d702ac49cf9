#pragma once
// 包括同意: which consent may be told to the platform (厚生労働省 第3回自治体説明会, 2026-03-17). Pure.

#include <optional>
#include <string_view>

#include "base/date.h"

namespace kaigo::registration {

/// Settings of one insurer.
struct ConsentPolicy {
    std::optional<Date> go_live;  ///< 利用開始日
    bool before_go_live = true;   ///< whether consent taken before 利用開始日 is linked (C)
    std::optional<Date>
        new_form_from;  ///< 申請日 from which the new form was in use, where the source cannot tell
};

/// What the source knows of consent on an application.
struct ApplicationConsent {
    enum class Form { unknown, old_form, new_form };
    std::optional<Date> applied_on;  ///< 申請日
    bool consented = false;          ///< 同意有無
    Form form = Form::unknown;       ///< 様式の版
    std::optional<Date> withdrawn_on;
};

/// Whether 同意有無 is sent as あり: applied on or after 2026-04-01, consented, on the new form (known, or by
/// the setting), not withdrawn on or after that day.
bool consent_on_application(const ApplicationConsent& consent, const ConsentPolicy& policy);

enum class ConsentAct { granted, refused, withdrawn };

/// What an act outside an application is sent as: あり only when the day of the act is 2026-04-01 or later
/// (earlier: 旧同意, sent as なし; C).
ConsentAct consent_outside_application(ConsentAct act, const Date& acted_on, const ConsentPolicy& policy);

}  // namespace kaigo::registration
