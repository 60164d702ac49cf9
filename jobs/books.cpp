#include "jobs/books.h"

#include "audit/audit_log.h"
#include "jobs/gateway.h"

namespace kaigo::jobs {

Result<std::shared_ptr<Books>> Books::open(const config::Config& config, const Keys& keys, Instant now) {
    KAIGO_TRY(auto ledger, ledger::Ledger::open(config.ledger, now));
    KAIGO_TRY(auto spool, spool::Spool::open(config.spool, keys));
    KAIGO_CHECK(spool.tidy(ledger->open_request_ids()));
    // An audit log that goes on behind the ledger's last line: the ledger was put back from a backup (or only
    // one line was lost with a process, and a listing too many does no harm).
    if (std::error_code missing; std::filesystem::exists(config.audit, missing)) {
        KAIGO_TRY(const auto log, audit::AuditLog::open(config.audit, kAuditPatience));
        if (log.head() != ledger->meta("audit-head").value_or(""))
            for (const config::Insurer& insurer : config.insurers)
                ledger->set_meta(look_first_mark(insurer.number.value()), "yes");
    }
    return std::shared_ptr<Books>(new Books(std::move(ledger), std::move(spool), config.audit));
}

Status Books::audit(Instant at, const std::string& event, const std::string& actor,
                    const std::map<std::string, std::string>& details) {
    const auto alone = ledger_.hold();
    // Not held open: a command beside the daemon tells its use of マイナンバー there too.
    KAIGO_TRY(auto log, audit::AuditLog::open(audit_, kAuditPatience));
    KAIGO_CHECK(log.append(at, event, actor, details));
    ledger_->set_meta("audit-head", log.head());
    return {};
}

Result<std::shared_ptr<Books>> open_books(const config::Config& config, const World& world) {
    if (world.books) return world.books;
    KAIGO_TRY(const Keys keys, Keys::load(config.spool_key));
    return Books::open(config, keys, world.clock.now());
}

}  // namespace kaigo::jobs
