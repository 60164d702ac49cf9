#include "jobs/sync/outbound/uploads.h"

#include "base/failpoint.h"
#include "base/i18n.h"
#include "registration/result.h"

namespace kaigo::jobs {

using ledger::Batch;
using ledger::BatchId;
using ledger::BatchState;
using ledger::Ledger;
using ledger::Sending;
using platform::SubmitResult;
using registration::RecordState;

namespace {

constexpr Duration kAskAfter{1'000};

}  // namespace

void Uploads::submit(BatchId id, const std::string& kind, const ledger::BatchDraft& draft, SecretBytes body) {
    traffic_.client.submit({id, kind, draft.request_id, draft.sendings.size(), std::move(body).take()});
}

Result<bool> Uploads::take_outcomes(Duration limit) {
    const auto outcomes = traffic_.client.wait(limit);
    for (const auto& [id, result] : outcomes) KAIGO_CHECK(handle(id, result));
    return !outcomes.empty();
}

Status Uploads::handle(BatchId id, const SubmitResult& result) {
    using Outcome = SubmitResult::Outcome;
    const Batch batch = traffic_.ledger->batch(id);
    const Instant now = traffic_.now();
    switch (result.outcome) {
        case Outcome::accepted:
            traffic_.ledger->batch_accepted(id, BatchState::sending, result.reception_number, now);
            failpoint("accepted-committed");
            return {};
        case Outcome::no_answer:
            traffic_.ledger->move_batch(id, BatchState::sending, BatchState::unknown, result.detail,
                                        now + kAskAfter, batch.attempts + 1, now);
            return {};
        case Outcome::not_sent:
            owe_batch_again(batch, result.detail, traffic_.later(batch.attempts + 1));
            return {};
        case Outcome::busy: {
            const Instant due =
                result.retry_after ? now + *result.retry_after : traffic_.later(batch.attempts + 1);
            traffic_.pacing.pause_until(due);
            owe_batch_again(batch, result.detail, due);
            return {};
        }
        case Outcome::certificate:
            traffic_.pacing.give_up(
                Error{ErrorCode::certificate_refused,
                      tr("the platform refused this certificate for insurer {}: {}",
                         traffic_.insurer.number.value(), result.detail),
                      traffic_.context.config().platform.url,
                      tr("check the certificate, its key and the CA file with: kaigo-gateway doctor")});
            owe_batch_again(batch, result.detail, traffic_.later(batch.attempts + 1));
            return {};
        case Outcome::not_the_platform: {
            const Instant due =
                result.retry_after ? now + *result.retry_after : traffic_.later(batch.attempts + 1);
            traffic_.pacing.pause_until(due);
            // Told when it begins; what is sent again in vain is told by the run.
            if (batch.attempts == 0 && !std::exchange(told_not_the_platform_, true))
                traffic_.raise("answered-on-the-way",
                               tr("{} answered in the platform's place: {}",
                                  traffic_.context.config().platform.url, result.detail));
            owe_batch_again(batch, result.detail, due);
            return {};
        }
        case Outcome::too_large:
            return split(batch);
        case Outcome::conflict:
            traffic_.raise("request-id-conflict",
                           tr("request {} was used for another content", batch.request_id));
            return owe_members_again(batch, result.error_code.empty() ? result.detail : result.error_code,
                                     BatchState::refused, true);
        case Outcome::refused:
            traffic_.raise("request-refused",
                           tr("request {} was refused: {}", batch.request_id, result.detail));
            return owe_members_again(batch, result.error_code.empty() ? result.detail : result.error_code,
                                     BatchState::refused, true);
    }
    return {};
}

void Uploads::owe_batch_again(const Batch& batch, const std::string& why, Instant due) {
    traffic_.ledger->move_batch(batch.id, BatchState::sending, BatchState::owed, why, due, batch.attempts + 1,
                                traffic_.now());
}

Status Uploads::owe_members_again(const Batch& batch, const std::string& why, BatchState to, bool counts) {
    const std::int64_t now = to_milliseconds(traffic_.now());
    std::vector<Ledger::MemberOutcome> outcomes;
    for (auto& entry : traffic_.ledger->members_in_flight(batch)) {
        if (!entry) continue;
        auto consequence =
            registration::apply_not_accepted(entry->standing, why, counts, traffic_.context.retry_policy(),
                                             now, traffic_.context.random_bits());
        if (consequence.next.state == RecordState::rejected) ++traffic_.tally.rejected;
        outcomes.push_back({std::move(*entry), std::move(consequence), why, nullptr});
    }
    Batch from = batch;
    if (from.state == BatchState::owed) from.state = BatchState::sending;
    traffic_.ledger->apply_outcomes(from, outcomes, to, why, traffic_.now());
    traffic_.drop_body(batch);
    return {};
}

Status Uploads::split(const Batch& batch) {
    if (batch.members.size() == 1) {
        auto entry = traffic_.ledger->members_in_flight(batch).front();
        registration::RetryPolicy at_once = traffic_.context.retry_policy();
        at_once.aborted_ceiling = 1;
        auto consequence = registration::apply_not_accepted(entry->standing, registration::reason::kTooLarge,
                                                            true, at_once, 0, 0);
        ++traffic_.tally.rejected;
        traffic_.ledger->apply_outcomes(batch, {{std::move(*entry), std::move(consequence), "", nullptr}},
                                        BatchState::refused, "too large", traffic_.now());
        traffic_.drop_body(batch);
        return {};
    }
    KAIGO_TRY(auto canonical, traffic_.spool.load(batch.request_id));
    const std::size_t half = batch.members.size() / 2;
    std::vector<ledger::BatchDraft> parts;
    for (const auto& [from, to] :
         {std::pair<std::size_t, std::size_t>{0, half}, {half, batch.members.size()}}) {
        std::vector<Sending> sendings;
        for (std::size_t i = from; i < to; ++i) {
            Sending sending{};
            sending.member = batch.members[i];
            sendings.push_back(std::move(sending));
        }
        ledger::BatchDraft draft = traffic_.draft(*traffic_.kind_of(batch.kind));
        draft.sendings = std::move(sendings);
        draft.mode = batch.mode;
        draft.base_date = batch.base_date;
        std::vector<std::string> part(canonical.begin() + static_cast<long>(from),
                                      canonical.begin() + static_cast<long>(to));
        KAIGO_CHECK(traffic_.spool.store(draft.request_id, {part.begin(), part.end()}));
        const std::vector<ledger::Member> members(batch.members.begin() + static_cast<long>(from),
                                                  batch.members.begin() + static_cast<long>(to));
        draft.body_digest = traffic_.sealer.body_digest(traffic_.sealer.compose(
            {draft.request_id, draft.mode, draft.base_date}, members, {part.begin(), part.end()}));
        wipe(part);
        parts.push_back(std::move(draft));
    }
    wipe(canonical);
    traffic_.ledger->split(traffic_.run, batch, parts, traffic_.now());
    return traffic_.spool.remove(batch.request_id);
}

Status Uploads::send_batch(const Batch& batch) {
    auto canonical = traffic_.spool.load(batch.request_id);
    // Damaged or gone is lost; a missing key or permission is not, and a person can mend it.
    const bool lost = !canonical && (canonical.error().code == ErrorCode::spool_damaged ||
                                     !traffic_.spool.has(batch.request_id));
    if (!canonical && !lost) return tl::unexpected(canonical.error());
    if (lost || canonical->size() != batch.members.size()) {
        // Nothing of this request was accepted: its records are read again and go under another one.
        const Instant now = traffic_.now();
        traffic_.raise("spool-file-lost",
                       tr("request {}: its records are read from the source again", batch.request_id));
        KAIGO_CHECK(owe_members_again(batch, std::string(registration::reason::kBodyLost),
                                      BatchState::dissolved, false));
        for (const ledger::Member& member : batch.members)
            traffic_.ledger->mark_body_lost(batch.insurer, batch.kind, member.key, now);
        return {};
    }
    std::string body = traffic_.sealer.compose({batch.request_id, batch.mode, batch.base_date}, batch.members,
                                               {canonical->begin(), canonical->end()});
    wipe(*canonical);
    if (traffic_.sealer.body_digest(body) != batch.body_digest) {
        // Names on the wire changed with the specification. Nothing of it was accepted: it goes under another
        // id.
        SecretBytes::wipe(body.data(), body.size());
        return owe_members_again(batch, std::string(registration::reason::kRewritten), BatchState::dissolved,
                                 false);
    }
    traffic_.ledger->move_batch(batch.id, BatchState::owed, BatchState::sending, "", std::nullopt,
                                batch.attempts, traffic_.now());
    traffic_.client.submit({batch.id, traffic_.kind_of(batch.kind)->id, batch.request_id,
                            batch.members.size(), std::move(body)});
    return {};
}

Result<bool> Uploads::send_due_batches() {
    bool moved = false;
    for (const BatchId id : traffic_.ledger->batches(traffic_.insurer_id, BatchState::owed, traffic_.now())) {
        if (!traffic_.may_send() || traffic_.stopping()) break;
        const Batch batch = traffic_.ledger->batch(id);
        if (traffic_.kind_of(batch.kind) == nullptr) continue;
        KAIGO_CHECK(send_batch(batch));
        moved = true;
        while (!traffic_.connection_free()) KAIGO_CHECK(take_outcomes(kOneTurn));
    }
    return moved;
}

}  // namespace kaigo::jobs
