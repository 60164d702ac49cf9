#include "jobs/sync/tasks.h"

#include <algorithm>

#include "base/i18n.h"
#include "jobs/words/case_words.h"
#include "jobs/words/words.h"

namespace kaigo::jobs {

using registration::CaseState;

namespace {

std::string attention_in_words(const spec::Specification& specification, ledger::LedgerView& view,
                               const ledger::AttentionRow& row) {
    namespace code = ledger::attention;
    const std::string where = row.insurer + " " + kind_in_words(specification, row.kind);
    const std::string& what = row.attention.detail;
    const auto run_again = [&](const char* option) {
        const bool set_up = std::ranges::any_of(view.setups(), [&](const ledger::SetupRow& setup) {
            return setup.insurer == row.insurer && setup.completed;
        });
        return tr(
            "{}: held, nothing is sent: {}. Find out why; if that is right: kaigo-gateway run {} --insurer "
            "{} {}",
            where, what, set_up ? "daily-sync" : "initial-setup", row.insurer, option);
    };
    if (row.attention.code == code::kHeldDrop) return run_again("--accept-drop");
    if (row.attention.code == code::kHeldChange) return run_again("--accept-change");
    if (row.attention.code == code::kHeldResend) return run_again("--accept-resend");
    if (row.attention.code == code::kDeletionsWithheld)
        return tr("{}: {}. Correct these keys in the core system (kaigo-gateway validate-mapping)", where,
                  what);
    if (row.attention.code == code::kOrphans)
        return tr("{}: {}. Their content is not sent: write keys and conditions of both queries the same way",
                  where, what);
    return where + ": " + what;
}

void cases(std::vector<Task>& out, ledger::LedgerView& view, const std::string& insurer) {
    std::int64_t waiting = 0;
    std::int64_t numbers = 0;
    std::int64_t hindered = 0;
    for (const ledger::CaseRow& row : view.cases({insurer, std::nullopt, "", std::nullopt})) {
        if (waits_for_person(row.pmh_case.state)) ++waiting;
        if (row.pmh_case.state == CaseState::awaiting_new_mynumber) ++numbers;
        if (!row.pmh_case.hindrance.empty()) ++hindered;
    }
    if (waiting > 0)
        out.push_back(
            {tr("{} PMH key cases wait for an answer: kaigo-gateway cases list, or cases export", waiting),
             ""});
    if (numbers > 0)
        out.push_back(
            {tr("{} persons' マイナンバー is wrong: enter the right one in the core system", numbers), ""});
    if (hindered > 0)
        out.push_back(
            {tr("{} PMH key cases cannot go on: correct their rows in the core system (kaigo-gateway cases "
                "list)",
                hindered),
             ""});
}

void held_records(std::vector<Task>& out, const spec::Specification& specification, ledger::LedgerView& view,
                  const std::string& insurer) {
    std::int64_t in_source = 0;
    std::int64_t withdrawn = 0;
    std::int64_t others = 0;
    for (const ledger::StandingCount& each : view.standing_now()) {
        if (each.state != "rejected" || (!insurer.empty() && each.insurer != insurer)) continue;
        const bool mend = each.reason.starts_with(registration::reason::kValidation) ||
                          each.reason == registration::reason::kDuplicateKey ||
                          specification.record_error(each.reason).error_class == ErrorClass::data_error;
        (mend                                                    ? in_source
         : each.reason == registration::reason::kWithdrawnBefore ? withdrawn
                                                                 : others) += each.records;
    }
    if (withdrawn > 0)
        out.push_back(
            {tr("{} consents that were withdrawn would be granted again: find out why the source has "
                "forgotten the withdrawal (kaigo-gateway held list --reason withdrawn-before)",
                withdrawn),
             ""});
    if (in_source > 0)
        out.push_back(
            {tr("{} records cannot be used as they stand: correct them in the core system (kaigo-gateway "
                "held list)",
                in_source),
             ""});
    if (others > 0)
        out.push_back({tr("{} records are held: see them with: kaigo-gateway held list", others), ""});
}

}  // namespace

std::vector<Task> tasks_of(const spec::Specification& specification, ledger::LedgerView& view,
                           const std::string& insurer) {
    std::vector<Task> out;
    const auto meant = [&](const std::string& whose) { return insurer.empty() || whose == insurer; };
    for (const ledger::AttentionRow& row : view.attention())
        if (meant(row.insurer))
            out.push_back({attention_in_words(specification, view, row), row.insurer, true});
    for (const ledger::StateCount& each : view.stuck_deletions())
        if (meant(each.insurer))
            out.push_back(
                {tr("{}: {} persons left the source, but records that depend on them are still there, and so "
                    "nothing is deleted: correct that in the core system",
                    each.insurer, each.count),
                 each.insurer, true});
    for (const ledger::StateCount& each : view.without_person())
        if (meant(each.insurer))
            out.push_back({tr("{} {}: {} records wait for persons whom the source does not have: correct "
                              "that in the core system",
                              each.insurer, kind_in_words(specification, each.kind), each.count),
                           each.insurer, true});
    cases(out, view, insurer);
    held_records(out, specification, view, insurer);
    std::size_t without = 0;
    for (const auto& each : view.without_number())
        if (meant(each.insurer)) without += each.keys.size();
    if (without > 0)
        out.push_back(
            {tr("{} persons have no マイナンバー: enter it in the core system, or ask their municipality",
                without),
             ""});
    return out;
}

}  // namespace kaigo::jobs
