#include "registration/consent.h"

#include <catch2/catch.hpp>

using namespace kaigo;
using namespace kaigo::registration;
using Form = ApplicationConsent::Form;

namespace {
std::optional<Date> day(const char* text) { return Date::parse_iso(text); }
}  // namespace

TEST_CASE("consent on an application needs the date, the consent and the new form") {
    const ConsentPolicy policy;
    const auto sent = [&](const char* applied, bool consented, Form form, const char* withdrawn = "") {
        return consent_on_application({day(applied), consented, form, day(withdrawn)}, policy);
    };
    CHECK(sent("2026-04-01", true, Form::new_form));
    CHECK_FALSE(sent("2026-03-31", true, Form::new_form));
    CHECK_FALSE(sent("2026-04-01", false, Form::new_form));
    CHECK_FALSE(sent("2026-04-01", true, Form::old_form));
    CHECK_FALSE(sent("2026-04-01", true, Form::unknown));
    // What was withdrawn is never granted again by sending the certification again.
    CHECK_FALSE(sent("2026-04-01", true, Form::new_form, "2026-05-01"));
    CHECK_FALSE(sent("2026-04-01", true, Form::new_form, "2026-04-01"));
    CHECK(sent("2026-06-01", true, Form::new_form, "2026-05-01"));
}

TEST_CASE("where the source cannot tell the form, the setting does") {
    const ConsentPolicy policy{std::nullopt, true, day("2026-05-01")};
    CHECK(consent_on_application({day("2026-05-01"), true, Form::unknown, {}}, policy));
    CHECK_FALSE(consent_on_application({day("2026-04-30"), true, Form::unknown, {}}, policy));
    CHECK_FALSE(consent_on_application({day("2026-05-01"), true, Form::old_form, {}}, policy));
}

TEST_CASE("consent before go-live is linked unless the setting says no") {
    const ConsentPolicy linked{day("2026-11-01"), true, {}};
    const ConsentPolicy apart{day("2026-11-01"), false, {}};
    CHECK(consent_on_application({day("2026-05-01"), true, Form::new_form, {}}, linked));
    CHECK_FALSE(consent_on_application({day("2026-05-01"), true, Form::new_form, {}}, apart));
    CHECK(consent_on_application({day("2026-11-01"), true, Form::new_form, {}}, apart));
    CHECK(consent_outside_application(ConsentAct::granted, *day("2026-05-01"), apart) == ConsentAct::refused);
}

TEST_CASE("outside an application the day of the act decides") {
    const ConsentPolicy policy;
    CHECK(consent_outside_application(ConsentAct::granted, *day("2026-04-01"), policy) ==
          ConsentAct::granted);
    CHECK(consent_outside_application(ConsentAct::granted, *day("2025-06-01"), policy) ==
          ConsentAct::refused);
    CHECK(consent_outside_application(ConsentAct::withdrawn, *day("2025-06-01"), policy) ==
          ConsentAct::withdrawn);
    CHECK(consent_outside_application(ConsentAct::refused, *day("2026-06-01"), policy) ==
          ConsentAct::refused);
}
