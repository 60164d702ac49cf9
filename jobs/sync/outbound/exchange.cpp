#include "jobs/sync/outbound/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/failpoint.h"
#include "base/i18n.h"
#include "jobs/runtime/stores.h"
#include "registration/result.h"
#include "spec/record.h"

namespace kaigo::jobs {

using ledger::Batch;
using ledger::BatchId;
using ledger::BatchState;
using ledger::Ledger;
using ledger::Sending;
using ledger::SharedLedger;
using platform::SubmitResult;
using registration::Event;
using registration::RecordState;

namespace {

constexpr Duration kShortestPoll{500};
constexpr Duration kLongestPoll{15'000};
constexpr Duration kAskAfter{1'000};
/// A reception that no listing named for so long is asked for by its number.
constexpr Duration kMissed{15 * 60'000};
constexpr std::size_t kMissedAtOnce = 50;
/// After a search that found little, wait this long: each search scans every waiting reception.
constexpr Duration kLookForMissed{60'000};
constexpr std::size_t kRetriesAtOnce = 5'000;
constexpr int kPagesAtOnce = 1'000;
constexpr std::size_t kSealingAtOnce = 2;
/// In the place of a body's digest: the body was sent before the ledger was put back.
constexpr const char* kAdopted = "adopted";

void wipe(std::vector<std::string>& bodies) {
    for (std::string& each : bodies) SecretBytes::wipe(each.data(), each.size());
    bodies.clear();
}

}  // namespace

Exchange::Exchange(JobContext& context, SharedLedger& ledger, spool::Spool& spool,
                   platform::PlatformClient& client, const config::Insurer& insurer, ledger::RunId run,
                   Tally& tally, Observer& observer)
    : context_(context),
      ledger_(ledger),
      spool_(spool),
      client_(client),
      insurer_(insurer),
      insurer_id_(ledger->ensure_insurer(insurer.number.value())),
      run_(run),
      tally_(tally),
      observer_(observer),
      limits_{context.config().platform.max_records, context.config().platform.max_bytes},
      sealer_(context, spool, insurer),
      fill_(limits_),
      pacing_(insurer.service_window),
      mode_(context.specification().wire().value("mode_daily")) {
    forgotten_ = ledger_->forgotten_records(insurer_id_);
    for (const auto& kind : context.specification().kinds())
        kinds_[ledger->ensure_kind(kind->id)] = kind.get();
}

void Exchange::set_mode(std::string mode, std::optional<std::string> base_date) {
    mode_ = std::move(mode);
    base_date_ = std::move(base_date);
}

const spec::RecordKind* Exchange::kind_of(ledger::KindId id) const {
    const auto found = kinds_.find(id);
    return found == kinds_.end() ? nullptr : found->second;
}

Instant Exchange::later(std::uint32_t failures) const {
    return context_.environment().clock.now() +
           Duration(registration::backoff_ms(context_.retry_policy(), failures, context_.random_bits()));
}

void Exchange::raise(const std::string& code, const std::string& detail) {
    ledger_->alarm(insurer_id_, code, detail, context_.environment().clock.now());
    ++tally_.alarms;
    context_.environment().tell(
        code, {{"run", std::to_string(run_)}, {"insurer", insurer_.number.value()}, {"detail", detail}});
    observer_.note(Observer::Kind::alarm, code + ": " + detail);
}

bool Exchange::may_send() const { return pacing_.may_send(context_.environment().clock.now()); }

Instant Exchange::opens_at() const { return pacing_.opens_at(context_.environment().clock.now()); }

// ---- Building and sending batches

Status Exchange::add(const spec::RecordKind& kind, Sending sending, std::string_view canonical) {
    if (!forgotten_.empty() && adopt(kind, sending, canonical)) return {};
    const std::size_t size = canonical.size() + kRecordHeader;
    if (building_.kind != nullptr && (building_.kind != &kind || !fill_.has_room(size)))
        KAIGO_CHECK(begin_sealing());
    building_.kind = &kind;
    // No copy of a part stays behind where it grew.
    if (building_.canonical.empty()) building_.canonical.reserve(limits_.max_bytes);
    building_.add(std::move(sending), canonical);
    fill_.add(size);
    return {};
}

ledger::BatchDraft Exchange::make_draft(const spec::RecordKind& kind) const {
    ledger::BatchDraft draft;
    draft.insurer = insurer_id_;
    draft.kind = ledger_->ensure_kind(kind.id);
    draft.request_id = context_.new_request_id();
    draft.mode = mode_;
    draft.base_date = base_date_;
    return draft;
}

void Exchange::count_sent(const spec::RecordKind& kind, const std::vector<Sending>& sendings) {
    tally_.sent += static_cast<std::int64_t>(sendings.size());
    if (kind.my_number)
        tally_.my_numbers_sent += std::count_if(sendings.begin(), sendings.end(), [](const Sending& sending) {
            return sending.member.update_kind != UpdateKind::remove;
        });
}

/// What was built is sealed beside this thread, which goes on with the ledger.
Status Exchange::begin_sealing() {
    BatchContents contents = std::exchange(building_, {});
    fill_ = registration::BatchFill(limits_);
    if (contents.sendings.empty()) return {};
    ledger::BatchDraft draft = make_draft(*contents.kind);
    sealing_.push_back(std::async(
        std::launch::async,
        [this, contents = std::move(contents), draft = std::move(draft)]() mutable -> Result<SealedBatch> {
            return sealer_.seal(std::move(contents), std::move(draft));
        }));
    return sealing_.size() > kSealingAtOnce ? hand_over_first() : Status{};
}

Status Exchange::flush() {
    KAIGO_CHECK(begin_sealing());
    while (!sealing_.empty()) KAIGO_CHECK(hand_over_first());
    commit_adopted();
    return {};
}

// ---- After a backup was put back

Status Exchange::look_for_forgotten() {
    const std::string mark = look_first_mark(insurer_.number.value());
    const bool must = !ledger_->meta(mark).value_or("").empty();
    // Before a ledger that was put back has been told what it forgot, nothing is sent.
    if (!may_send())
        return must ? fail(ErrorCode::busy,
                           tr("the ledger was put back: the platform is asked first, and is closed now"))
                          .remedy(tr("nothing is lost; the next run goes on from here"))
                    : Status{};
    const auto listed = list_pages();
    if (!listed && (must || !info(listed.error().code).retryable)) return tl::unexpected(listed.error());
    if (listed && must) ledger_->set_meta(mark, "");
    forgotten_ = ledger_->forgotten_records(insurer_id_);
    return {};
}

/// A reception of a request that the ledger does not know: which records it had, in which content, is all
/// that the platform tells.
Status Exchange::note_forgotten(const platform::Reception& reception) {
    // 異常終了 has no results: nothing of it was registered.
    if (reception.processing_status == context_.specification().wire().value("processing_aborted")) return {};
    std::vector<std::string> ids;
    for (;;) {
        const auto page =
            client_.results(reception.reception_number, static_cast<std::int64_t>(ids.size())).get();
        // It no longer has them: then there is nothing to take over.
        if (!page && page.error().code == ErrorCode::platform_refused) return {};
        if (!page) return tl::unexpected(page.error());
        for (const platform::RecordResult& result : page->results) ids.push_back(result.record_id);
        const bool enough =
            ids.size() > 2 * limits_.max_records || static_cast<std::int64_t>(ids.size()) >= page->total;
        if (page->results.empty() || enough) break;
    }
    ledger_->note_forgotten(insurer_id_,
                            {reception.request_id, reception.reception_number, reception.processing_status},
                            ids, kRecordIdKeyWidth);
    return {};
}

bool Exchange::adopt(const spec::RecordKind& kind, Sending& sending, std::string_view canonical) {
    std::string id = RecordIds(context_, insurer_, kind).of(sending.member.key, canonical);
    const auto found = forgotten_.find(id);
    if (found == forgotten_.end()) {
        // Sent now, it is the last version: an older one must not be taken for it later.
        const std::string name = id.substr(0, kRecordIdKeyWidth);
        const auto other = forgotten_.lower_bound(name);
        if (other != forgotten_.end() && other->first.starts_with(name)) {
            ledger_->drop_forgotten(insurer_id_, name);
            forgotten_.erase(other);
        }
        return false;
    }
    sending.member.record_id = std::move(id);
    Adopted& request = adopted_[found->second.request_id];
    request.kind = &kind;
    request.reception = found->second;
    request.sendings.push_back(std::move(sending));
    return true;
}

void Exchange::commit_adopted() {
    for (auto& [request_id, each] : std::exchange(adopted_, {})) {
        ledger::BatchDraft draft = make_draft(*each.kind);
        draft.request_id = request_id;
        draft.body_digest = kAdopted;
        draft.sendings = std::move(each.sendings);
        ledger_->adopt(run_, draft, context_.keys().id, each.reception, context_.environment().clock.now());
        std::erase_if(forgotten_, [&](const auto& record) { return record.second.request_id == request_id; });
    }
}

/// The intent is committed; its request leaves at once where a connection is free, else from the spool,
/// later: whoever reads the source does not wait for the network.
Status Exchange::hand_over_first() {
    auto first = std::move(sealing_.front());
    sealing_.pop_front();
    KAIGO_TRY(SealedBatch sealed, first.get());
    if (const auto moved = take_outcomes(Duration(0)); !moved) return tl::unexpected(moved.error());
    const bool now =
        may_send() && client_.in_flight() < static_cast<std::size_t>(context_.config().platform.connections);
    const BatchId id = ledger_->commit_intent(run_, sealed.draft, context_.keys().id,
                                              now ? BatchState::sending : BatchState::owed,
                                              context_.environment().clock.now());
    count_sent(*sealed.kind, sealed.draft.sendings);
    if (now)
        client_.submit({id, sealed.kind->id, sealed.draft.request_id, sealed.draft.sendings.size(),
                        std::move(sealed.body).take()});
    return {};
}

bool Exchange::has_room() const { return spool_.size() <= context_.config().spool_quota; }

Result<bool> Exchange::make_room() {
    Clock& clock = context_.environment().clock;
    Duration poll = kShortestPoll;
    do {
        if (!may_send() || context_.environment().stop.stop_requested()) return false;
        const auto moved = round();
        // What cannot be reached now is reached later.
        if (!moved && !info(moved.error().code).retryable) return tl::unexpected(moved.error());
        if (moved && *moved) continue;
        const Instant now = clock.now();
        Instant wake = now + poll;
        if (open_count() == 0) {
            // What is tried again in a while makes room; no run stays for what waits until tomorrow, or for
            // something else.
            const auto due = ledger_->next_due(insurer_id_, now);
            if (!due || *due <= now || *due > now + context_.config().platform.retry_maximum) break;
            wake = *due;
        }
        clock.sleep_until(wake, context_.environment().stop);
        poll = std::min(poll * 2, kLongestPoll);
    } while (spool_.size() > context_.config().spool_quota / 2);
    return has_room();
}

Status Exchange::send_batch(const Batch& batch) {
    auto canonical = spool_.load(batch.request_id);
    // Damaged or gone is lost; a missing key or permission is not, and a person can mend it.
    const bool lost =
        !canonical && (canonical.error().code == ErrorCode::spool_damaged || !spool_.has(batch.request_id));
    if (!canonical && !lost) return tl::unexpected(canonical.error());
    if (lost || canonical->size() != batch.members.size()) {
        // Nothing of this request was accepted: its records are read again and go under another one.
        const Instant now = context_.environment().clock.now();
        raise("spool-file-lost",
              tr("request {}: its records are read from the source again", batch.request_id));
        KAIGO_CHECK(owe_members_again(batch, std::string(registration::reason::kBodyLost),
                                      BatchState::dissolved, false));
        for (const ledger::Member& member : batch.members)
            ledger_->mark_body_lost(batch.insurer, batch.kind, member.key, now);
        return {};
    }
    std::string body = sealer_.compose({batch.request_id, batch.mode, batch.base_date}, batch.members,
                                       {canonical->begin(), canonical->end()});
    for (std::string& each : *canonical) SecretBytes::wipe(each.data(), each.size());
    if (sealer_.body_digest(body) != batch.body_digest) {
        // Names on the wire changed with the specification. Nothing of it was accepted: it goes under another
        // id.
        SecretBytes::wipe(body.data(), body.size());
        return owe_members_again(batch, std::string(registration::reason::kRewritten), BatchState::dissolved,
                                 false);
    }
    ledger_->move_batch(batch.id, BatchState::owed, BatchState::sending, "", std::nullopt, batch.attempts,
                        context_.environment().clock.now());
    client_.submit(
        {batch.id, kind_of(batch.kind)->id, batch.request_id, batch.members.size(), std::move(body)});
    return {};
}

Result<bool> Exchange::send_due_batches() {
    bool moved = false;
    for (const BatchId id :
         ledger_->batches(insurer_id_, BatchState::owed, context_.environment().clock.now())) {
        if (!may_send() || context_.environment().stop.stop_requested()) break;
        const Batch batch = ledger_->batch(id);
        if (kind_of(batch.kind) == nullptr) continue;
        KAIGO_CHECK(send_batch(batch));
        moved = true;
        while (client_.in_flight() >= static_cast<std::size_t>(context_.config().platform.connections))
            KAIGO_CHECK(take_outcomes(Duration(1000)));
    }
    return moved;
}

// ---- Outcomes of uploads

Result<bool> Exchange::take_outcomes(Duration limit) {
    const auto outcomes = client_.wait(limit);
    for (const auto& [id, result] : outcomes) KAIGO_CHECK(handle(id, result));
    return !outcomes.empty();
}

Status Exchange::owe_batch_again(const Batch& batch, BatchState from, const std::string& why, Instant due,
                                 std::uint32_t attempts) {
    ledger_->move_batch(batch.id, from, BatchState::owed, why, due, attempts,
                        context_.environment().clock.now());
    return {};
}

Status Exchange::handle(BatchId id, const SubmitResult& result) {
    using Outcome = SubmitResult::Outcome;
    const Batch batch = ledger_->batch(id);
    const Instant now = context_.environment().clock.now();
    switch (result.outcome) {
        case Outcome::accepted:
            ledger_->batch_accepted(id, BatchState::sending, result.reception_number, now);
            failpoint("accepted-committed");
            return {};
        case Outcome::no_answer:
            ledger_->move_batch(id, BatchState::sending, BatchState::unknown, result.detail, now + kAskAfter,
                                batch.attempts + 1, now);
            return {};
        case Outcome::not_sent:
            return owe_batch_again(batch, BatchState::sending, result.detail, later(batch.attempts + 1),
                                   batch.attempts + 1);
        case Outcome::busy: {
            const Instant due = result.retry_after ? now + *result.retry_after : later(batch.attempts + 1);
            pacing_.pause_until(due);
            return owe_batch_again(batch, BatchState::sending, result.detail, due, batch.attempts + 1);
        }
        case Outcome::certificate:
            pacing_.give_up(
                Error{ErrorCode::certificate_refused,
                      tr("the platform refused this certificate for insurer {}: {}", insurer_.number.value(),
                         result.detail),
                      context_.config().platform.url,
                      tr("check the certificate, its key and the CA file with: kaigo-gateway doctor")});
            return owe_batch_again(batch, BatchState::sending, result.detail, later(batch.attempts + 1),
                                   batch.attempts + 1);
        case Outcome::too_large:
            return split(batch);
        case Outcome::conflict:
            raise("request-id-conflict", tr("request {} was used for another content", batch.request_id));
            return owe_members_again(batch, result.error_code.empty() ? result.detail : result.error_code,
                                     BatchState::refused, true);
        case Outcome::refused:
            raise("request-refused", tr("request {} was refused: {}", batch.request_id, result.detail));
            return owe_members_again(batch, result.error_code.empty() ? result.detail : result.error_code,
                                     BatchState::refused, true);
    }
    return {};
}

Status Exchange::owe_members_again(const Batch& batch, const std::string& why, BatchState to, bool counts) {
    const std::int64_t now = to_milliseconds(context_.environment().clock.now());
    std::vector<Ledger::Landing> landings;
    for (auto& entry : ledger_->flying(batch)) {
        if (!entry) continue;
        auto consequence = registration::apply_not_accepted(
            entry->standing, why, counts, context_.retry_policy(), now, context_.random_bits());
        if (consequence.next.state == RecordState::rejected) ++tally_.rejected;
        landings.push_back({std::move(*entry), std::move(consequence), why, nullptr});
    }
    Batch from = batch;
    if (from.state == BatchState::owed) from.state = BatchState::sending;
    ledger_->land(from, landings, to, why, context_.environment().clock.now());
    forget_body(batch);
    return {};
}

Status Exchange::split(const Batch& batch) {
    if (batch.members.size() == 1) {
        auto entry = ledger_->flying(batch).front();
        registration::RetryPolicy at_once = context_.retry_policy();
        at_once.aborted_ceiling = 1;
        auto consequence = registration::apply_not_accepted(entry->standing, registration::reason::kTooLarge,
                                                            true, at_once, 0, 0);
        ++tally_.rejected;
        ledger_->land(batch, {{std::move(*entry), std::move(consequence), "", nullptr}}, BatchState::refused,
                      "too large", context_.environment().clock.now());
        forget_body(batch);
        return {};
    }
    KAIGO_TRY(auto canonical, spool_.load(batch.request_id));
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
        ledger::BatchDraft draft = make_draft(*kind_of(batch.kind));
        draft.sendings = std::move(sendings);
        draft.mode = batch.mode;
        draft.base_date = batch.base_date;
        std::vector<std::string> part(canonical.begin() + static_cast<long>(from),
                                      canonical.begin() + static_cast<long>(to));
        KAIGO_CHECK(spool_.store(draft.request_id, {part.begin(), part.end()}));
        const std::vector<ledger::Member> members(batch.members.begin() + static_cast<long>(from),
                                                  batch.members.begin() + static_cast<long>(to));
        draft.body_digest = sealer_.body_digest(sealer_.compose(
            {draft.request_id, draft.mode, draft.base_date}, members, {part.begin(), part.end()}));
        wipe(part);
        parts.push_back(std::move(draft));
    }
    wipe(canonical);
    ledger_->split(run_, batch, parts, context_.environment().clock.now());
    return spool_.remove(batch.request_id);
}

void Exchange::forget_body(const Batch& batch) {
    // A file that cannot be removed now is found by the next run's tidying.
    if (!ledger_->body_needed(batch.id)) static_cast<void>(spool_.remove(batch.request_id));
}

// ---- Questions and results

Result<bool> Exchange::ask_unknown() {
    bool moved = false;
    const Instant now = context_.environment().clock.now();
    for (const BatchId id : ledger_->batches(insurer_id_, BatchState::unknown, now)) {
        if (!may_send()) break;
        const Batch batch = ledger_->batch(id);
        const auto found = client_.find(batch.request_id);
        if (!found) {
            ledger_->move_batch(id, BatchState::unknown, BatchState::unknown, found.error().message,
                                later(batch.attempts + 1), batch.attempts + 1, now);
            if (found.error().code == ErrorCode::certificate_refused) pacing_.give_up(found.error());
            continue;
        }
        moved = true;
        if (*found)
            ledger_->batch_accepted(id, BatchState::unknown, (*found)->reception_number, now);
        else
            ledger_->move_batch(id, BatchState::unknown, BatchState::owed, "not known to the platform", now,
                                batch.attempts, now);
    }
    return moved;
}

Result<bool> Exchange::list_completed() {
    if (!may_send() || !ledger_->awaits_completion(insurer_id_)) return false;
    KAIGO_TRY(bool moved, list_pages());
    if (moved) return true;
    const Instant now = context_.environment().clock.now();
    if (looked_for_missed_ <= now && now < looked_for_missed_ + kLookForMissed) return false;
    const auto missed = ledger_->missed(insurer_id_, now - kMissed, now, kMissedAtOnce);
    if (missed.size() < kMissedAtOnce) looked_for_missed_ = now;
    for (const BatchId id : missed) {
        const Batch batch = ledger_->batch(id);
        KAIGO_TRY(const auto progress, client_.progress(batch.reception_number));
        if (!progress) {
            ledger_->move_batch(id, BatchState::submitted, BatchState::unknown, "reception not known", now, 0,
                                now);
            moved = true;
            continue;
        }
        const WireNames& wire = context_.specification().wire();
        const bool done = progress->processing_status != wire.value("processing_accepted") &&
                          progress->processing_status != wire.value("processing_running");
        if (done) {
            ledger_->receptions_completed(insurer_id_, {{id, progress->processing_status}}, "", now);
            moved = true;
        } else {
            ledger_->move_batch(id, BatchState::submitted, BatchState::submitted, "still processing",
                                now + kMissed, 0, now);
        }
    }
    return moved;
}

Result<bool> Exchange::list_pages() {
    bool moved = false;
    std::size_t forgotten = 0;
    for (int page_number = 0; page_number < kPagesAtOnce; ++page_number) {
        const std::string before = ledger_->cursor(insurer_id_);
        KAIGO_TRY(const platform::ReceptionPage page, client_.completed(before));
        std::vector<Ledger::Completed> known;
        bool answers_awaited = false;
        for (const platform::Reception& reception : page.receptions) {
            const auto batch = ledger_->batch_by_request(reception.request_id);
            if (!batch) {
                KAIGO_CHECK(note_forgotten(reception));
                ++forgotten;
                continue;
            }
            // Its answer is still on the wire: the next listing begins here again.
            answers_awaited = answers_awaited || batch->state == BatchState::sending;
            // Its answer was lost, and the listing tells sooner than a question of ours.
            if (batch->state == BatchState::unknown || batch->state == BatchState::owed)
                ledger_->batch_accepted(batch->id, batch->state, reception.reception_number,
                                        context_.environment().clock.now());
            known.push_back({batch->id, reception.processing_status});
        }
        if (page.receptions.empty() || page.cursor.empty()) break;
        const bool some = ledger_->receptions_completed(
            insurer_id_, known, answers_awaited ? "" : page.cursor, context_.environment().clock.now());
        moved = moved || some;
        if (page.cursor == before || answers_awaited) break;
    }
    if (forgotten > 0)
        raise("unknown-reception",
              tr("the platform names {} receptions that this ledger does not know", forgotten));
    return moved;
}

Result<bool> Exchange::fetch_results() {
    bool moved = false;
    const auto ids = ledger_->batches(insurer_id_, BatchState::completed, context_.environment().clock.now());
    std::optional<Asked> next;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        // Thousands may be completed at once.
        if (!may_send() || context_.environment().stop.stop_requested()) break;
        observer_.moved();
        Asked asked = next ? std::move(*next) : ask_results(ids[i]);
        next.reset();
        // The next results are on their way while these are written down.
        if (i + 1 < ids.size()) next = ask_results(ids[i + 1]);
        const Batch& batch = asked.batch;
        if (kind_of(batch.kind) == nullptr) continue;
        if (const auto landed = land_results(batch, std::move(asked.first_page)); !landed)
            KAIGO_CHECK(results_failed(batch, landed.error()));
        else
            moved = true;
    }
    return moved;
}

Exchange::Asked Exchange::ask_results(BatchId id) {
    Asked out{ledger_->batch(id), {}};
    // 異常終了 has none.
    if (out.batch.processing_status != context_.specification().wire().value("processing_aborted"))
        out.first_page = client_.results(out.batch.reception_number, 0);
    return out;
}

/// One batch whose results cannot be had must not keep the others from theirs.
Status Exchange::results_failed(const Batch& batch, const Error& error) {
    const Instant now = context_.environment().clock.now();
    if (error.code == ErrorCode::certificate_refused || error.code == ErrorCode::platform_unreachable)
        return tl::unexpected(error);
    if (error.code == ErrorCode::platform_refused) {
        ledger_->move_batch(batch.id, BatchState::completed, BatchState::unknown, "reception not known", now,
                            0, now);
        return {};
    }
    if (error.code == ErrorCode::platform_protocol && batch.attempts == 0)
        raise("results-unreadable", tr("request {}: {}", batch.request_id, error.message));
    ledger_->move_batch(batch.id, BatchState::completed, BatchState::completed, error.message,
                        later(batch.attempts + 1), batch.attempts + 1, now);
    trouble_ = error;
    return {};
}

/// What a result makes of the PMHキー case of its record, or of the record that now becomes one.
ledger::MaybeCaseStep Exchange::step_case(const Batch& batch, const ledger::Member& member,
                                          const registration::Standing& sent,
                                          const registration::Answer& answer,
                                          registration::Consequence& got) {
    if (!sent.in_case && got.event != Event::stored_without_link) return nullptr;
    ledger::CaseStep step;
    step.known = ledger_->open_case(batch.insurer, batch.kind, member.key)
                     .value_or(ledger::KnownCase{0, batch.insurer, batch.kind, member.key, {}, 0, true});
    step.next = step.known.pmh_case;
    step.looked_at = !step.known.to_be_looked_at;
    registration::apply_to_case(step.next, answer, got, step.moves);
    if (step.next == step.known.pmh_case) return nullptr;
    return ledger::maybe(std::move(step));
}

Status Exchange::land_results(const Batch& batch, FirstPage first_page) {
    const WireNames& wire = context_.specification().wire();
    if (!first_page.valid()) {
        raise("batch-aborted", tr("the platform aborted request {}", batch.request_id));
        return owe_members_again(batch, std::string(registration::reason::kAborted), BatchState::dissolved,
                                 true);
    }
    std::vector<platform::RecordResult> all;
    for (;;) {
        const auto received = static_cast<std::int64_t>(all.size());
        KAIGO_TRY(platform::ResultPage page, first_page.valid()
                                                 ? first_page.get()
                                                 : client_.results(batch.reception_number, received).get());
        if (page.results.empty()) break;
        std::ranges::move(page.results, std::back_inserter(all));
        // A platform that counts wrongly must not keep us here: what is missing then is asked for again.
        const auto most = 2 * batch.members.size() + static_cast<std::size_t>(wire.limit("result_page"));
        if (static_cast<std::int64_t>(all.size()) >= page.total || all.size() > most) break;
    }
    std::unordered_map<std::string_view, const platform::RecordResult*> results;
    results.reserve(all.size());
    for (const platform::RecordResult& result : all) results.insert_or_assign(result.record_id, &result);
    const Instant now = context_.environment().clock.now();
    std::size_t missing = 0;
    auto flying = ledger_->flying(batch);
    std::vector<Ledger::Landing> landings;
    landings.reserve(flying.size());
    const registration::RetryPolicy policy = context_.retry_policy();
    const std::uint16_t chance = context_.random_bits();
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
            answer.error_class = context_.specification().record_error(result.error_id).error_class;
        auto consequence =
            registration::apply_result(entry->standing, answer, policy, to_milliseconds(now), chance);
        auto case_step = step_case(batch, member, entry->standing, answer, consequence);
        if (consequence.alarm)
            raise("result-needs-person",
                  tr("request {}: errorId {}", batch.request_id, result.error_id.substr(0, 20)));
        switch (consequence.next.state) {
            case RecordState::registered:
                ++tally_.registered;
                break;
            case RecordState::absent:
                ++tally_.deleted;
                break;
            case RecordState::stored_in_error:
                ++tally_.stored_in_error;
                break;
            case RecordState::rejected:
                ++tally_.rejected;
                break;
            default:
                break;
        }
        landings.push_back(
            {std::move(*entry), std::move(consequence), result.error_id, std::move(case_step)});
    }
    if (!results.empty() && batch.body_digest != kAdopted)
        raise("result-of-unknown-record", tr("request {}: {} results are about records that were not in it",
                                             batch.request_id, results.size()));
    if (missing == 0) {
        ledger_->land(batch, landings, BatchState::settled, batch.processing_status, now);
        forget_body(batch);
        return {};
    }
    ledger_->land(batch, landings, std::nullopt, "", now);
    if (batch.attempts + 1 == context_.retry_policy().aborted_ceiling)
        raise("results-incomplete",
              tr("request {}: the platform has no result for {} records", batch.request_id, missing));
    ledger_->move_batch(batch.id, BatchState::completed, BatchState::completed, "results are incomplete",
                        later(batch.attempts + 1), batch.attempts + 1, now);
    return {};
}

// ---- Records that are owed again

Result<bool> Exchange::resend_due_records() {
    if (!may_send() || context_.environment().stop.stop_requested()) return false;
    const Instant now = context_.environment().clock.now();
    const auto owed = ledger_->owed(insurer_id_, now, kRetriesAtOnce);
    std::string loaded;
    std::vector<std::string> bodies;
    std::set<BatchId> emptied;
    bool moved = false;
    for (const Ledger::Owed& each : owed) {
        const spec::RecordKind* kind = kind_of(each.kind);
        if (kind == nullptr) continue;
        const auto& standing = each.entry.standing;
        const UpdateKind update_kind = standing.owed.value_or(UpdateKind::update);
        std::string deletion;
        std::string_view canonical;
        if (update_kind == UpdateKind::remove) {
            spec::append_deletion(deletion, *kind, insurer_.number.value(), each.entry.key,
                                  std::max<std::int64_t>(1, standing.acknowledged_history));
            canonical = deletion;
        } else {
            if (each.request_id != loaded && !each.request_id.empty()) {
                auto found = spool_.load(each.request_id);
                wipe(bodies);
                if (found) bodies = std::move(*found);
                loaded = each.request_id;
            }
            const auto seq = static_cast<std::size_t>(each.entry.seq);
            if (each.request_id.empty() || seq >= bodies.size()) {
                ledger_->mark_body_lost(insurer_id_, each.kind, each.entry.key, now);
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
        KAIGO_CHECK(add(*kind, std::move(sending), canonical));
        moved = true;
    }
    wipe(bodies);
    KAIGO_CHECK(flush());
    for (const BatchId id : emptied) forget_body(ledger_->batch(id));
    return moved;
}

// ---- Rounds

Result<bool> Exchange::round() {
    trouble_.reset();
    KAIGO_TRY(bool moved, take_outcomes(Duration(0)));
    const auto note = [&](Result<bool> step) -> Status {
        if (step) {
            moved = moved || *step;
        } else {
            if (!info(step.error().code).retryable) return tl::unexpected(std::move(step).error());
            trouble_ = std::move(step).error();
        }
        return {};
    };
    KAIGO_CHECK(note(send_due_batches()));
    while (client_.in_flight() > 0) KAIGO_CHECK(note(take_outcomes(Duration(1000))));
    KAIGO_CHECK(note(ask_unknown()));
    KAIGO_CHECK(note(list_completed()));
    KAIGO_CHECK(note(fetch_results()));
    KAIGO_CHECK(note(resend_due_records()));
    if (fatal()) return tl::unexpected(*fatal());
    if (trouble_ && !moved) return tl::unexpected(*trouble_);
    return moved;
}

void Exchange::drain() {
    while (client_.in_flight() > 0)
        if (!take_outcomes(Duration(1000))) return;
}

std::int64_t Exchange::open_count() const { return ledger_->open_batches(insurer_id_); }

Result<bool> Exchange::settle(std::optional<Instant> deadline,
                              const std::function<Result<bool>()>& read_again) {
    Clock& clock = context_.environment().clock;
    Duration poll = kShortestPoll;
    for (;;) {
        observer_.moved();
        // What cannot be reached now is reached by a later round, until the deadline.
        auto moved = round();
        if (!moved) {
            const ErrorCode code = moved.error().code;
            const bool passing = info(code).retryable;
            if (!passing) return tl::unexpected(std::move(moved).error());
            if (deadline && clock.now() >= *deadline) return tl::unexpected(std::move(moved).error());
            moved = false;
        }
        if (context_.environment().stop.stop_requested()) {
            drain();
            return false;
        }
        KAIGO_TRY(const bool read, read_again());
        if (read || *moved) {
            poll = kShortestPoll;
            continue;
        }
        const auto due = ledger_->next_due(insurer_id_, clock.now());
        if (open_count() == 0 && !due) return true;
        const Instant now = clock.now();
        if (deadline && now >= *deadline) return false;
        Instant wake = now + poll;
        if (due && *due > now) wake = std::min(wake, *due);
        if (due && *due > now && !ledger_->awaits_completion(insurer_id_)) wake = *due;
        if (deadline) wake = std::min(wake, *deadline);
        clock.sleep_until(wake, context_.environment().stop);
        poll = std::min(poll * 2, kLongestPoll);
    }
}

}  // namespace kaigo::jobs
