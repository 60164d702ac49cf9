#pragma once
// Specification and ledger, opened to look at only.

#include <memory>

#include "config/config.h"
#include "jobs/runtime/ledger_store.h"
#include "spec/spec.h"

namespace kaigo::jobs {

struct Records {
    std::unique_ptr<spec::Specification> specification;
    ledger::LedgerView ledger;
};

inline Result<std::unique_ptr<spec::Specification>> load_specification(const config::Config& config) {
    Faults faults;
    auto specification = spec::Specification::load(config.interface_spec, faults);
    if (!faults.empty()) return faults.as_failure(ErrorCode::bad_specification);
    return specification;
}

inline Result<Records> open_records(const config::Config& config) {
    KAIGO_TRY(auto specification, load_specification(config));
    KAIGO_TRY(auto view, ledger_store(config).view());
    return Records{std::move(specification), std::move(view)};
}

}  // namespace kaigo::jobs
