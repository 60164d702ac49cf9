#include "jobs/sync/outbound/inbox.h"

#include <algorithm>
#include <unordered_map>

#include "base/i18n.h"
#include "registration/result.h"

namespace kaigo::jobs {

using ledger::Batch;
using ledger::BatchId;
using ledger::BatchState;
using ledger::Ledger;
using registration::Event;
using registration::RecordState;

namespace {

/// Once no listing has named a reception for this long, it is asked for by its number.
constexpr Duration kMissed{15 * 60'000};
constexpr std::size_t kMissedAtOnce = 50;
/// After a search that found little, wait this long: each search scans every waiting reception.
constexpr Duration kLookForMissed{60'000};
constexpr int kPagesAtOnce = 1'000;

}  // namespace

Result<bool> Inbox::ask_unknown() {
    bool moved = false;
    const Instant now = traffic_.now();
    for (const BatchId id : traffic_.ledger->batches(traffic_.insurer_id, BatchState::unknown, now)) {
        if (!traffic_.may_send()) break;
        const Batch batch = traffic_.ledger->batch(id);
        const auto found = traffic_.client.find(batch.request_id);
        if (!found) {
            traffic_.ledger->move_batch(id, BatchState::unknown, BatchState::unknown, found.error().message,
                                        traffic_.later(batch.attempts + 1), batch.attempts + 1, now);
            if (found.error().code == ErrorCode::certificate_refused) traffic_.pacing.give_up(found.error());
            continue;
        }
        moved = true;
        if (*found)
            traffic_.ledger->batch_accepted(id, BatchState::unknown, (*found)->reception_number, now);
        else
            // No sooner than after any other failure: perhaps only the way there is broken.
            traffic_.ledger->move_batch(
                id, BatchState::unknown, BatchState::owed, "not known to the platform",
                batch.attempts == 0 ? now : traffic_.later(batch.attempts), batch.attempts, now);
    }
    return moved;
}

Result<bool> Inbox::list_completed() {
    if (!traffic_.may_send() || !traffic_.ledger->awaits_completion(traffic_.insurer_id)) return false;
    KAIGO_TRY(bool moved, list_pages());
    if (moved) return true;
    const Instant now = traffic_.now();
    if (looked_for_missed_ <= now && now < looked_for_missed_ + kLookForMissed) return false;
    const auto missed =
        traffic_.ledger->overdue_receptions(traffic_.insurer_id, now - kMissed, now, kMissedAtOnce);
    if (missed.size() < kMissedAtOnce) looked_for_missed_ = now;
    for (const BatchId id : missed) {
        KAIGO_TRY(const bool told, ask_missed(id));
        moved = moved || told;
    }
    return moved;
}

Result<bool> Inbox::ask_missed(BatchId id) {
    const Batch batch = traffic_.ledger->batch(id);
    const Instant now = traffic_.now();
    KAIGO_TRY(const auto reception, traffic_.client.progress(batch.reception_number));
    if (!reception) {
        traffic_.ledger->move_batch(id, BatchState::submitted, BatchState::unknown, "reception not known",
                                    now, 0, now);
        return true;
    }
    if (!is_finished(traffic_.context.specification().wire().processing(reception->processing_status))) {
        traffic_.ledger->move_batch(id, BatchState::submitted, BatchState::submitted, "still processing",
                                    now + kMissed, 0, now);
        return false;
    }
    traffic_.ledger->receptions_completed(traffic_.insurer_id, {{id, reception->processing_status}}, "", now);
    return true;
}

Result<bool> Inbox::list_pages() {
    bool moved = false;
    std::size_t forgotten = 0;
    for (int page_number = 0; page_number < kPagesAtOnce; ++page_number) {
        const std::string before = traffic_.ledger->cursor(traffic_.insurer_id);
        KAIGO_TRY(const platform::ReceptionPage page, traffic_.client.completed(before));
        std::vector<Ledger::Completed> known;
        bool answers_awaited = false;
        for (const platform::Reception& reception : page.receptions) {
            const auto batch = traffic_.ledger->batch_by_request(reception.request_id);
            if (!batch) {
                KAIGO_CHECK(restored_.note(reception));
                ++forgotten;
                continue;
            }
            // Its answer is still on the wire: the next listing begins here again.
            answers_awaited = answers_awaited || batch->state == BatchState::sending;
            // Its answer was lost, and the listing tells sooner than a question of ours.
            if (batch->state == BatchState::unknown || batch->state == BatchState::owed)
                traffic_.ledger->batch_accepted(batch->id, batch->state, reception.reception_number,
                                                traffic_.now());
            known.push_back({batch->id, reception.processing_status});
        }
        if (page.receptions.empty() || page.cursor.empty()) break;
        const bool some = traffic_.ledger->receptions_completed(
            traffic_.insurer_id, known, answers_awaited ? "" : page.cursor, traffic_.now());
        moved = moved || some;
        if (page.cursor == before || answers_awaited) break;
    }
    if (forgotten > 0)
        traffic_.raise("unknown-reception",
                       tr("the platform names {} receptions that this ledger does not know", forgotten));
    return moved;
}

Result<bool> Inbox::fetch_results(std::optional<Error>& trouble) {
    bool moved = false;
    const auto ids = traffic_.ledger->batches(traffic_.insurer_id, BatchState::completed, traffic_.now());
    std::optional<Asked> next;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        // Thousands may be completed at once.
        if (!traffic_.may_send() || traffic_.stopping()) break;
        traffic_.observer.moved();
        Asked asked = next ? std::move(*next) : ask_results(ids[i]);
        next.reset();
        // The next results are on their way while these are written down.
        if (i + 1 < ids.size()) next = ask_results(ids[i + 1]);
        const Batch& batch = asked.batch;
        if (traffic_.kind_of(batch.kind) == nullptr) continue;
        if (const auto landed = land_results(batch, std::move(asked.first_page)); !landed)
            KAIGO_CHECK(results_failed(batch, landed.error(), trouble));
        else
            moved = true;
    }
    return moved;
}

Inbox::Asked Inbox::ask_results(BatchId id) {
    Asked out{traffic_.ledger->batch(id), {}};
    // A request that ended in 異常終了 has no results.
    if (traffic_.context.specification().wire().processing(out.batch.processing_status) !=
        Processing::aborted)
        out.first_page = traffic_.client.results(out.batch.reception_number, 0);
    return out;
}

/// One batch whose results cannot be had must not keep the others from theirs.
Status Inbox::results_failed(const Batch& batch, const Error& error, std::optional<Error>& trouble) {
    const Instant now = traffic_.now();
    if (error.code == ErrorCode::certificate_refused || error.code == ErrorCode::platform_unreachable)
        return tl::unexpected(error);
    if (error.code == ErrorCode::platform_refused) {
        traffic_.ledger->move_batch(batch.id, BatchState::completed, BatchState::unknown,
                                    "reception not known", now, 0, now);
        return {};
    }
    if (error.code == ErrorCode::platform_protocol && batch.attempts == 0)
        traffic_.raise("results-unreadable", tr("request {}: {}", batch.request_id, error.message));
    traffic_.ledger->move_batch(batch.id, BatchState::completed, BatchState::completed, error.message,
                                traffic_.later(batch.attempts + 1), batch.attempts + 1, now);
    trouble = error;
    return {};
}

/// What a result does to the PMHキー case of its record, or the case that it opens.
ledger::MaybeCaseStep Inbox::step_case(const Batch& batch, const ledger::Member& member,
                                       const registration::Standing& sent, const registration::Answer& answer,
                                       registration::Consequence& got) {
    if (!sent.in_case && got.event != Event::stored_without_link) return nullptr;
    ledger::CaseStep step;
    step.known = traffic_.ledger->open_case(batch.insurer, batch.kind, member.key)
                     .value_or(ledger::KnownCase{0, batch.insurer, batch.kind, member.key, {}, 0, true});
    step.next = step.known.pmh_case;
    step.looked_at = !step.known.to_be_looked_at;
    registration::apply_to_case(step.next, answer, got, step.moves);
    if (step.next == step.known.pmh_case) return nullptr;
    return ledger::maybe(std::move(step));
}

Result<std::vector<platform::RecordResult>> Inbox::all_results(const Batch& batch, FirstPage first_page) {
    const WireNames& wire = traffic_.context.specification().wire();
    std::vector<platform::RecordResult> all;
    for (;;) {
        const auto received = static_cast<std::int64_t>(all.size());
        KAIGO_TRY(platform::ResultPage page,
                  first_page.valid() ? first_page.get()
                                     : traffic_.client.results(batch.reception_number, received).get());
        if (page.results.empty()) break;
        std::ranges::move(page.results, std::back_inserter(all));
        // A platform that counts wrongly must not keep us here: what is missing then is asked for again.
        const auto most = 2 * batch.members.size() + static_cast<std::size_t>(wire.limit("result_page"));
        if (static_cast<std::int64_t>(all.size()) >= page.total || all.size() > most) break;
    }
    return all;
}

void Inbox::count(RecordState state) {
    switch (state) {
        case RecordState::registered:
            ++traffic_.tally.registered;
            break;
        case RecordState::absent:
            ++traffic_.tally.deleted;
            break;
        case RecordState::stored_in_error:
            ++traffic_.tally.stored_in_error;
            break;
        case RecordState::rejected:
            ++traffic_.tally.rejected;
            break;
        default:
            break;
    }
}

Status Inbox::land_results(const Batch& batch, FirstPage first_page) {
    if (!first_page.valid()) {
        traffic_.raise("batch-aborted", tr("the platform aborted request {}", batch.request_id));
        return uploads_.owe_members_again(batch, std::string(registration::reason::kAborted),
                                          BatchState::dissolved, true);
    }
    KAIGO_TRY(const auto all, all_results(batch, std::move(first_page)));
    std::unordered_map<std::string_view, const platform::RecordResult*> results;
    results.reserve(all.size());
    for (const platform::RecordResult& result : all) results.insert_or_assign(result.record_id, &result);
    const Instant now = traffic_.now();
    std::size_t missing = 0;
    auto flying = traffic_.ledger->members_in_flight(batch);
    std::vector<Ledger::MemberOutcome> outcomes;
    outcomes.reserve(flying.size());
    const registration::RetryPolicy policy = traffic_.context.retry_policy();
    const std::uint16_t random_bits = traffic_.context.random_bits();
    for (std::size_t i = 0; i < flying.size(); ++i) {
        const ledger::Member& member = batch.members[i];
        auto& entry = flying[i];
        const auto found = results.find(member.record_id);
        if (found == results.end()) {
            if (entry) ++missing;
            continue;
        }
        const platform::RecordResult& result = *found->second;
        results.erase(found);
        if (!entry) continue;  // landed with an earlier, incomplete answer
        registration::Answer answer{result.ok, result.stored, result.error_id, ErrorClass::unknown};
        if (!result.ok)
            answer.error_class = traffic_.context.specification().record_error(result.error_id).error_class;
        auto consequence =
            registration::apply_result(entry->standing, answer, policy, to_milliseconds(now), random_bits);
        auto case_step = step_case(batch, member, entry->standing, answer, consequence);
        if (consequence.alarm)
            traffic_.raise("result-needs-person",
                           tr("request {}: errorId {}", batch.request_id, result.error_id.substr(0, 20)));
        count(consequence.next.state);
        outcomes.push_back(
            {std::move(*entry), std::move(consequence), result.error_id, std::move(case_step)});
    }
    if (!results.empty() && batch.body_digest != kAdopted)
        traffic_.raise("result-of-unknown-record",
                       tr("request {}: {} results are about records that were not in it", batch.request_id,
                          results.size()));
    if (missing == 0) {
        traffic_.ledger->apply_outcomes(batch, outcomes, BatchState::settled, batch.processing_status, now);
        traffic_.drop_body(batch);
        return {};
    }
    traffic_.ledger->apply_outcomes(batch, outcomes, std::nullopt, "", now);
    if (batch.attempts + 1 == traffic_.context.retry_policy().aborted_ceiling)
        traffic_.raise("results-incomplete", tr("request {}: the platform has no result for {} records",
                                                batch.request_id, missing));
    traffic_.ledger->move_batch(batch.id, BatchState::completed, BatchState::completed,
                                "results are incomplete", traffic_.later(batch.attempts + 1),
                                batch.attempts + 1, now);
    return {};
}

}  // namespace kaigo::jobs
