
#include "base/i18n.h"
#include "jobs/commands/commands.h"
#include "jobs/operate/open_records.h"
#include "jobs/present/progress.h"
#include "jobs/present/run_report.h"
#include "jobs/runtime/ledger_store.h"

namespace kaigo::jobs {

int run(JobContext& context, Terminal& terminal, const RunOptions& options) {
    Progress progress(context.environment().clock, terminal, options.quiet);
    const auto summary = run_job(context, options, progress);
    if (!summary) return refuse(terminal, summary.error());
    auto view = ledger_store(context.config()).view();
    write_summary(terminal.out, context.specification(), *summary, options, view ? &*view : nullptr,
                  context.config().language);
    return summary->exit_status;
}

int list_jobs(const CommandContext& context, std::int64_t id, bool json) {
    auto records = open_records(context.config);
    if (!records) return refuse(context.terminal, records.error());
    if (id == 0) {
        report_runs(context.terminal.out, records->ledger, json);
        return 0;
    }
    if (!records->ledger.run(id))
        return refuse(context.terminal, Error{ErrorCode::usage, tr("there is no run {}", id), "", ""});
    report_run(context.terminal.out, *records->specification, records->ledger, id, json);
    return 0;
}

}  // namespace kaigo::jobs
