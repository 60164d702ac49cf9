#include "jobs/present/terminal.h"

#include "base/i18n.h"

namespace kaigo::jobs {

int refuse(Terminal& terminal, const Error& error) {
    terminal.err << tr("error: {}", error.text()) << '\n';
    return info(error.code).exit_status;
}

}  // namespace kaigo::jobs
