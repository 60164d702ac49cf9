#pragma once
// Why each record of a person is where it is.

#include <string>
#include <vector>

#include "domain/identifiers.h"
#include "ledger/view.h"
#include "spec/spec.h"

namespace kaigo::jobs {

struct Explanation {
    std::string insured;
    std::vector<ledger::RecordRow> records;
    std::vector<std::string> withheld;  ///< sentences: what keeps all of an insurer's records back
};

/// @param insurer  empty: of all
Explanation explain(const spec::Specification& specification, ledger::LedgerView& view,
                    const std::string& insurer, const InsuredNumber& insured);

}  // namespace kaigo::jobs
