#include "jobs/sync/outbound/outbox.h"

#include <algorithm>

namespace kaigo::jobs {

using ledger::BatchId;
using ledger::BatchState;
using ledger::Sending;

namespace {

constexpr std::size_t kSealingAtOnce = 2;

}  // namespace

Status Outbox::add(const spec::RecordKind& kind, Sending sending, std::string_view canonical) {
    if (restored_.adopt(kind, sending, canonical)) return {};
    const std::size_t size = canonical.size() + kRecordHeader;
    if (building_.kind != nullptr && (building_.kind != &kind || !fill_.has_room(size)))
        KAIGO_CHECK(begin_sealing());
    building_.kind = &kind;
    // Growing would leave copies of the content behind.
    if (building_.canonical.empty()) building_.canonical.reserve(traffic_.limits.max_bytes);
    building_.add(std::move(sending), canonical);
    fill_.add(size);
    return {};
}

void Outbox::count_sent(const spec::RecordKind& kind, const std::vector<Sending>& sendings) {
    traffic_.tally.sent += static_cast<std::int64_t>(sendings.size());
    if (kind.my_number)
        traffic_.tally.my_numbers_sent += std::count_if(
            sendings.begin(), sendings.end(),
            [](const Sending& sending) { return sending.member.update_kind != UpdateKind::remove; });
}

/// What was built is sealed beside this thread, which goes on with the ledger.
Status Outbox::begin_sealing() {
    BatchContents contents = std::exchange(building_, {});
    fill_ = registration::BatchFill(traffic_.limits);
    if (contents.sendings.empty()) return {};
    ledger::BatchDraft draft = traffic_.draft(*contents.kind);
    sealing_.push_back(std::async(
        std::launch::async,
        [this, contents = std::move(contents), draft = std::move(draft)]() mutable -> Result<SealedBatch> {
            return traffic_.sealer.seal(std::move(contents), std::move(draft));
        }));
    return sealing_.size() > kSealingAtOnce ? hand_over_first() : Status{};
}

Status Outbox::flush() {
    KAIGO_CHECK(begin_sealing());
    while (!sealing_.empty()) KAIGO_CHECK(hand_over_first());
    restored_.commit_adopted();
    return {};
}

/// Commits the intent. Its request leaves at once if a connection is free, else later from the spool: reading
/// the source never waits for the network.
Status Outbox::hand_over_first() {
    auto first = std::move(sealing_.front());
    sealing_.pop_front();
    KAIGO_TRY(SealedBatch sealed, first.get());
    if (const auto moved = uploads_.take_outcomes(Duration(0)); !moved) return tl::unexpected(moved.error());
    const bool now = traffic_.may_send() && traffic_.connection_free();
    const BatchId id =
        traffic_.ledger->commit_intent(traffic_.run, sealed.draft, traffic_.context.keys().id,
                                       now ? BatchState::sending : BatchState::owed, traffic_.now());
    count_sent(*sealed.kind, sealed.draft.sendings);
    if (now) uploads_.submit(id, sealed.kind->id, sealed.draft, std::move(sealed.body));
    return {};
}

bool Outbox::has_room() const { return traffic_.spool.size() <= traffic_.context.config().spool_quota; }

}  // namespace kaigo::jobs
