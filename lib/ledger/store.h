#pragma once
// Where a ledger is kept, and what may be had of it there. Only this header's file knows the engine.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "ledger/readers.h"
#include "ledger/view.h"

namespace kaigo::ledger {

class Store {
  public:
    /// @param file  one SQLite database, with its log and its lock beside it
    explicit Store(std::filesystem::path file) : file_(std::move(file)) {}

    /// For the one process that writes: takes the lock, makes the ledger where there is none, migrates it,
    /// and calls batches that a dead process was sending `unknown`.
    Result<std::unique_ptr<Ledger>> open(Instant now) const;

    // What follows may be had while another process writes.
    /// @return an error when there is no ledger yet
    Result<LedgerView> view() const;
    LedgerReader records(InsurerId insurer, KindId kind) const;
    PrerequisiteReader prerequisites(InsurerId insurer, KindId kind) const;
    /// What is wrong with it, or does not fit together in it; empty: nothing. That it cannot even be read is
    /// a fault too.
    Result<std::vector<std::string>> faults() const;
    /// A whole copy of one state, on disk when this returns; jobs may go on meanwhile.
    /// @param file  a new one
    Status copy_to(const std::filesystem::path& file) const;

  private:
    std::filesystem::path file_;
};

/// Name and version of what keeps the ledger: "SQLite 3.40.1".
std::string engine_version();

}  // namespace kaigo::ledger
