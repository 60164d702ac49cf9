#include "ledger/sql/codec.h"
#include "ledger/view.h"

namespace kaigo::ledger {

using namespace sql;

std::optional<std::int64_t> LedgerView::oldest_waiting() {
    auto rows = session_->prepare("SELECT min(created_at) FROM batch WHERE state < {batch:settled}");
    rows.step();
    return integer_or_null(rows, 0);
}

std::vector<LedgerView::Waiting> LedgerView::waiting_by_insurer() {
    auto rows = session_->prepare(
        "SELECT i.number, (SELECT min(created_at) FROM batch WHERE insurer = i.id "
        "AND state < {batch:settled}), (SELECT min(opened_at) FROM pmh_case WHERE insurer = i.id "
        "AND closed_at IS NULL), (SELECT coalesce(sum(attempts), 0) FROM batch WHERE insurer = i.id "
        "AND state < {batch:settled}) + (SELECT coalesce(sum(attempts), 0) FROM record "
        "WHERE insurer = i.id AND state = {record:pending}) FROM insurer i ORDER BY i.number");
    std::vector<Waiting> out;
    while (rows.step())
        out.push_back(
            {text_of(rows, 0), integer_or_null(rows, 1), integer_or_null(rows, 2), rows.integer(3)});
    return out;
}

ReceptionCounts LedgerView::receptions(InsurerId insurer, KindId kind) {
    auto rows = session_->prepare(
        "SELECT state, count(*), sum(member_count) FROM batch WHERE insurer = ?1 AND kind = ?2 "
        "GROUP BY state",
        insurer, kind);
    ReceptionCounts out;
    while (rows.step()) {
        switch (static_cast<BatchState>(rows.integer(0))) {
            case BatchState::settled:
                out.settled = rows.integer(1);
                out.settled_records = rows.integer(2);
                break;
            case BatchState::refused:
            case BatchState::dissolved:
                out.refused += rows.integer(1);
                break;
            default:
                out.open += rows.integer(1);
        }
    }
    return out;
}

std::vector<BatchId> LedgerView::unconfirming(InsurerId insurer, KindId kind) {
    // A settled batch has a reception number. Any other batch that a registered record names does not confirm
    // the record.
    auto rows = session_->prepare(
        "SELECT id FROM batch WHERE insurer = ?1 AND kind = ?2 AND (state <> {batch:settled} "
        "OR reception_number IS NULL)",
        insurer, kind);
    std::vector<BatchId> out;
    while (rows.step()) out.push_back(rows.integer(0));
    return out;
}

}  // namespace kaigo::ledger
