#include "jobs/sync/outbound/retries.h"

#include <set>

#include "spec/record.h"

namespace kaigo::jobs {

using ledger::BatchId;
using ledger::Ledger;
using ledger::Sending;
using registration::Event;
using registration::RecordState;

namespace {

constexpr std::size_t kRetriesAtOnce = 5'000;

}  // namespace

Result<bool> Retries::resend_due_records() {
    if (!traffic_.may_send() || traffic_.stopping()) return false;
    const Instant now = traffic_.now();
    const auto owed = traffic_.ledger->owed(traffic_.insurer_id, now, kRetriesAtOnce);
    std::string loaded;
    std::vector<std::string> bodies;
    std::set<BatchId> emptied;
    bool moved = false;
    for (const Ledger::Owed& each : owed) {
        const spec::RecordKind* kind = traffic_.kind_of(each.kind);
        if (kind == nullptr) continue;
        const auto& standing = each.entry.standing;
        const UpdateKind update_kind = standing.owed.value_or(UpdateKind::update);
        std::string deletion;
        std::string_view canonical;
        if (update_kind == UpdateKind::remove) {
            spec::append_deletion(deletion, *kind, traffic_.insurer.number.value(), each.entry.key,
                                  std::max<std::int64_t>(1, standing.acknowledged_history));
            canonical = deletion;
        } else {
            if (each.request_id != loaded && !each.request_id.empty()) {
                auto found = traffic_.spool.load(each.request_id);
                wipe(bodies);
                if (found) bodies = std::move(*found);
                loaded = each.request_id;
            }
            const auto seq = static_cast<std::size_t>(each.entry.seq);
            if (each.request_id.empty() || seq >= bodies.size()) {
                traffic_.ledger->mark_body_lost(traffic_.insurer_id, each.kind, each.entry.key, now);
                continue;
            }
            canonical = bodies[seq];
        }
        if (each.entry.batch) emptied.insert(*each.entry.batch);
        Sending sending;
        sending.member = {each.entry.key, "", update_kind};
        sending.from = RecordState::pending;
        sending.event = Event::batched;
        sending.next = standing;
        sending.comparison = each.entry.comparison;
        KAIGO_CHECK(outbox_.add(*kind, std::move(sending), canonical));
        moved = true;
    }
    wipe(bodies);
    KAIGO_CHECK(outbox_.flush());
    for (const BatchId id : emptied) traffic_.drop_body(traffic_.ledger->batch(id));
    return moved;
}

}  // namespace kaigo::jobs
