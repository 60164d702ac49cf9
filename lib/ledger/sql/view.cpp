#include "ledger/view.h"

#include "base/i18n.h"
#include "ledger/sql/codec.h"

namespace kaigo::ledger {

using namespace sql;

LedgerView::LedgerView(std::unique_ptr<Session> session) : session_(std::move(session)) {}
LedgerView::LedgerView(LedgerView&&) noexcept = default;
LedgerView& LedgerView::operator=(LedgerView&&) noexcept = default;
LedgerView::~LedgerView() = default;

std::string LedgerView::meta(const std::string& name) {
    auto rows = session_->prepare("SELECT value FROM meta WHERE name = ?1", name);
    return rows.step() ? text_of(rows, 0) : std::string();
}

std::vector<std::string> LedgerView::contradictions() {
    std::vector<std::string> out;
    const auto count = [&](Text sql, const char* what) {
        const std::int64_t found = session_->integer(sql);
        if (found > 0) out.push_back(tr(what, found));
    };
    count(
        "SELECT count(*) FROM record r WHERE state = {record:sending} AND NOT EXISTS (SELECT 1 "
        "FROM batch b WHERE b.id = r.batch AND b.state < {batch:settled})",
        N_("{} records are in flight without a request"));
    count(
        "SELECT count(*) FROM batch b WHERE state < {batch:settled} AND NOT EXISTS (SELECT 1 "
        "FROM batch_members m WHERE m.batch = b.id)",
        N_("{} requests under way have no members"));
    count(
        "SELECT count(*) FROM record r WHERE (flags & {flag:in_case}) != 0 AND NOT EXISTS (SELECT 1 "
        "FROM pmh_case c WHERE c.insurer = r.insurer AND c.kind = r.kind AND c.key = r.key "
        "AND c.closed_at IS NULL)",
        N_("{} records belong to a case that is not open"));
    count("SELECT count(*) FROM comparison WHERE closed = 0", N_("the sums of {} comparisons do not close"));
    return out;
}

}  // namespace kaigo::ledger
