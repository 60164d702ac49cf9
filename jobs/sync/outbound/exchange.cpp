#include "jobs/sync/outbound/exchange.h"

#include <algorithm>

#include "base/i18n.h"
#include "jobs/runtime/stores.h"

namespace kaigo::jobs {

namespace {

constexpr Duration kShortestPoll{500};
constexpr Duration kLongestPoll{15'000};

}  // namespace

void Exchange::set_mode(std::string mode, std::optional<std::string> base_date) {
    traffic_.mode = std::move(mode);
    traffic_.base_date = std::move(base_date);
}

Status Exchange::look_for_forgotten() {
    const std::string mark = look_first_mark(traffic_.insurer.number.value());
    const bool must = !traffic_.ledger->meta(mark).value_or("").empty();
    // A restored ledger sends nothing until it has learned what it forgot.
    if (!traffic_.may_send())
        return must ? fail(ErrorCode::busy,
                           tr("the ledger was put back: the platform is asked first, and is closed now"))
                          .remedy(tr("nothing is lost; the next run goes on from here"))
                    : Status{};
    const auto listed = inbox_.list_pages();
    if (!listed && (must || !info(listed.error().code).retryable)) return tl::unexpected(listed.error());
    if (listed && must) traffic_.ledger->set_meta(mark, "");
    restored_.read();
    return {};
}

Result<bool> Exchange::round() {
    // A passing error that did not stop the other steps.
    std::optional<Error> trouble;
    KAIGO_TRY(bool moved, uploads_.take_outcomes(Duration(0)));
    const auto note = [&](Result<bool> step) -> Status {
        if (step) {
            moved = moved || *step;
        } else {
            if (!info(step.error().code).retryable) return tl::unexpected(std::move(step).error());
            trouble = std::move(step).error();
        }
        return {};
    };
    KAIGO_CHECK(note(uploads_.send_due_batches()));
    while (traffic_.client.in_flight() > 0) KAIGO_CHECK(note(uploads_.take_outcomes(Uploads::kOneTurn)));
    KAIGO_CHECK(note(inbox_.ask_unknown()));
    KAIGO_CHECK(note(inbox_.list_completed()));
    KAIGO_CHECK(note(inbox_.fetch_results(trouble)));
    KAIGO_CHECK(note(retries_.resend_due_records()));
    if (fatal()) return tl::unexpected(*fatal());
    if (trouble && !moved) return tl::unexpected(*trouble);
    return moved;
}

void Exchange::drain() {
    while (traffic_.client.in_flight() > 0)
        if (!uploads_.take_outcomes(Uploads::kOneTurn)) return;
}

Result<bool> Exchange::settle(std::optional<Instant> deadline,
                              const std::function<Result<bool>()>& read_again) {
    Clock& clock = traffic_.context.environment().clock;
    Duration poll = kShortestPoll;
    for (;;) {
        traffic_.observer.moved();
        // What cannot be reached now is reached by a later round, until the deadline.
        auto moved = round();
        if (!moved) {
            const ErrorCode code = moved.error().code;
            const bool passing = info(code).retryable;
            if (!passing) return tl::unexpected(std::move(moved).error());
            if (deadline && clock.now() >= *deadline) return tl::unexpected(std::move(moved).error());
            moved = false;
        }
        if (traffic_.stopping()) {
            drain();
            return false;
        }
        KAIGO_TRY(const bool read, read_again());
        if (read || *moved) {
            poll = kShortestPoll;
            continue;
        }
        const auto due = traffic_.ledger->next_due(traffic_.insurer_id, clock.now());
        if (traffic_.ledger->open_batches(traffic_.insurer_id) == 0 && !due) return true;
        const Instant now = clock.now();
        if (deadline && now >= *deadline) return false;
        Instant wake = now + poll;
        if (due && *due > now) wake = std::min(wake, *due);
        if (due && *due > now && !traffic_.ledger->awaits_completion(traffic_.insurer_id)) wake = *due;
        if (deadline) wake = std::min(wake, *deadline);
        clock.sleep_until(wake, traffic_.context.environment().stop);
        poll = std::min(poll * 2, kLongestPoll);
    }
}

Result<bool> Exchange::make_room() {
    Clock& clock = traffic_.context.environment().clock;
    Duration poll = kShortestPoll;
    do {
        if (!traffic_.may_send() || traffic_.stopping()) return false;
        const auto moved = round();
        // What cannot be reached now is reached later.
        if (!moved && !info(moved.error().code).retryable) return tl::unexpected(moved.error());
        if (moved && *moved) continue;
        const Instant now = clock.now();
        Instant wake = now + poll;
        if (traffic_.ledger->open_batches(traffic_.insurer_id) == 0) {
            // Wait for what is retried soon: it makes room. A run does not stay for what waits until
            // tomorrow, or for something else.
            const auto due = traffic_.ledger->next_due(traffic_.insurer_id, now);
            if (!due || *due <= now || *due > now + traffic_.context.config().platform.retry_maximum) break;
            wake = *due;
        }
        clock.sleep_until(wake, traffic_.context.environment().stop);
        poll = std::min(poll * 2, kLongestPoll);
    } while (traffic_.spool.size() > traffic_.context.config().spool_quota / 2);
    return outbox_.has_room();
}

}  // namespace kaigo::jobs
