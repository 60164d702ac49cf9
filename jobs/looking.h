#pragma once
// The common beginning of commands that only look: specification and ledger, or the error that keeps one from
// them.

#include "jobs/commands.h"
#include "ledger/view.h"

namespace kaigo::jobs {

inline Result<std::unique_ptr<spec::Specification>> load_specification(const config::Config& config) {
    Faults faults;
    auto specification = spec::Specification::load(config.interface_spec, faults);
    if (!faults.empty()) return faults.as_failure(ErrorCode::bad_specification);
    return specification;
}

/// @param show  called with specification and ledger; returns the exit status
template <class Look>
int look(const config::Config& config, World& world, Look show) {
    const auto specification = load_specification(config);
    if (!specification) return refuse(world, specification.error());
    auto view = ledger::LedgerView::open(config.ledger);
    if (!view) return refuse(world, view.error());
    return show(**specification, *view);
}

}  // namespace kaigo::jobs
