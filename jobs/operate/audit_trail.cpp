#include "jobs/operate/audit_trail.h"

#include "base/i18n.h"
#include "jobs/runtime/ledger_store.h"

namespace kaigo::jobs {

Result<audit::Verification> verify_audit_trail(const config::Config& config) {
    // The ledger keeps the last hash it knows: a log whose tail was cut off is whole, but too short.
    std::string anchor;
    if (auto view = ledger_store(config).view()) anchor = view->meta("audit-head");
    KAIGO_TRY(audit::Verification found, audit::verify(config.audit, anchor));
    if (!anchor.empty() && !found.anchor_seen)
        return fail(ErrorCode::bad_data,
                    tr("the audit log does not reach the line that the ledger remembers: lines are missing"))
            .at(config.audit.string())
            .remedy(
                tr("keep the file as it is and report it to the person in charge of information security"));
    return found;
}

}  // namespace kaigo::jobs
