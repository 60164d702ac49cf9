// held resend: rejected records go out again on an operator's word.

#include <boost/json.hpp>
#include <ostream>

#include "base/i18n.h"
#include "jobs/books.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"

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
                                      {"reason", options.reason},
                                      {"records", std::to_string(here)}}));
        count += here;
    }
    return count;
}

}  // namespace

int held_resend(const config::Config& config, World& world, const HeldOptions& options) {
    const auto count = resend(config, world, options);
    if (!count) return refuse(world, count.error());
    if (options.json)
        write_json(world.out, boost::json::object{{"resent", *count}});
    else
        world.out << tr("{} records are owed again; retry-due or the next daily-sync sends them", *count)
                  << '\n';
    return 0;
}

}  // namespace kaigo::jobs
