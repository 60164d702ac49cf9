#include "jobs/books.h"

#include "audit/audit_log.h"
#include "jobs/gateway.h"

namespace kaigo::jobs {

Result<std::shared_ptr<Books>> Books::open(const config::Config& config, const Keys& keys, Instant now) {
    KAIGO_TRY(auto ledger, ledger::Ledger::open(config.ledger, now));
    KAIGO_TRY(auto spool, spool::Spool::open(config.spool, keys));
    KAIGO_CHECK(spool.tidy(ledger->open_request_ids()));
    return std::shared_ptr<Books>(new Books(std::move(ledger), std::move(spool), config.audit));
}

Status Books::audit(Instant at, const std::string& event, const std::string& actor,
                    const std::map<std::string, std::string>& details) {
    const std::lock_guard lock(audit_mutex_);
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
