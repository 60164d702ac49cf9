#include "ledger/sql/writes.h"

namespace kaigo::ledger {

using namespace sql;

Ledger::Erased Ledger::erase_past(Instant history_before, Instant polls_before) {
    Transaction transaction(*session_);
    Erased out;
    const auto gone = [&](Text sql, Instant before) {
        session_->run(sql, before);
        return static_cast<std::int64_t>(session_->changes());
    };
    for (const Text sql :
         {Text("DELETE FROM record_history WHERE at < ?1"),
          Text("DELETE FROM batch_history WHERE at < ?1 AND batch IN (SELECT id FROM batch "
               "WHERE state >= {batch:settled})"),
          Text("DELETE FROM pmh_case_history WHERE pmh_case IN (SELECT id FROM pmh_case "
               "WHERE closed_at < ?1)"),
          Text("DELETE FROM pmh_case WHERE closed_at < ?1"), Text("DELETE FROM alarm WHERE at < ?1")})
        out.history += gone(sql, history_before);
    // The account of a comparison that sent or deleted something stays: records point at it.
    for (const Text sql :
         {Text("DELETE FROM run_count WHERE run IN (SELECT id FROM run WHERE ended_at < ?1)"),
          Text("DELETE FROM comparison WHERE closed = 1 AND created + changed + gone = 0 "
               "AND run IN (SELECT id FROM run WHERE ended_at < ?1)")})
        out.history += gone(sql, history_before);
    out.runs += gone(
        "DELETE FROM run WHERE ended_at < ?1 AND NOT EXISTS (SELECT 1 FROM comparison c "
        "WHERE c.run = run.id) AND NOT EXISTS (SELECT 1 FROM certificate c WHERE c.run = run.id)",
        history_before);
    out.runs += gone(
        "DELETE FROM run WHERE ended_at < ?1 AND job IN ({job:collect-results}, {job:retry-due}) "
        "AND exit_status = 0 AND NOT EXISTS (SELECT 1 FROM comparison c WHERE c.run = run.id) "
        "AND id NOT IN (SELECT max(id) FROM run GROUP BY job, insurer)",
        polls_before);
    transaction.commit();
    return out;
}

}  // namespace kaigo::ledger
