#pragma once
// Records that are held, and sending them again when an operator says so.

#include <string>
#include <vector>

#include "jobs/runtime/job_context.h"
#include "ledger/view.h"

namespace kaigo::jobs {

struct HeldSelection {
    std::string insurer, kind, insured, reason;  ///< each empty: all
    bool filtered() const { return !kind.empty() || !insured.empty() || !reason.empty(); }
};

struct HeldRecords {
    std::vector<ledger::RecordRow> records;
    std::vector<std::string> withheld;  ///< sentences: what holds back whole kinds
};
Result<HeldRecords> held_records(const spec::Specification& specification, ledger::LedgerView& view,
                                 const HeldSelection& selection);

struct Resent {
    std::int64_t records = 0;
    std::vector<std::string> released;  ///< withdrawn consents among them, named
};
/// What will become of them: most held records cannot be mended by sending them again.
/// @return the question to ask first; empty: none, since a filter named the records
Result<std::string> question_before_resend(const config::Config& config, const HeldSelection& selection);
Result<Resent> resend_held(const config::Config& config, Environment& environment,
                           const HeldSelection& selection);

}  // namespace kaigo::jobs
