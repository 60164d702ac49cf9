#pragma once
// What jobs write: ledger, spool and audit log. A process opens them once; all its jobs share them.

#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "config/config.h"
#include "crypto/crypto.h"
#include "jobs/runtime/environment.h"
#include "ledger/shared_ledger.h"
#include "spool/spool.h"

namespace kaigo::jobs {

/// Name of the note that a ledger was put back, and the platform is to be asked first.
inline std::string look_first_mark(const std::string& insurer) { return "look-first-" + insurer; }

/// How long to wait for another process that writes the audit log: a line takes milliseconds.
inline constexpr Duration kAuditPatience{5'000};

class Stores {
  public:
    /// Takes the ledger's lock, and puts away what a dead process left half done.
    static Result<std::shared_ptr<Stores>> open(const config::Config& config, const Keys& keys, Instant now);

    ledger::SharedLedger& ledger() { return ledger_; }
    spool::Spool& spool() { return spool_; }
    /// Writes one line of the audit log and keeps the log's head in the ledger, under its lock: no other line
    /// comes between.
    Status audit(Instant at, const std::string& event, const std::string& actor,
                 const std::map<std::string, std::string>& details);

  private:
    Stores(std::unique_ptr<ledger::Ledger> ledger, spool::Spool spool, std::filesystem::path audit)
        : ledger_(std::move(ledger)), spool_(std::move(spool)), audit_(std::move(audit)) {}

    ledger::SharedLedger ledger_;
    spool::Spool spool_;
    std::filesystem::path audit_;
};

/// Those that the process holds open already, or opened now.
Result<std::shared_ptr<Stores>> open_stores(const config::Config& config, const Environment& environment);

}  // namespace kaigo::jobs
