#include "jobs/commands/arguments.h"

#include "base/i18n.h"
#include "base/units.h"

namespace kaigo::jobs {

Status Arguments::check(const config::Config& configuration) {
    for (const std::string* number : {&run.insurer, &insurer, &cases.selection.insurer, &decide.name.insurer})
        if (!number->empty() && configuration.insurer(*number) == nullptr)
            return fail(ErrorCode::usage, tr("insurer {} is not in the configuration", *number));
    for (const std::string* day : {&run.base_date, &report_day})
        if (!day->empty() && !Date::parse_iso(*day))
            return fail(ErrorCode::usage, tr("a date is written YYYY-MM-DD"));
    if (!run.base_date.empty() && run.job != JobName::initial_setup)
        return fail(ErrorCode::usage, tr("only initial-setup takes --base-date"));
    const auto duration = [](const std::string& text, std::optional<Duration>& out) -> Status {
        if (!text.empty()) out = parse_duration(text);
        if (!text.empty() && !out)
            return fail(ErrorCode::usage, tr("a duration is an integer and ms, s, m, h or d"));
        return {};
    };
    KAIGO_CHECK(duration(wait, run.wait));
    KAIGO_CHECK(duration(older_than, cases.selection.older_than));
    if (!case_state.empty()) {
        cases.selection.state = value_of(registration::kCaseStateNames, case_state);
        if (!cases.selection.state)
            return fail(ErrorCode::usage, tr("there is no step \"{}\" of a case", case_state));
    }
    report.day = Date::parse_iso(report_day);
    run.json = cases.json = json();
    return {};
}

}  // namespace kaigo::jobs
