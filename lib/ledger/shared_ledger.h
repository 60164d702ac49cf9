#pragma once
// One ledger for several threads: only one call runs at a time, and it sees only whole transactions.

#include <memory>
#include <mutex>

#include "ledger/ledger.h"

namespace kaigo::ledger {

class SharedLedger {
  public:
    explicit SharedLedger(std::unique_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {}

    /// Lives as long as the call's full expression.
    class Call {
      public:
        Call(Ledger& ledger, std::recursive_mutex& mutex) : ledger_(ledger), lock_(mutex) {}
        Ledger* operator->() const { return &ledger_; }

      private:
        Ledger& ledger_;
        std::unique_lock<std::recursive_mutex> lock_;
    };
    /// Arguments may call it too: `ledger->batches(ledger->ensure_insurer(number), …)`.
    Call operator->() { return {*ledger_, mutex_}; }
    /// Keeps others away for several calls: what was read stays true until it is written. Short ones only.
    [[nodiscard]] std::unique_lock<std::recursive_mutex> lock() {
        return std::unique_lock<std::recursive_mutex>(mutex_);
    }

  private:
    /// Reached through a Call alone. Calls nest within one expression, which the compiler's analysis of locks
    /// cannot follow.
    std::unique_ptr<Ledger> ledger_;
    std::recursive_mutex mutex_;
};

}  // namespace kaigo::ledger
