#pragma once
// Reading many records in the order of their keys, from a connection of its own, while a job writes.

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/types.h"

namespace kaigo::ledger {

namespace sql {
class Session;
}

/// Streams what the ledger knows of one kind of one insurer in key order, as it stood when it began.
class LedgerReader {
  public:
    LedgerReader(std::unique_ptr<sql::Session> session, InsurerId insurer, KindId kind);
    LedgerReader(LedgerReader&&) noexcept;
    ~LedgerReader();
    /// @return nullptr after the last
    const Entry* next();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Whether records carry their dependants, asked in key order. Reads a stretch of rows at a time: a long read
/// would keep the ledger's log from being checkpointed.
class PrerequisiteReader {
  public:
    PrerequisiteReader(std::unique_ptr<sql::Session> session, InsurerId insurer, KindId kind);
    PrerequisiteReader(PrerequisiteReader&&) noexcept;
    ~PrerequisiteReader();
    bool carries_dependants(std::string_view key);

  private:
    void read_stretch(std::string_view from);

    struct State;
    std::unique_ptr<State> state_;
    std::vector<std::pair<std::string, bool>> stretch_;
    std::size_t at_ = 0;
    bool ended_ = false;
};

}  // namespace kaigo::ledger
