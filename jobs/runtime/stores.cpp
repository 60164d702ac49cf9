#include "jobs/runtime/stores.h"

#include <algorithm>

#include "audit/audit_log.h"
#include "jobs/runtime/ledger_store.h"

namespace kaigo::jobs {

namespace {

/// If the audit log goes on after the last line that the ledger knows, the ledger was restored from a backup.
/// (Or the process ended between the two writes; one listing too many does no harm.)
bool was_put_back(const std::filesystem::path& audit, const std::string& head) {
    std::error_code missing;
    if (!std::filesystem::exists(audit, missing)) return false;
    const auto log = audit::verify(audit, head);
    // Reporting a broken chain is up to audit verify; here it is a reason to ask the platform.
    return !log || std::ranges::any_of(log->events_after, [](const std::string& event) {
        // validate-mapping writes its line without the ledger.
        return event != "validate-mapping";
    });
}

}  // namespace

Result<std::shared_ptr<Stores>> Stores::open(const config::Config& config, const Keys& keys, Instant now) {
    KAIGO_TRY(auto ledger, ledger_store(config).open(now));
    KAIGO_TRY(auto spool, spool::Spool::open(config.spool, keys));
    KAIGO_CHECK(spool.tidy(ledger->open_request_ids()));
    if (was_put_back(config.audit, ledger->meta("audit-head").value_or("")))
        for (const config::Insurer& insurer : config.insurers)
            ledger->set_meta(look_first_mark(insurer.number.value()), "yes");
    return std::shared_ptr<Stores>(new Stores(std::move(ledger), std::move(spool), config.audit));
}

Status Stores::audit(Instant at, const std::string& event, const std::string& actor,
                     const std::map<std::string, std::string>& details) {
    const auto alone = ledger_.lock();
    // Not held open: a command beside the daemon tells its use of マイナンバー there too.
    KAIGO_TRY(auto log, audit::AuditLog::open(audit_, kAuditPatience));
    KAIGO_CHECK(log.append(at, event, actor, details));
    ledger_->set_meta("audit-head", log.head());
    return {};
}

Result<std::shared_ptr<Stores>> open_stores(const config::Config& config, const Environment& environment) {
    if (environment.stores) return environment.stores;
    KAIGO_TRY(const Keys keys, Keys::load(config.spool_key));
    return Stores::open(config, keys, environment.clock.now());
}

}  // namespace kaigo::jobs
