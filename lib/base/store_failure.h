#pragma once
// What the ledger throws, whatever engine stands behind it.

#include <stdexcept>

namespace kaigo {

/// After a failed write or sync nothing that the connection says can be believed: the process ends, and the
/// next one looks at the store anew.
class StoreFailure : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace kaigo
