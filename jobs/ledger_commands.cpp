// ledger check, ledger backup.

#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <ostream>

#include "base/files.h"
#include "base/i18n.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"
#include "jobs/looking.h"

namespace kaigo::jobs {

int ledger_check(const config::Config& config, World& world, bool json) {
    const auto found = ledger::faults_of(config.ledger);
    if (!found) return refuse(world, found.error());
    const std::vector<std::string>& faults = *found;
    if (json) {
        boost::json::array list(faults.begin(), faults.end());
        write_json(world.out, boost::json::object{{"sound", faults.empty()}, {"faults", std::move(list)}});
    } else if (faults.empty()) {
        world.out << tr("{} is sound", config.ledger.string()) << '\n';
    }
    if (faults.empty()) return 0;
    for (const std::string& fault : faults) world.err << fault << '\n';
    return refuse(world, Error{ErrorCode::bad_data, tr("{} is damaged", config.ledger.string()), "",
                               tr("stop all jobs, keep the file, and restore the last backup")});
}

int ledger_backup(const config::Config& config, World& world, const std::string& file, bool json) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored))
        return refuse(world, Error{ErrorCode::cannot_write, tr("there is a file already"), file,
                                   tr("give another name: a backup never overwrites one")});
    auto view = ledger::LedgerView::open(config.ledger);
    if (!view) return refuse(world, view.error());
    // Nobody else may read it while it grows either.
    const mode_t before = ::umask(077);
    const Status copied = view->copy_to(file);
    ::umask(before);
    if (!copied) return refuse(world, copied.error());
    if (json)
        write_json(world.out,
                   boost::json::object{{"file", file}, {"bytes", std::filesystem::file_size(file, ignored)}});
    else
        world.out << tr("{}: a whole copy of the ledger as it stands now. It needs the same key file.", file)
                  << '\n';
    return 0;
}

}  // namespace kaigo::jobs
