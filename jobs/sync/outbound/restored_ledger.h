#pragma once
// A ledger that was put back from a backup has forgotten requests. What the platform finished for them is
// recognised by its recordIds, and taken over instead of being sent again.

#include <map>

#include "jobs/sync/outbound/traffic.h"

namespace kaigo::jobs {

class RestoredLedger {
  public:
    explicit RestoredLedger(Traffic& traffic) : traffic_(traffic) { read(); }

    /// Reads what the ledger has noted of forgotten requests.
    void read();
    /// A reception of a request that the ledger does not know: which records it had, in which content, is all
    /// that the platform tells.
    Status note(const platform::Reception& reception);
    /// Whether a forgotten request had this record with this very content. If so, the record is taken over
    /// from there.
    bool adopt(const spec::RecordKind& kind, ledger::Sending& sending, std::string_view canonical);
    /// Requests whose records were found are batches of the ledger again.
    void commit_adopted();

  private:
    struct Adopted {
        const spec::RecordKind* kind = nullptr;
        ledger::ForgottenReception reception;
        std::vector<ledger::Sending> sendings;
    };

    Traffic& traffic_;
    std::map<std::string, ledger::ForgottenReception> forgotten_;  ///< by recordId
    std::map<std::string, Adopted> adopted_;                       ///< by requestId
};

}  // namespace kaigo::jobs
