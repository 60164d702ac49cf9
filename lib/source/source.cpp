#include "source/source.h"

#include "base/i18n.h"
#include "source/sqlite_source.h"

namespace kaigo::source {

Result<std::unique_ptr<Source>> open_source(const std::string& driver, const std::string& database) {
    if (driver == "sqlite") return open_sqlite_source(database);
    return fail(ErrorCode::bad_configuration, tr("this program has no driver \"{}\"", driver))
        .remedy(tr("drivers of this version: sqlite"));
}

Result<std::unique_ptr<Snapshot>> Source::snapshot() {
    KAIGO_TRY(auto all, snapshots(1));
    return std::move(all.front());
}

}  // namespace kaigo::source
