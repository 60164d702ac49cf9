#include "registration/pmh_case.h"

#include <catch2/catch.hpp>
#include <set>

#include "registration/comparison.h"
#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::registration;
using test::digest;
using S = CaseState;
using E = CaseEvent;

namespace {

constexpr LeftReason kNoReason = LeftReason::none;

/// A case with what is done to it.
struct Walk {
    PmhCase c;
    CaseMoves moves;
    explicit Walk(S state = S::awaiting_mynumber_check) {
        c.state = state;
        c.error_id = "KJP0001";
    }
    bool decide(E finding, LeftReason why = kNoReason) { return decide_case(c, finding, why, moves); }
    void see(Fact exemption, Fact enrolment) {
        c.seen = {std::move(exemption), std::move(enrolment), ""};
        follow_evidence(c, moves);
    }
};

Standing in_error() {
    Standing out;
    out.state = RecordState::stored_in_error;
    out.reason = "KJP0001";
    out.in_case = out.on_platform = true;
    out.acknowledged = out.sent = digest(1);
    out.acknowledged_history = out.sent_history = 1;
    return out;
}

SourceRow row(std::uint8_t content, std::int64_t history = 1) {
    SourceRow out;
    out.digest = digest(content);
    out.history = history;
    return out;
}

Decision compare(Walk& walk, const SourceRow& source, const Standing& known, bool number_changed = false) {
    const Decision decision = compare_in_case(source, known, number_changed, walk.c, walk.moves);
    if (decision.changes) CHECK(is_edge(known.state, decision.event, decision.next.state));
    return decision;
}

}  // namespace

TEST_CASE("the public procedure, branch by branch, answered by a person") {
    Walk right;
    CHECK(right.decide(E::mynumber_correct));
    CHECK(right.decide(E::not_exempt));
    CHECK(right.decide(E::not_enrolled));
    CHECK(right.decide(E::enrolled));
    CHECK(right.c.state == S::ready_to_renew);
    Walk exempt;
    CHECK(exempt.decide(E::mynumber_correct));
    CHECK(exempt.decide(E::exempt));
    CHECK(exempt.c.state == S::left_in_error);
    CHECK(exempt.c.left == LeftReason::exempt);
    Walk unconfirmable(S::awaiting_enrolment_check);
    CHECK(unconfirmable.decide(E::enrolment_unconfirmable));
    CHECK(unconfirmable.c.left == LeftReason::enrolment_unconfirmable);
    Walk wrong;
    CHECK(wrong.decide(E::mynumber_wrong));
    CHECK(wrong.c.state == S::awaiting_new_mynumber);
}

TEST_CASE("an answer that does not fit the step is refused and changes nothing") {
    for (const auto& [state, name] : kCaseStateNames)
        for (const E finding : kFindings) {
            if (finding == E::leave_in_error) continue;
            Walk walk(state);
            const PmhCase before = walk.c;
            const bool fits = next_case_state(state, finding).has_value();
            CHECK(walk.decide(finding) == fits);
            if (!fits) CHECK(walk.c == before);
            CHECK_FALSE(
                Walk(state).decide(finding, LeftReason::exempt));  // a reason belongs to leave-in-error
        }
}

TEST_CASE("there are two reasons to leave a record in error, each at its own question") {
    CHECK_FALSE(Walk(S::awaiting_exemption_check).decide(E::leave_in_error));
    CHECK(Walk(S::awaiting_exemption_check).decide(E::leave_in_error, LeftReason::exempt));
    CHECK_FALSE(
        Walk(S::awaiting_exemption_check).decide(E::leave_in_error, LeftReason::enrolment_unconfirmable));
    CHECK_FALSE(Walk(S::awaiting_enrolment_check).decide(E::leave_in_error, LeftReason::exempt));
    CHECK(Walk(S::waiting_for_enrolment).decide(E::leave_in_error, LeftReason::enrolment_unconfirmable));
    CHECK_FALSE(Walk(S::awaiting_mynumber_check).decide(E::leave_in_error, LeftReason::exempt));
}

TEST_CASE("evidence moves a case where it suffices, but never past the question of the マイナンバー") {
    Walk walk;
    walk.see({"not-exempt", ""}, {"enrolled", "2026-10-01"});
    CHECK(walk.c.state == S::awaiting_mynumber_check);
    CHECK(walk.decide(E::mynumber_correct));
    walk.see({"not-exempt", ""}, {"enrolled", "2026-10-01"});
    CHECK(walk.c.state == S::ready_to_renew);
    REQUIRE(walk.moves.size() == 3);
    CHECK(walk.moves[2].evidence == "enrolled 2026-10-01");
    Walk exempt(S::awaiting_exemption_check);
    exempt.see({"exempt", "2026-01-05"}, {"enrolled", "2026-10-01"});
    CHECK(exempt.c.left == LeftReason::exempt);
    Walk unmapped(S::awaiting_exemption_check);
    unmapped.see({}, {});
    CHECK(unmapped.c.state == S::awaiting_exemption_check);
}

TEST_CASE("the same evidence drives a step once; another day or a person drives it again") {
    Walk walk(S::awaiting_exemption_check);
    const Fact enrolled{"enrolled", "2026-10-01"};
    walk.see({"not-exempt", ""}, enrolled);
    CHECK(walk.c.state == S::ready_to_renew);
    CHECK(move_case(walk.c, E::renewal_sent, "", walk.moves));
    CHECK(move_case(walk.c, E::result_not_linked, "KJP0001", walk.moves));
    CHECK(walk.decide(E::mynumber_correct));
    walk.see({"not-exempt", ""}, enrolled);
    CHECK(walk.c.state == S::awaiting_exemption_check);
    CHECK(walk.decide(E::not_exempt));
    walk.see({"not-exempt", ""}, enrolled);
    CHECK(walk.c.state == S::awaiting_enrolment_check);
    walk.see({"not-exempt", ""}, {"enrolled", "2026-11-05"});
    CHECK(walk.c.state == S::ready_to_renew);
}

TEST_CASE("left in error lasts until the facts change") {
    Walk exempt(S::awaiting_exemption_check);
    exempt.see({"exempt", "2026-01-05"}, {"not-enrolled", "2026-01-05"});
    const PmhCase left = exempt.c;
    exempt.see({"exempt", "2026-01-05"}, {"not-enrolled", "2026-01-05"});
    CHECK(exempt.c == left);
    exempt.see({"not-exempt", "2026-11-30"}, {"enrolled", "2026-12-01"});
    CHECK(exempt.c.state == S::ready_to_renew);
    Walk unconfirmable(S::awaiting_enrolment_check);
    unconfirmable.see({"not-exempt", ""}, {"unconfirmable", "2026-10-01"});
    CHECK(unconfirmable.c.state == S::left_in_error);
    unconfirmable.see({"not-exempt", ""}, {"not-enrolled", "2026-11-01"});
    CHECK(unconfirmable.c.state == S::waiting_for_enrolment);
    unconfirmable.see({"exempt", "2026-11-02"}, {"not-enrolled", "2026-11-01"});
    CHECK(unconfirmable.c.left == LeftReason::exempt);
    // A person's word stands against what the source said all along.
    Walk by_person(S::awaiting_enrolment_check);
    by_person.c.seen.enrolment = {"enrolled", "2026-10-01"};
    CHECK(by_person.decide(E::enrolment_unconfirmable));
    by_person.see({}, {"enrolled", "2026-10-01"});
    CHECK(by_person.c.state == S::left_in_error);
    CHECK_FALSE(by_person.decide(E::reopen));
    CHECK(registration::reverse_case(by_person.c, by_person.moves));
    CHECK(by_person.c.state == S::awaiting_enrolment_check);
    by_person.see({}, {"enrolled", "2026-10-01"});
    CHECK(by_person.c.state == S::awaiting_enrolment_check);  // known when the answer was taken back
}

TEST_CASE("an answer is taken back only by its own way: ②-2 to ①, ⑦ to the step whose answer it was") {
    for (const CaseEvent finding : registration::kFindings) {
        CHECK_FALSE(registration::next_case_state(S::awaiting_new_mynumber, finding));
        CHECK_FALSE(registration::next_case_state(S::left_in_error, finding));
    }
    Walk wrong(S::awaiting_mynumber_check);
    CHECK(wrong.decide(E::mynumber_wrong));
    CHECK(registration::reverse_case(wrong.c, wrong.moves));
    CHECK(wrong.c.state == S::awaiting_mynumber_check);
    Walk exempt(S::awaiting_exemption_check);
    CHECK(exempt.decide(E::exempt));
    CHECK(registration::reverse_case(exempt.c, exempt.moves));
    CHECK(exempt.c.state == S::awaiting_exemption_check);
    CHECK_FALSE(registration::reverse_case(exempt.c, exempt.moves));
    for (const auto& move : exempt.moves) CHECK(registration::is_decision(move.event));
    CHECK_FALSE(registration::is_decision(E::source_exempt));
}

TEST_CASE("an exemption that the source states no more is asked for again") {
    Walk exempt(S::awaiting_exemption_check);
    exempt.see({"exempt", "2026-01-05"}, {});
    CHECK(exempt.c.state == S::left_in_error);
    exempt.see({}, {});
    CHECK(exempt.c.state == S::awaiting_exemption_check);
    exempt.see({}, {});
    CHECK(exempt.c.state == S::awaiting_exemption_check);
    CHECK(exempt.decide(E::exempt));
    exempt.see({}, {});
    CHECK(exempt.c.state == S::left_in_error);  // a person's word, and the source as silent as before
}

TEST_CASE("a renewal that is owed, not in flight, is taken back when a person or the source says otherwise") {
    Standing owed = in_error();
    owed.state = RecordState::pending;
    owed.owed = UpdateKind::update;
    owed.reason = "KJR0099";
    owed.needs_body = true;
    Walk waits(S::awaiting_new_mynumber);
    const Decision back = compare(waits, row(1), owed);
    CHECK(back.next.state == RecordState::stored_in_error);
    CHECK_FALSE(back.send);
    Walk renewing(S::renewing);
    const Decision corrected = compare(renewing, row(1), owed, true);
    CHECK(corrected.next.owed == UpdateKind::remove);
    CHECK(corrected.next.then_create);
    owed.attempts = 7;
    Walk again(S::renewing);
    CHECK(compare(again, row(1), owed).next.attempts == 7);  // its waits go on growing
}

TEST_CASE("another number in the source: deleted, then registered anew") {
    for (const S state : {S::awaiting_mynumber_check, S::awaiting_new_mynumber, S::awaiting_exemption_check,
                          S::awaiting_enrolment_check, S::waiting_for_enrolment, S::ready_to_renew,
                          S::left_in_error, S::awaiting_operator}) {
        Walk walk(state);
        const Decision decision = compare(walk, row(2), in_error(), true);
        CHECK(walk.c.state == S::deleting);
        CHECK(decision.send);
        CHECK(decision.next.owed == UpdateKind::remove);
        CHECK(decision.next.then_create);
        CHECK(compare(walk, row(2), decision.next, true).term == Term::waiting);  // once
    }
    Walk unusable(S::awaiting_new_mynumber);
    SourceRow bad = row(2);
    bad.verdict = SourceRow::Verdict::unusable;
    CHECK_FALSE(compare(unusable, bad, in_error(), true).changes);
    CHECK(unusable.c.state == S::awaiting_new_mynumber);
}

TEST_CASE("⑥ renews only when the latest result is this very error and nothing is in flight") {
    Walk ready(S::ready_to_renew);
    const Decision renewal = compare(ready, row(1), in_error());
    CHECK(renewal.next.owed == UpdateKind::update);
    CHECK(ready.c.state == S::renewing);
    Walk other(S::ready_to_renew);
    Standing another_error = in_error();
    another_error.reason = "KJP0003";
    CHECK_FALSE(compare(other, row(1), another_error).changes);
    CHECK(other.c.state == S::ready_to_renew);
    Walk flying(S::ready_to_renew);
    Standing in_flight = in_error();
    in_flight.state = RecordState::sending;
    CHECK_FALSE(compare(flying, row(9), in_flight).changes);
    CHECK(flying.c.state == S::ready_to_renew);
}

TEST_CASE("a change of the row passes a case only when it is left in error, and keeps it") {
    for (const S state : {S::awaiting_mynumber_check, S::awaiting_new_mynumber, S::awaiting_exemption_check,
                          S::awaiting_enrolment_check, S::waiting_for_enrolment, S::awaiting_operator}) {
        Walk walk(state);
        CHECK_FALSE(compare(walk, row(2), in_error()).changes);
        CHECK(walk.c.state == state);
    }
    Walk left(S::left_in_error);
    const Decision change = compare(left, row(2), in_error());
    CHECK(change.send);
    CHECK(change.next.owed == UpdateKind::update);
    CHECK(left.c.state == S::left_in_error);
    CHECK_FALSE(compare(left, row(1), in_error()).changes);
}

TEST_CASE("a person that was gone and is back goes on in its case") {
    Standing going = in_error();
    going.state = RecordState::blocked;
    going.owed = UpdateKind::remove;
    going.reason = reason::kDependants;
    Walk waits(S::awaiting_exemption_check);
    const Decision back = compare(waits, row(1), going);
    CHECK(back.next.state == RecordState::stored_in_error);
    CHECK(back.next.reason == "KJP0001");
    Walk renewing(S::renewing);
    CHECK(compare(renewing, row(1), going).next.owed == UpdateKind::update);
    Walk deleting(S::deleting);
    CHECK(compare(deleting, row(1), going).next.then_create);
}

TEST_CASE("a refused renewal goes again once its row is mended") {
    Standing refused = in_error();
    refused.state = RecordState::rejected;
    refused.reason = "KJR0004";
    refused.sent = digest(2);
    Walk renewing(S::renewing);
    CHECK_FALSE(compare(renewing, row(2), refused).changes);
    CHECK(compare(renewing, row(3), refused).next.owed == UpdateKind::update);
    Walk left(S::left_in_error);
    CHECK(compare(left, row(1), refused).next.state == RecordState::stored_in_error);
}

TEST_CASE("why a row cannot be sent stands in its case, and goes when the row is mended") {
    Walk ready(S::ready_to_renew);
    SourceRow bad = row(2);
    bad.verdict = SourceRow::Verdict::unusable;
    bad.reason = "validation:address:required";
    CHECK_FALSE(compare(ready, bad, in_error()).changes);
    CHECK(ready.c.hindrance == bad.reason);
    CHECK(compare(ready, row(2), in_error()).send);
    CHECK(ready.c.hindrance.empty());
}

TEST_CASE("the table: every state can be reached, and every open one can be left") {
    std::set<S> reached = {S::none};
    for (bool grown = true; grown;) {
        grown = false;
        for (const CaseEdge& edge : kCaseEdges)
            if ((edge.any_open || reached.contains(edge.from)) && reached.insert(edge.to).second)
                grown = true;
    }
    CHECK(reached.size() == kCaseStateNames.size());
    for (const auto& [state, name] : kCaseStateNames)
        for (const auto& [event, event_name] : kCaseEventNames) {
            int ways = 0;
            for (const CaseEdge& edge : kCaseEdges)
                ways += edge.event == event && (edge.any_open ? is_open(state) : edge.from == state) ? 1 : 0;
            CHECK(ways <= 1);  // an event leads to one place
        }
}
