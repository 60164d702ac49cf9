#pragma once
// Sends records that are owed and due without a comparison, from the spool file that still holds their
// content.

#include "jobs/sync/outbound/outbox.h"

namespace kaigo::jobs {

class Retries {
  public:
    Retries(Traffic& traffic, Outbox& outbox) : traffic_(traffic), outbox_(outbox) {}

    /// @return whether any went out
    Result<bool> resend_due_records();

  private:
    Traffic& traffic_;
    Outbox& outbox_;
};

}  // namespace kaigo::jobs
