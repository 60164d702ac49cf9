#include <boost/json.hpp>

#include "base/i18n.h"
#include "jobs/commands/commands.h"
#include "jobs/operate/audit_trail.h"
#include "jobs/operate/ledger_file.h"
#include "jobs/present/json_document.h"
#include "jobs/runtime/ledger_store.h"
#include "jobs/sync/proof/rotate_key.h"

namespace kaigo::jobs {

namespace json = boost::json;

int audit_verify(const CommandContext& context, bool json_format) {
    const auto found = verify_audit_trail(context.config);
    if (!found) return refuse(context.terminal, found.error());
    if (json_format)
        write_json(context.terminal.out,
                   json::object{{"ok", true}, {"lines", found->lines}, {"head", found->head}});
    else
        context.terminal.out << tr("audit log: {} lines, the chain is whole", found->lines) << '\n';
    return 0;
}

int ledger_check(const CommandContext& context, bool json_format) {
    Terminal& terminal = context.terminal;
    const std::string file = context.config.ledger.string();
    const auto faults = ledger_store(context.config).faults();
    if (!faults) return refuse(terminal, faults.error());
    if (json_format)
        write_json(terminal.out, json::object{{"sound", faults->empty()},
                                              {"faults", json::array(faults->begin(), faults->end())}});
    else if (faults->empty())
        terminal.out << tr("{} is sound", file) << '\n';
    if (faults->empty()) return 0;
    for (const std::string& fault : *faults) terminal.err << fault << '\n';
    return refuse(terminal, Error{ErrorCode::bad_data, tr("{} is damaged", file), "",
                                  tr("stop all jobs, keep the file, and restore the last backup")});
}

int ledger_backup(const CommandContext& context, const std::string& file, bool json_format) {
    const auto bytes = back_up_ledger(context.config, file);
    if (!bytes) return refuse(context.terminal, bytes.error());
    if (json_format)
        write_json(context.terminal.out, json::object{{"file", file}, {"bytes", *bytes}});
    else
        context.terminal.out
            << tr("{}: a whole copy of the ledger as it stands now. It needs the same key file.", file)
            << '\n';
    return 0;
}

int ledger_rotate_key(const CommandContext& context, bool json_format) {
    const auto done = rotate_key(context.config, context.environment);
    if (!done) return refuse(context.terminal, done.error());
    if (json_format)
        write_json(context.terminal.out, json::object{{"spoolFiles", done->files},
                                                      {"records", done->records},
                                                      {"changedInSource", done->changed}});
    else
        context.terminal.out
            << tr("{} records and {} spool files are under the new key; {} records changed in the source "
                  "since "
                  "they were sent: the next daily-sync sends them, and none because of the key. Now take "
                  "spool.former_key_file out of the configuration and start the daemon.",
                  done->records, done->files, done->changed)
            << '\n';
    return 0;
}

}  // namespace kaigo::jobs
