#include "jobs/sync/outbound/consequences.h"

namespace kaigo::jobs {

namespace {

constexpr std::size_t kChangesAtOnce = 5'000;
constexpr std::size_t kSendingsAtOnce = 500;
constexpr std::size_t kMostBytes = 32U << 20;
constexpr std::size_t kMostWrites = 100'000;

}  // namespace

void Consequences::add(ledger::Sending sending, std::string_view canonical) {
    bytes_ += canonical.size() + sizeof(ToSend);
    sendings_.push_back({std::move(sending), SecretBytes(std::string(canonical))});
}

bool Consequences::has_enough() const {
    return sendings_.size() >= kSendingsAtOnce || changes_.size() >= kChangesAtOnce ||
           steps_.size() + consents_.size() >= kChangesAtOnce;
}

bool Consequences::is_too_much() const { return bytes_ > kMostBytes || writes() > kMostWrites; }

void Consequences::throw_away() {
    sendings_.clear();
    bytes_ = 0;
    changes_.clear();
    steps_.clear();
    consents_.clear();
}

Status Consequences::hand_on(const Place& place) {
    for (ToSend& each : std::exchange(sendings_, {}))
        KAIGO_CHECK(place.outbox.add(place.kind, std::move(each.sending), each.canonical.view()));
    bytes_ = 0;
    place.ledger->apply_changes(place.comparison, place.insurer, place.kind_id, place.digest_key, changes_,
                                place.now);
    changes_.clear();
    place.ledger->note_consents(place.insurer, place.kind_id, consents_);
    consents_.clear();
    place.ledger->step_cases(steps_, place.now);
    steps_.clear();
    return {};
}

}  // namespace kaigo::jobs
