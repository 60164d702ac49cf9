#pragma once
// What a person has to do now. One list: the end of a run, status, held list and the report all tell it.

#include <string>
#include <vector>

#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

struct Task {
    std::string text;       ///< a sentence with its remedy
    std::string insurer;    ///< empty: any
    bool withheld = false;  ///< something of a whole kind waits for it, not single records
};

/// The most urgent first.
/// @param insurer  whose; empty: of all
std::vector<Task> tasks_of(const spec::Specification& specification, ledger::LedgerView& view,
                           const std::string& insurer = "");

}  // namespace kaigo::jobs
