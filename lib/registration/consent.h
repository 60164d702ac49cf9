#pragma once
// 包括同意: which consent may be told to the platform, and why (厚生労働省 第3回自治体説明会, 2026-03-17,
// 包括同意に関する情報, FAQ 包括同意). Pure.

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/date.h"
#include "domain/vocabulary.h"

namespace kaigo::registration {

/// Settings of one insurer.
struct ConsentPolicy {
    std::optional<Date> go_live;  ///< 利用開始日
    bool before_go_live = true;   ///< whether consent taken before 利用開始日 is linked (C)
    std::optional<Date>
        new_form_from;  ///< 申請日 from which the new form was in use, where the source cannot tell
    std::optional<Date> today;  ///< on which a certification may have ended; nothing: not asked
};

/// Why a consent is told as it is. Numbers are stored in the ledger: never reuse one.
enum class ConsentReason : std::uint8_t {
    granted = 1,
    granted_ended = 2,  ///< told as あり; ended with the certification (C): a new application needs a new one
    not_consented = 3,
    old_consent = 4,     ///< 旧同意: before 2026-04-01
    old_form = 5,        ///< on an old form after 2026-04-01: no consent
    form_unknown = 6,    ///< the source does not know the form, and no setting vouches for it
    before_go_live = 7,  ///< the insurer's setting leaves it out
    withdrawn = 8,       ///< 撤回 on or after the application: never granted again by sending it again
    no_application_date = 9,
    act_refused = 10,  ///< an act outside an application
    act_withdrawn = 11,
};

inline constexpr Names<ConsentReason, 11> kConsentReasonNames = {{
    {ConsentReason::granted, "granted"},
    {ConsentReason::granted_ended, "granted-ended"},
    {ConsentReason::not_consented, "not-consented"},
    {ConsentReason::old_consent, "old-consent"},
    {ConsentReason::old_form, "old-form"},
    {ConsentReason::form_unknown, "form-unknown"},
    {ConsentReason::before_go_live, "before-go-live"},
    {ConsentReason::withdrawn, "withdrawn"},
    {ConsentReason::no_application_date, "no-application-date"},
    {ConsentReason::act_refused, "act-refused"},
    {ConsentReason::act_withdrawn, "act-withdrawn"},
}};

constexpr bool is_granted(ConsentReason reason) {
    return reason == ConsentReason::granted || reason == ConsentReason::granted_ended;
}

/// A consent and the day that decides over it: 申請日, day of the withdrawal, or day of the act.
struct ConsentVerdict {
    ConsentReason reason = ConsentReason::not_consented;
    std::optional<Date> day;
    bool operator==(const ConsentVerdict&) const = default;

    /// As one number for the ledger, and back. Nothing for a number that is none.
    std::int64_t packed() const;
    static std::optional<ConsentVerdict> unpack(std::int64_t packed);
    /// The day in a packed verdict, without its reason.
    std::int64_t packed_day() const { return packed() >> 8; }
    static std::optional<Date> day_of(std::int64_t packed_day);
};

/// What the source knows of consent on an application.
struct ApplicationConsent {
    enum class Form { unknown, old_form, new_form };
    std::optional<Date> applied_on;  ///< 申請日
    bool consented = false;          ///< 同意有無
    Form form = Form::unknown;       ///< 様式の版
    std::optional<Date> withdrawn_on;
    std::optional<Date> valid_to;  ///< 認定有効期間 終了
};

/// 同意有無 is あり when: applied on or after 2026-04-01, consented, on the new form (known, or by the
/// setting), not withdrawn on or after that day.
ConsentVerdict consent_on_application(const ApplicationConsent& consent, const ConsentPolicy& policy);

constexpr bool is_withdrawn(ConsentReason reason) {
    return reason == ConsentReason::withdrawn || reason == ConsentReason::act_withdrawn;
}

/// Whether sending this verdict would grant a consent that the platform holds as withdrawn. A consent act or
/// an application of a later day grants it anew; that the withdrawal is no longer in the source does not.
/// @param told        of this record, where the platform holds it
/// @param withdrawal  day of the person's latest withdrawal that the platform was told
bool grants_withdrawn(const ConsentVerdict& now, const std::optional<ConsentVerdict>& told,
                      const std::optional<Date>& withdrawal);

/// What to remember of a consent: a withdrawal that was sent, until something is granted after it.
ConsentVerdict remembered(const ConsentVerdict& now, const std::optional<ConsentVerdict>& told);

enum class ConsentAct { granted, refused, withdrawn };

/// An act outside an application is あり only when its day is 2026-04-01 or later, whatever the 申請日
/// (earlier: 旧同意, sent as なし; C).
ConsentVerdict consent_outside_application(ConsentAct act, const Date& acted_on, const ConsentPolicy& policy);

}  // namespace kaigo::registration
