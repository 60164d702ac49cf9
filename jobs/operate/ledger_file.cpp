#include "jobs/operate/ledger_file.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/i18n.h"
#include "jobs/runtime/ledger_store.h"

namespace kaigo::jobs {

Result<std::uint64_t> back_up_ledger(const config::Config& config, const std::string& file) {
    std::error_code ignored;
    if (std::filesystem::exists(file, ignored))
        return fail(ErrorCode::cannot_write, tr("there is a file already"))
            .at(file)
            .remedy(tr("give another name: a backup never overwrites one"));
    // Nobody else may read it while it grows either.
    const mode_t before = ::umask(077);
    const Status copied = ledger_store(config).copy_to(file);
    ::umask(before);
    KAIGO_CHECK(copied);
    return std::filesystem::file_size(file, ignored);
}

}  // namespace kaigo::jobs
