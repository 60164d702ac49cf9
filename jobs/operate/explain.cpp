#include "jobs/operate/explain.h"

#include <algorithm>

#include "jobs/sync/tasks.h"

namespace kaigo::jobs {

Explanation explain(const spec::Specification& specification, ledger::LedgerView& view,
                    const std::string& insurer, const InsuredNumber& insured) {
    Explanation out{insured.value(), view.records_of(insurer, insured.value()), {}};
    // What waits for a whole kind keeps this person's records back too.
    for (Task& task : tasks_of(specification, view))
        if (task.withheld && std::ranges::any_of(out.records, [&](const ledger::RecordRow& record) {
                return record.insurer == task.insurer;
            }))
            out.withheld.push_back(std::move(task.text));
    return out;
}

}  // namespace kaigo::jobs
