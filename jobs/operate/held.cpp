#include "jobs/operate/held.h"

#include <fmt/format.h>

#include <limits>

#include "base/i18n.h"
#include "jobs/operate/open_records.h"
#include "jobs/runtime/ledger_store.h"
#include "jobs/runtime/stores.h"
#include "jobs/sync/tasks.h"
#include "jobs/words/words.h"
#include "spec/record.h"

namespace kaigo::jobs {
namespace {

constexpr int kMostHeld = 1'000'000;

Result<std::int64_t> resend(const config::Config& config, Environment& environment,
                            const HeldSelection& selection) {
    KAIGO_TRY(const auto stores, open_stores(config, environment));
    ledger::SharedLedger& ledger = stores->ledger();
    std::int64_t count = 0;
    for (const config::Insurer& insurer : config.insurers) {
        if (!selection.insurer.empty() && insurer.number.value() != selection.insurer) continue;
        std::optional<ledger::KindId> kind;
        if (!selection.kind.empty()) kind = ledger->ensure_kind(selection.kind);
        const std::int64_t here =
            ledger->resend_held(ledger->ensure_insurer(insurer.number.value()), kind, selection.insured,
                                selection.reason, environment.actor, environment.clock.now());
        if (here > 0)
            KAIGO_CHECK(stores->audit(environment.clock.now(), "held-resend", environment.actor,
                                      {{"insurer", insurer.number.value()},
                                       {"kind", selection.kind},
                                       {"insured", selection.insured},
                                       {"reason", selection.reason},
                                       {"records", std::to_string(here)}}));
        count += here;
    }
    return count;
}

/// Names the consents that would be released, so that whoever releases them sees whose they are.
Result<std::vector<std::string>> released(const config::Config& config, const HeldSelection& selection) {
    std::vector<std::string> out;
    if (selection.reason != registration::reason::kWithdrawnBefore) return out;
    KAIGO_TRY(const auto specification, load_specification(config));
    KAIGO_TRY(auto view, ledger_store(config).view());
    for (const auto& record :
         view.held({selection.insurer, selection.kind, selection.insured, selection.reason},
                   std::numeric_limits<int>::max())) {
        const spec::RecordKind* kind = specification->kind(record.kind);
        out.push_back(fmt::format("{} {} {}", record.insurer, kind_in_words(*specification, record.kind),
                                  kind == nullptr ? std::string(spec::insured_number_of(record.key))
                                                  : spec::describe_key(*kind, record.key)));
    }
    return out;
}

}  // namespace

Result<std::string> question_before_resend(const config::Config& config, const HeldSelection& selection) {
    namespace reason = registration::reason;
    if (selection.reason == reason::kWithdrawnBefore && selection.insured.empty())
        return fail(ErrorCode::usage, tr("a withdrawn consent is released person by person: add --insured"));
    const bool filtered = !selection.insured.empty() || !selection.kind.empty() || !selection.reason.empty();
    if (filtered) return std::string();
    KAIGO_TRY(auto view, ledger_store(config).view());
    std::int64_t all = 0;
    std::int64_t same = 0;
    std::int64_t withdrawn = 0;
    for (const auto& record : view.held({selection.insurer, "", "", ""}, std::numeric_limits<int>::max())) {
        ++all;
        if (record.reason == reason::kWithdrawnBefore)
            ++withdrawn;
        else if (record.reason.starts_with(reason::kValidation) || record.reason == reason::kDuplicateKey)
            ++same;
    }
    return tr(
        "Send {} held records again? {} of them stay held until their rows are corrected in the core "
        "system; {} "
        "withdrawn consents are not among those that go. (yes/no)",
        all - withdrawn, same, withdrawn);
}

Result<Resent> resend_held(const config::Config& config, Environment& environment,
                           const HeldSelection& selection) {
    Resent out;
    KAIGO_TRY(out.released, released(config, selection));
    KAIGO_TRY(out.records, resend(config, environment, selection));
    return out;
}

Result<HeldRecords> held_records(const spec::Specification& specification, ledger::LedgerView& view,
                                 const HeldSelection& selection) {
    if (!selection.kind.empty() && specification.kind(selection.kind) == nullptr)
        return fail(ErrorCode::usage, tr("the specification has no record kind \"{}\"", selection.kind));
    HeldRecords out;
    out.records =
        view.held({selection.insurer, selection.kind, selection.insured, selection.reason}, kMostHeld);
    for (Task& task : tasks_of(specification, view))
        if (task.withheld) out.withheld.push_back(std::move(task.text));
    return out;
}

}  // namespace kaigo::jobs
