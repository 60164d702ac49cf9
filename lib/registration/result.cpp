#include "registration/result.h"

namespace kaigo::registration {
namespace {

void settle(Standing& next, RecordState state, std::string why) {
    next.state = state;
    next.reason = std::move(why);
    // A probe that found nothing out: whether the acknowledged version is still there is not known.
    const bool waits = state == RecordState::rejected || state == RecordState::blocked;
    if (waits && next.owed == UpdateKind::create) next.acknowledged.reset();
    // A refused deletion stays one: the row is gone, and an operator's resend must not make it an update.
    const bool refused_deletion = state == RecordState::rejected && next.owed == UpdateKind::remove;
    if (!refused_deletion) {
        next.owed.reset();
        next.then_create = false;
    }
    next.needs_body = false;
    next.due_at.reset();
}

/// The platform now holds what was sent.
void acknowledge(Standing& next) {
    next.on_platform = true;
    next.acknowledged = next.sent;
    next.acknowledged_history = next.sent_history;
}

void not_on_platform(Standing& next) {
    next.on_platform = false;
    next.unlinked = false;
    next.acknowledged.reset();
    next.acknowledged_history = 0;
}

void owe_again(Standing& next, UpdateKind kind, std::string why, std::int64_t due_at) {
    next.state = RecordState::pending;
    next.owed = kind;
    next.reason = std::move(why);
    next.due_at = due_at;
    // A case looks at the row before anything goes out again: its number may be another now, or a person may
    // have answered.
    next.needs_body = next.in_case && kind != UpdateKind::remove;
    ++next.attempts;
}

}  // namespace

Consequence apply_result(const Standing& known, const Answer& answer, const RetryPolicy& policy,
                         std::int64_t now_ms, std::uint16_t random_bits) {
    Consequence out;
    out.next = known;
    Standing& next = out.next;
    const UpdateKind sent = known.owed.value_or(UpdateKind::update);
    const auto later = [&] { return now_ms + backoff_ms(policy, known.attempts + 1, random_bits); };
    // Send the first correction at once. If 新規 and 更新 contradict each other again, back off.
    const auto soon = [&] { return known.attempts == 0 ? now_ms : later(); };

    const bool deletion_done =
        sent == UpdateKind::remove && (answer.ok || answer.error_class == ErrorClass::no_such_record);
    if (deletion_done) {
        out.event = Event::deleted;
        const bool create = known.then_create;
        not_on_platform(next);
        settle(next, create ? RecordState::pending : RecordState::absent, "");
        next.attempts = 0;
        next.sent.reset();
        if (create) {
            next.recreating = true;
            next.owed = UpdateKind::create;
            next.reason = known.reason == reason::kNewNumber ? reason::kNewNumber : reason::kRecreate;
            next.needs_body = true;
            next.due_at = now_ms;
        }
        return out;
    }
    if (answer.ok) {
        out.event = Event::succeeded;
        acknowledge(next);
        next.unlinked = false;
        settle(next, RecordState::registered, "");
        next.attempts = 0;
        return out;
    }
    if (answer.stored && sent != UpdateKind::remove) {
        acknowledge(next);
        next.unlinked = true;
    }

    switch (answer.error_class) {
        case ErrorClass::pmh_case:
        case ErrorClass::pmh_operator:
            if (!answer.stored) break;  // not what the catalogue says: unknown
            out.event = Event::stored_without_link;
            settle(next, RecordState::stored_in_error, answer.error_id);
            return out;
        case ErrorClass::pmh_unanswered:
            if (!answer.stored) break;
            if (known.attempts + 1 >= policy.unanswered_ceiling) {
                out.event = Event::stored_without_link;
                settle(next, RecordState::stored_in_error, answer.error_id);
                next.attempts = 0;
                return out;
            }
            out.event = Event::result_transient;
            owe_again(next, UpdateKind::update, answer.error_id, later());
            return out;
        case ErrorClass::transient:
            out.event = Event::result_transient;
            owe_again(next, sent, answer.error_id, later());
            return out;
        case ErrorClass::data_error:
            out.event = Event::result_data_error;
            settle(next, RecordState::rejected, answer.error_id);
            return out;
        case ErrorClass::stale:
            out.event = Event::result_stale;
            if (!next.on_platform) {
                next.on_platform = true;
                next.acknowledged.reset();
            }
            settle(next, RecordState::rejected, answer.error_id);
            return out;
        case ErrorClass::dependency:
            out.event = Event::result_dependency;
            settle(next, RecordState::blocked, std::string(reason::kPrerequisite));
            next.sent.reset();
            ++next.attempts;
            next.due_at = later();
            out.alarm = next.attempts == policy.aborted_ceiling;
            return out;
        case ErrorClass::no_such_record:
            if (sent != UpdateKind::update) break;
            out.event = Event::result_mismatch;
            not_on_platform(next);
            owe_again(next, UpdateKind::create, answer.error_id, soon());
            return out;
        case ErrorClass::already_registered:
            if (sent != UpdateKind::create) break;
            if (known.on_platform && known.acknowledged == known.sent) {
                out.event = Event::result_already_there;
                settle(next, RecordState::registered, "");
                next.attempts = 0;
                return out;
            }
            out.event = Event::result_mismatch;
            next.on_platform = true;
            next.acknowledged.reset();
            if (known.in_case) {
                // What should have been deleted is still there, with the wrong number: 削除 once more.
                owe_again(next, UpdateKind::remove, answer.error_id, later());
                next.then_create = true;
                out.alarm = next.attempts == policy.aborted_ceiling;
                return out;
            }
            owe_again(next, UpdateKind::update, answer.error_id, soon());
            return out;
        case ErrorClass::unknown:
            break;
    }
    out.event = Event::result_unknown;
    out.alarm = true;
    settle(next, RecordState::rejected, answer.error_id);
    return out;
}

void apply_to_case(PmhCase& pmh_case, const Answer& answer, Consequence& got, CaseMoves& moves) {
    const auto move = [&](CaseEvent event) { move_case(pmh_case, event, answer.error_id, moves); };
    switch (got.event) {
        case Event::succeeded:
        case Event::result_already_there:
            move(CaseEvent::result_linked);
            break;
        case Event::deleted:
            move(got.next.state == RecordState::absent ? CaseEvent::source_gone : CaseEvent::result_deleted);
            break;
        case Event::stored_without_link:
            pmh_case.error_id = answer.error_id;
            move(answer.error_class == ErrorClass::pmh_case ? CaseEvent::result_not_linked
                                                            : CaseEvent::result_needs_operator);
            break;
        case Event::result_mismatch:
            move(got.next.owed == UpdateKind::create ? CaseEvent::result_not_there
                                                     : CaseEvent::result_still_there);
            break;
        default:
            break;
    }
    got.next.in_case = is_open(pmh_case.state);
}

Consequence apply_not_accepted(const Standing& known, std::string_view why, bool counts,
                               const RetryPolicy& policy, std::int64_t now_ms, std::uint16_t random_bits) {
    Consequence out;
    out.next = known;
    if (counts && known.attempts + 1 >= policy.aborted_ceiling) {
        out.event = Event::refused;
        out.alarm = true;
        settle(out.next, RecordState::rejected, std::string(why));
        return out;
    }
    out.event = Event::not_accepted;
    const std::int64_t wait = counts ? backoff_ms(policy, known.attempts + 1, random_bits) : 0;
    owe_again(out.next, known.owed.value_or(UpdateKind::update), std::string(why), now_ms + wait);
    if (!counts) out.next.attempts = known.attempts;
    return out;
}

}  // namespace kaigo::registration
