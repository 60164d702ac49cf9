// held resend: rejected records go out again on an operator's word.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <limits>
#include <ostream>

#include "base/i18n.h"
#include "jobs/books.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"
#include "jobs/looking.h"
#include "jobs/words.h"
#include "ledger/view.h"
#include "spec/record.h"

namespace kaigo::jobs {
namespace {

Result<std::int64_t> resend(const config::Config& config, World& world, const HeldOptions& options) {
    KAIGO_TRY(const auto books, open_books(config, world));
    ledger::SharedLedger& ledger = books->ledger();
    std::int64_t count = 0;
    for (const config::Insurer& insurer : config.insurers) {
        if (!options.insurer.empty() && insurer.number.value() != options.insurer) continue;
        std::optional<ledger::KindId> kind;
        if (!options.kind.empty()) kind = ledger->kind(options.kind);
        const std::int64_t here =
            ledger->resend_held(ledger->insurer(insurer.number.value()), kind, options.insured,
                                options.reason, world.actor, world.clock.now());
        if (here > 0)
            KAIGO_CHECK(books->audit(world.clock.now(), "held-resend", world.actor,
                                     {{"insurer", insurer.number.value()},
                                      {"kind", options.kind},
                                      {"insured", options.insured},
                                      {"reason", options.reason},
                                      {"records", std::to_string(here)}}));
        count += here;
    }
    return count;
}

/// Consents that would be released, named: whoever gives the word sees of whom.
Result<std::vector<std::string>> released(const config::Config& config, const HeldOptions& options) {
    std::vector<std::string> out;
    if (options.reason != registration::reason::kWithdrawnBefore) return out;
    KAIGO_TRY(const auto specification, load_specification(config));
    KAIGO_TRY(auto view, ledger::LedgerView::open(config.ledger));
    for (const auto& record : view.held({options.insurer, options.kind, options.insured, options.reason},
                                        std::numeric_limits<int>::max())) {
        const spec::RecordKind* kind = specification->kind(record.kind);
        out.push_back(fmt::format("{} {} {}", record.insurer, kind_in_words(*specification, record.kind),
                                  kind == nullptr ? std::string(spec::insured_number_of(record.key))
                                                  : spec::describe_key(*kind, record.key)));
    }
    return out;
}

/// What will become of them: most held records cannot be mended by sending them again.
Status may_resend(const config::Config& config, World& world, const HeldOptions& options) {
    namespace reason = registration::reason;
    if (options.reason == reason::kWithdrawnBefore && options.insured.empty())
        return fail(ErrorCode::usage, tr("a withdrawn consent is released person by person: add --insured"));
    const bool filtered = !options.insured.empty() || !options.kind.empty() || !options.reason.empty();
    if (filtered || options.yes) return {};
    KAIGO_TRY(auto view, ledger::LedgerView::open(config.ledger));
    std::int64_t all = 0;
    std::int64_t same = 0;
    std::int64_t withdrawn = 0;
    for (const auto& record : view.held({options.insurer, "", "", ""}, std::numeric_limits<int>::max())) {
        ++all;
        if (record.reason == reason::kWithdrawnBefore)
            ++withdrawn;
        else if (record.reason.starts_with(reason::kValidation) || record.reason == reason::kDuplicateKey)
            ++same;
    }
    const std::string question =
        tr("Send {} held records again? {} of them stay held until their rows are corrected in the core "
           "system; {} "
           "withdrawn consents are not among those that go. (yes/no)",
           all - withdrawn, same, withdrawn);
    if (!world.terminal)
        return fail(ErrorCode::needs_person, question)
            .remedy(tr("answer it with --yes, or name what is meant: --insured, --record, --reason"));
    world.err << question << ' ' << std::flush;
    if (world.ask() != "yes") return fail(ErrorCode::needs_person, tr("not begun"));
    return {};
}

}  // namespace

int held_resend(const config::Config& config, World& world, const HeldOptions& options) {
    if (const auto sure = may_resend(config, world, options); !sure) return refuse(world, sure.error());
    const auto named = released(config, options);
    if (!named) return refuse(world, named.error());
    const auto count = resend(config, world, options);
    if (!count) return refuse(world, count.error());
    if (options.format == "json") {
        boost::json::object out{{"resent", *count}};
        if (!named->empty()) out["released"] = boost::json::array(named->begin(), named->end());
        write_json(world.out, out);
        return 0;
    }
    for (const std::string& each : *named) world.out << tr("released: {}", each) << '\n';
    world.out << tr("{} records are owed again; retry-due or the next daily-sync sends them", *count) << '\n';
    return 0;
}

}  // namespace kaigo::jobs
