#pragma once
// Where a command prints, and whom it can ask.

#include <functional>
#include <ostream>
#include <string>

#include "base/result.h"

namespace kaigo::jobs {

struct Terminal {
    std::ostream& out;
    std::ostream& err;
    bool interactive = false;               ///< questions may be asked and progress shown
    std::function<std::string()> ask = {};  ///< one line from the person at the terminal
};

/// Prints the error and returns its exit status.
int refuse(Terminal& terminal, const Error& error);

}  // namespace kaigo::jobs
