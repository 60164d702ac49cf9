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

/// A row that counts as present under its key but cannot be sent.
Decision waits(Term term, Event event, const Standing& known, RecordState state, std::string_view why) {
    if (known.in_flight() || known.state == RecordState::stored_in_error) return none(term, known);
    if (known.state == state && known.reason == why && known.owed != UpdateKind::remove)
        return none(term, known);
    Decision out = become(term, event, known, state, why);
    out.next.sent.reset();  // so that the next usable content counts as new
    return out;
}

Decision send(const SourceRow& row, const Standing& known, Event event, std::string_view why) {
    const Term term = known.on_platform ? Term::changed : Term::created;
    Decision out = become(term, event, known, RecordState::pending, why);
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

Decision send(const SourceRow& row, const Standing& known) {
    return send(row, known, known.state == RecordState::absent ? Event::source_new : Event::source_changed,
                "");
}

/// 削除, then 新規 with the number that stands in the source now.
Decision recreate(const Standing& known) {
    Decision out = become(Term::changed, Event::case_sends, known, RecordState::pending, reason::kNewNumber);
    out.send = true;
    out.next.attempts = 0;
    out.next.owed = UpdateKind::remove;
    out.next.then_create = true;
    return out;
}

Term term_of(const SourceRow& row) {
    return row.verdict == SourceRow::Verdict::unusable       ? Term::rejected
           : row.verdict == SourceRow::Verdict::no_my_number ? Term::blocked
                                                             : Term::waiting;
}

/// Back to the version that the platform stored without link; the case goes on from there.
Decision restore(const Standing& known, const PmhCase& pmh_case) {
    return become(Term::waiting, Event::source_restored, known, RecordState::stored_in_error,
                  pmh_case.error_id);
}

}  // namespace

Decision compare_present(const SourceRow& row, const Standing& known, bool prerequisite_on_platform) {
    // Only a probe owes 新規 of what the platform is thought to hold.
    const bool probed =
        known.state == RecordState::pending && known.on_platform && known.owed == UpdateKind::create;
    const bool same = row.verdict == SourceRow::Verdict::usable && known.acknowledged == row.digest &&
                      known.acknowledged_history == row.history;
    if (probed && !same) {
        // This row cannot be used to probe, so whether the acknowledged version still exists is unknown.
        Standing unsure = known;
        unsure.acknowledged.reset();
        unsure.owed = UpdateKind::update;
        return compare_present(row, unsure, prerequisite_on_platform);
    }
    switch (row.verdict) {
        case SourceRow::Verdict::platform_owned: {
            if (known.platform_owned) return none(Term::unchanged, known);
            if (known.state != RecordState::absent) return none(Term::waiting, known);
            Decision out = become(Term::unchanged, Event::platform_owned, known, RecordState::registered, "");
            out.next.platform_owned = true;
            return out;
        }
        case SourceRow::Verdict::unusable:
            return waits(Term::rejected, Event::source_unusable, known, RecordState::rejected, row.reason);
        case SourceRow::Verdict::no_my_number:
            return waits(Term::blocked, Event::source_incomplete, known, RecordState::blocked,
                         row.reason.empty() ? reason::kMyNumberMissing : std::string_view(row.reason));
        case SourceRow::Verdict::usable:
            break;
    }
    // A flight is not disturbed, and a case owns its record: the next comparison, or the case, sees what
    // changed.
    if (known.in_flight() || known.state == RecordState::stored_in_error) return none(Term::waiting, known);

    // A record that is stored without link is not settled just because its content is the same.
    const bool acknowledged = known.on_platform && !known.unlinked && known.acknowledged == row.digest &&
                              known.acknowledged_history == row.history;
    if (known.state == RecordState::registered) {
        if (acknowledged) return none(Term::unchanged, known);
        return send(row, known);
    }
    const bool same_as_sent = known.sent == row.digest;
    if (known.state == RecordState::pending) {
        const bool owed_deletion = known.owed == UpdateKind::remove && !known.then_create;
        const bool returned = known.owed == UpdateKind::update && !same_as_sent && !known.needs_body;
        if ((owed_deletion || returned) && acknowledged)
            return become(Term::unchanged, Event::source_restored, known, RecordState::registered, "");
        if (known.then_create)
            return none(Term::waiting, known);  // its 削除 is under way; 新規 reads the row again
        if (!owed_deletion && same_as_sent && !known.needs_body) return none(Term::waiting, known);
        if (probed) {
            // 登録済 will show that it survived the deletion of its person, anything else restores it.
            Decision out = send(row, known, Event::source_changed, reason::kProbe);
            out.next.owed = UpdateKind::create;
            return out;
        }
        if (known.in_case && same_as_sent) {
            Decision again = send(row, known);
            again.next.attempts = known.attempts;
            return again;
        }
        return send(row, known);
    }
    if (known.state == RecordState::rejected || known.state == RecordState::blocked) {
        if (acknowledged)
            return become(Term::unchanged, Event::source_restored, known, RecordState::registered, "");
        if (known.state == RecordState::rejected && same_as_sent) return none(Term::waiting, known);
    }
    if (!prerequisite_on_platform)
        return waits(Term::blocked, Event::source_incomplete, known, RecordState::blocked,
                     reason::kPrerequisite);
    return send(row, known);
}

Decision compare_in_case(const SourceRow& row, const Standing& known, bool number_changed, PmhCase& pmh_case,
                         CaseMoves& moves) {
    pmh_case.hindrance = row.verdict == SourceRow::Verdict::usable ? "" : row.reason;
    const bool deletion = known.owed == UpdateKind::remove && known.state != RecordState::stored_in_error;
    if (deletion && known.then_create) return none(term_of(row), known);  // 新規 reads the row again
    if (row.verdict != SourceRow::Verdict::usable || known.in_flight() || !known.on_platform)
        return compare_present(row, known, true);
    // A deletion was owed because the row was gone; now the row is back.
    const bool rests = known.state == RecordState::stored_in_error || deletion;

    if (number_changed) move_case(pmh_case, CaseEvent::source_number_changed, "", moves);
    if (number_changed && move_case(pmh_case, CaseEvent::source_number_ready, "", moves))
        return recreate(known);
    // What the case had begun before the row left is begun again.
    if (rests && pmh_case.state == CaseState::deleting) return recreate(known);
    const bool under_way =
        pmh_case.state == CaseState::renewing || pmh_case.state == CaseState::registering_anew;
    if (rests && under_way) return send(row, known, Event::case_sends, reason::kRenewal);
    // ⑥: the latest result is this very error, or an error of the row's content that the row has mended.
    const bool same_as_sent = known.sent == row.digest;
    const bool latest_is_this =
        known.state == RecordState::stored_in_error && known.reason == pmh_case.error_id;
    const bool mended = known.state == RecordState::rejected && !deletion && !same_as_sent;
    if ((latest_is_this || mended) && move_case(pmh_case, CaseEvent::renewal_sent, "", moves))
        return send(row, known, Event::case_sends, reason::kRenewal);

    const bool acknowledged = known.acknowledged == row.digest && known.acknowledged_history == row.history;
    const bool sends = pmh_case.state == CaseState::left_in_error || under_way;
    if (rests) {
        if (pmh_case.state == CaseState::left_in_error && !acknowledged)
            return send(row, known, Event::source_changed, "");
        return deletion ? restore(known, pmh_case) : none(Term::waiting, known);
    }
    if (known.state == RecordState::pending) {
        if (!sends) return restore(known, pmh_case);
        if (same_as_sent && !known.needs_body) return none(Term::waiting, known);
        Decision again = send(row, known, Event::source_changed, known.reason);
        if (same_as_sent) again.next.attempts = known.attempts;
        return again;
    }
    if (known.state == RecordState::rejected && same_as_sent) return none(Term::waiting, known);
    if (!sends || (acknowledged && pmh_case.state == CaseState::left_in_error))
        return restore(known, pmh_case);
    return send(row, known, Event::source_changed, "");
}

Decision compare_gone(const Standing& known, bool dependants_on_platform) {
    if (known.platform_owned) {
        // The row left the source; the consent itself is the platform's and stays there.
        Decision out = become(Term::gone, Event::source_gone, known, RecordState::absent, "");
        return out;
    }
    if (known.in_flight()) return none(Term::waiting, known);
    // A record that was deleted to be registered anew, and whose row left before that, stays until its
    // dependants are gone too.
    if (!known.on_platform && !known.recreating)
        return become(Term::gone, Event::source_gone, known, RecordState::absent, "");
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

Decision hold_gone(const Standing& known, std::string_view why) {
    if (known.state == RecordState::rejected && known.reason == why) return none(Term::waiting, known);
    Decision out = become(Term::gone, Event::source_unusable, known, RecordState::rejected, why);
    out.next.owed = UpdateKind::remove;
    return out;
}

}  // namespace kaigo::registration
