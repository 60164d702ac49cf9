#include "registration/consent.h"

#include <catch2/catch.hpp>

using namespace kaigo;
using namespace kaigo::registration;
using Form = ApplicationConsent::Form;

namespace {

std::optional<Date> day(const std::string& text) { return Date::parse_iso(text); }

ConsentReason on_application(const ApplicationConsent& consent, const ConsentPolicy& policy) {
    return consent_on_application(consent, policy).reason;
}

}  // namespace

TEST_CASE("consent on an application: every combination, against the two conditions of the ministry's text") {
    int granted = 0;
    int combinations = 0;
    const std::vector<std::string> applied_days = {"",           "2025-12-01", "2026-03-31", "2026-04-01",
                                                   "2026-05-15", "2026-10-31", "2026-11-01"};
    for (const std::string& applied : applied_days)
        for (const bool consented : {false, true})
            for (const Form form : {Form::unknown, Form::old_form, Form::new_form})
                for (const std::string withdrawn : {"", "2026-03-01", "2026-05-15", "2026-12-01"})
                    for (const std::string valid_to : {"", "2026-11-30", "2027-11-30"})
                        for (const std::string go_live : {"", "2026-11-01"})
                            for (const bool before : {true, false})
                                for (const std::string new_form : {"", "2026-04-01", "2026-06-01"}) {
                                    const ConsentPolicy policy{day(go_live), before, day(new_form),
                                                               day("2026-12-31")};
                                    const ConsentReason reason = on_application(
                                        {day(applied), consented, form, day(withdrawn), day(valid_to)},
                                        policy);
                                    // ISO dates compare as text; an empty one is the earliest.
                                    const bool lawful = consented && applied >= "2026-04-01";
                                    const bool on_new_form =
                                        form == Form::new_form ||
                                        (form == Form::unknown && !new_form.empty() && applied >= new_form);
                                    const bool stands = withdrawn < applied;
                                    const bool linked = before || go_live.empty() || applied >= go_live;
                                    ++combinations;
                                    granted += is_granted(reason) ? 1 : 0;
                                    CHECK(is_granted(reason) == (lawful && on_new_form && stands && linked));
                                    if (is_granted(reason))
                                        CHECK((reason == ConsentReason::granted_ended) ==
                                              (valid_to == "2026-11-30"));
                                }
    CHECK(combinations == 7 * 2 * 3 * 4 * 3 * 2 * 2 * 3);
    CHECK(granted > 100);
}

TEST_CASE("why a consent is none is told by the first condition that fails") {
    const ConsentPolicy policy;
    const auto reason = [&](const char* applied, bool consented, Form form, const char* withdrawn = "") {
        return on_application({day(applied), consented, form, day(withdrawn), {}}, policy);
    };
    CHECK(reason("2026-04-01", true, Form::new_form) == ConsentReason::granted);
    CHECK(reason("2026-04-01", false, Form::new_form) == ConsentReason::not_consented);
    CHECK(reason("2026-03-31", true, Form::new_form) == ConsentReason::old_consent);
    CHECK(reason("2026-04-01", true, Form::old_form) == ConsentReason::old_form);
    CHECK(reason("2026-04-01", true, Form::unknown) == ConsentReason::form_unknown);
    CHECK(reason("", true, Form::new_form) == ConsentReason::no_application_date);
    const ConsentPolicy apart{day("2026-11-01"), false, {}, {}};
    CHECK(on_application({day("2026-05-01"), true, Form::new_form, {}, {}}, apart) ==
          ConsentReason::before_go_live);
}

TEST_CASE(
    "a withdrawal stands against every application up to its day, and a later application consents again") {
    const ConsentPolicy policy;
    const auto reason = [&](const char* applied, const char* withdrawn) {
        return on_application({day(applied), true, Form::new_form, day(withdrawn), {}}, policy);
    };
    CHECK(reason("2026-04-01", "2026-05-01") == ConsentReason::withdrawn);
    CHECK(reason("2026-05-01", "2026-05-01") == ConsentReason::withdrawn);
    CHECK(reason("2026-05-02", "2026-05-01") == ConsentReason::granted);
    CHECK(consent_on_application({day("2026-04-01"), true, Form::new_form, day("2026-05-01"), {}}, policy)
              .day == day("2026-05-01"));
}

TEST_CASE("outside an application the day of the act decides, whatever the application's") {
    for (const std::string acted : {"2025-06-01", "2026-03-31", "2026-04-01", "2026-10-31", "2026-11-01"})
        for (const std::string go_live : {"", "2026-11-01"})
            for (const bool before : {true, false}) {
                const ConsentPolicy policy{day(go_live), before, {}, {}};
                const auto reason = [&](ConsentAct act) {
                    return consent_outside_application(act, *day(acted), policy).reason;
                };
                const bool linked = before || go_live.empty() || acted >= go_live;
                CHECK(is_granted(reason(ConsentAct::granted)) == (acted >= "2026-04-01" && linked));
                CHECK(reason(ConsentAct::refused) == ConsentReason::act_refused);
                CHECK(reason(ConsentAct::withdrawn) == ConsentReason::act_withdrawn);
            }
}

TEST_CASE("a verdict comes back from the ledger's number as it went in") {
    for (const auto& [reason, name] : kConsentReasonNames)
        for (const char* text : {"", "2026-04-01", "1969-12-31", "0001-01-01", "9999-12-31"}) {
            const ConsentVerdict verdict{reason, day(text)};
            CHECK(ConsentVerdict::unpack(verdict.packed()) == verdict);
        }
    CHECK_FALSE(ConsentVerdict::unpack(0));
    CHECK_FALSE(ConsentVerdict::unpack(200));
}

TEST_CASE("a withdrawal that was told is ended by a later consent alone") {
    using R = ConsentReason;
    const auto day = [](unsigned d) { return *Date::from(2026, 10, d); };
    const ConsentVerdict granted{R::granted, day(5)};
    // Of the record itself, or of the person's other records.
    for (const auto& [told, withdrawal] : {std::pair<std::optional<ConsentVerdict>, std::optional<Date>>{
                                               ConsentVerdict{R::withdrawn, day(5)}, {}},
                                           {ConsentVerdict{R::act_withdrawn, day(9)}, {}},
                                           {ConsentVerdict{R::not_consented, day(5)}, day(5)},
                                           {std::nullopt, day(7)},
                                           {ConsentVerdict{R::withdrawn, std::nullopt}, {}}}) {
        CHECK(grants_withdrawn(granted, told, withdrawal));
        CHECK_FALSE(grants_withdrawn({R::not_consented, day(5)}, told, withdrawal));
        CHECK_FALSE(grants_withdrawn({R::withdrawn, day(5)}, told, withdrawal));
    }
    CHECK_FALSE(grants_withdrawn(granted, ConsentVerdict{R::withdrawn, day(4)}, std::nullopt));
    CHECK_FALSE(grants_withdrawn(granted, std::nullopt, day(4)));
    CHECK_FALSE(grants_withdrawn(granted, ConsentVerdict{R::granted, day(5)}, day(9)));  // told already
    CHECK_FALSE(grants_withdrawn(granted, std::nullopt, std::nullopt));
    // The latest of both counts.
    CHECK(grants_withdrawn(granted, ConsentVerdict{R::withdrawn, day(1)}, day(6)));
    CHECK(grants_withdrawn(granted, ConsentVerdict{R::withdrawn, day(6)}, day(1)));
}

TEST_CASE("a withdrawal that was told stays known while the source has forgotten it") {
    using R = ConsentReason;
    const ConsentVerdict withdrawn{R::withdrawn, *Date::from(2026, 10, 5)};
    const ConsentVerdict nothing{R::not_consented, *Date::from(2026, 10, 1)};
    const ConsentVerdict granted{R::granted, *Date::from(2026, 11, 1)};
    CHECK(remembered(nothing, withdrawn) == withdrawn);
    CHECK(remembered(granted, withdrawn) == granted);
    CHECK(remembered(nothing, granted) == nothing);
    CHECK(remembered(nothing, std::nullopt) == nothing);
    const ConsentVerdict later{R::withdrawn, *Date::from(2026, 10, 9)};
    CHECK(remembered(later, withdrawn) == later);
}
