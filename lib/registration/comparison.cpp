#include "registration/comparison.h"

namespace kaigo::registration {
namespace {

Decision none(Term term, const Standing& known) {
    Decision out;
    out.term = term;
    out.next = known;
    return out;
}

Decision become(Term term, Event event, const Standing& known, RecordState state, std::string_view why) {
    Decision out = none(term, known);
    out.changes = true;
    out.event = event;
    out.next.state = state;
    out.next.reason = why;
    out.next.owed.reset();
    out.next.then_create = false;
    out.next.needs_body = false;
    out.next.due_at.reset();
    return out;
}

/// A row that keeps its key's place but cannot go out.
Decision held(Term term, Event event, const Standing& known, RecordState state, std::string_view why) {
    if (known.in_flight() || known.state == RecordState::stored_in_error) return none(term, known);
    if (known.state == state && known.reason == why && known.owed != UpdateKind::remove)
        return none(term, known);
    Decision out = become(term, event, known, state, why);
    out.next.sent.reset();  // so that the next usable content counts as new
    return out;
}

Decision send(const SourceRow& row, const Standing& known) {
    const Term term = known.on_platform ? Term::changed : Term::created;
    Decision out =
        become(term, known.state == RecordState::absent ? Event::source_new : Event::source_changed, known,
               RecordState::pending, "");
    out.send = true;
    // What the platform blocked goes on waiting longer each time.
    if (known.state != RecordState::blocked) out.next.attempts = 0;
    // A person's history was renumbered: a lower number than the acknowledged one would be stale for ever.
    const bool renumbered = known.on_platform && known.acknowledged_history > row.history;
    if (renumbered) {
        out.next.owed = UpdateKind::remove;
        out.next.then_create = true;
        out.next.reason = reason::kRecreate;
    } else {
        out.next.owed = known.on_platform ? UpdateKind::update : UpdateKind::create;
        out.next.sent = row.digest;
        out.next.sent_history = row.history;
    }
    return out;
}

}  // namespace

Decision compare_present(const SourceRow& row, const Standing& known, bool prerequisite_on_platform) {
    switch (row.verdict) {
        case SourceRow::Verdict::platform_owned: {
            if (known.platform_owned) return none(Term::unchanged, known);
            if (known.state != RecordState::absent) return none(Term::waiting, known);
            Decision out = become(Term::unchanged, Event::platform_owned, known, RecordState::registered, "");
            out.next.platform_owned = true;
            return out;
        }
        case SourceRow::Verdict::unusable:
            return held(Term::rejected, Event::source_unusable, known, RecordState::rejected, row.reason);
        case SourceRow::Verdict::no_my_number:
            return held(Term::blocked, Event::source_incomplete, known, RecordState::blocked,
                        reason::kMyNumberMissing);
        case SourceRow::Verdict::usable:
            break;
    }
    // A flight is not disturbed, and a case owns its record: the next comparison, or the case, sees what
    // changed.
    if (known.in_flight() || known.state == RecordState::stored_in_error) return none(Term::waiting, known);

    const bool acknowledged =
        known.on_platform && known.acknowledged == row.digest && known.acknowledged_history == row.history;
    if (known.state == RecordState::registered) {
        if (acknowledged) return none(Term::unchanged, known);
        return send(row, known);
    }
    const bool same_as_sent = known.sent == row.digest;
    if (known.state == RecordState::pending) {
        const bool owed_deletion = known.owed == UpdateKind::remove && !known.then_create;
        if (owed_deletion && acknowledged)
            return become(Term::unchanged, Event::source_restored, known, RecordState::registered, "");
        if (known.then_create)
            return none(Term::waiting, known);  // its 削除 is under way; 新規 reads the row again
        if (!owed_deletion && same_as_sent && !known.needs_body) return none(Term::waiting, known);
        return send(row, known);
    }
    if (known.state == RecordState::rejected || known.state == RecordState::blocked) {
        if (acknowledged)
            return become(Term::unchanged, Event::source_restored, known, RecordState::registered, "");
        if (known.state == RecordState::rejected && same_as_sent) return none(Term::waiting, known);
    }
    if (!prerequisite_on_platform)
        return held(Term::blocked, Event::source_incomplete, known, RecordState::blocked,
                    reason::kPrerequisite);
    return send(row, known);
}

Decision compare_gone(const Standing& known, bool dependants_on_platform) {
    if (known.platform_owned) {
        // The row left the source; the consent itself is the platform's and stays there.
        Decision out = become(Term::gone, Event::source_gone, known, RecordState::absent, "");
        return out;
    }
    if (known.in_flight()) return none(Term::waiting, known);
    if (!known.on_platform) return become(Term::gone, Event::source_gone, known, RecordState::absent, "");
    if (dependants_on_platform) {
        if (known.state == RecordState::blocked && known.owed == UpdateKind::remove)
            return none(Term::waiting, known);
        Decision out =
            become(Term::gone, Event::dependants_remain, known, RecordState::blocked, reason::kDependants);
        out.next.owed = UpdateKind::remove;
        return out;
    }
    const bool owed_already = known.owed == UpdateKind::remove && !known.then_create;
    const bool waits = known.state == RecordState::pending || known.state == RecordState::rejected;
    if (waits && owed_already) return none(Term::waiting, known);
    Decision out = become(Term::gone, Event::source_gone, known, RecordState::pending, "");
    out.send = true;
    out.next.owed = UpdateKind::remove;
    out.next.attempts = 0;
    return out;
}

}  // namespace kaigo::registration
