#include "ledger/readers.h"

#include "ledger/sql/codec.h"

namespace kaigo::ledger {

using namespace sql;

struct LedgerReader::State {
    std::unique_ptr<Session> session;
    Statement rows;
    Entry entry;
};

LedgerReader::LedgerReader(std::unique_ptr<Session> session, InsurerId insurer, KindId kind) {
    Statement rows = session->prepare(
        "SELECT {entry} FROM record WHERE insurer = ?1 AND kind = ?2 ORDER BY key", insurer, kind);
    state_ = std::make_unique<State>(State{std::move(session), std::move(rows), {}});
}
LedgerReader::LedgerReader(LedgerReader&&) noexcept = default;
LedgerReader::~LedgerReader() = default;

const Entry* LedgerReader::next() {
    if (!state_->rows.step()) return nullptr;
    read_entry(state_->rows, state_->entry);
    return &state_->entry;
}

struct PrerequisiteReader::State {
    std::unique_ptr<Session> session;
    Statement rows;
};

PrerequisiteReader::PrerequisiteReader(std::unique_ptr<Session> session, InsurerId insurer, KindId kind) {
    constexpr int kStretch = 1'000;
    Statement rows = session->prepare(
        "SELECT key, (flags & {flag:on_platform}) != 0 AND owed IS DISTINCT FROM {owed:remove} FROM record "
        "WHERE insurer = ?1 AND kind = ?2 AND key >= ?3 ORDER BY key LIMIT ?4",
        insurer, kind, Bytes{}, kStretch);
    state_ = std::make_unique<State>(State{std::move(session), std::move(rows)});
}
PrerequisiteReader::PrerequisiteReader(PrerequisiteReader&&) noexcept = default;
PrerequisiteReader::~PrerequisiteReader() = default;

void PrerequisiteReader::read_stretch(std::string_view from) {
    stretch_.clear();
    at_ = 0;
    Statement& rows = state_->rows;
    rows.bind_blob(3, from);
    while (rows.step()) stretch_.emplace_back(rows.blob(0), rows.integer(1) != 0);
    rows.rewind();
    ended_ = stretch_.empty();
}

bool PrerequisiteReader::carries_dependants(std::string_view key) {
    while (at_ < stretch_.size() && stretch_[at_].first < key) ++at_;
    if (at_ == stretch_.size() && !ended_) read_stretch(key);
    return at_ < stretch_.size() && stretch_[at_].first == key && stretch_[at_].second;
}

}  // namespace kaigo::ledger
