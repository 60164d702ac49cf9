#include "registration/result.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::registration;
using test::digest;

namespace {

Standing flying(UpdateKind kind, bool on_platform = false) {
    Standing out;
    out.state = RecordState::submitted;
    out.owed = kind;
    out.sent = digest(2);
    out.sent_history = 1;
    out.on_platform = on_platform;
    if (on_platform) out.acknowledged = digest(1);
    return out;
}

Consequence land(const Standing& known, const Answer& answer) {
    const Consequence out = apply_result(known, answer, {}, 1'000'000, 0);
    CHECK(is_edge(RecordState::submitted, out.event, out.next.state));
    return out;
}

Answer error(ErrorClass c, bool stored = false) { return {false, stored, "KJX0000", c}; }

}  // namespace

TEST_CASE("success acknowledges what was sent") {
    const auto out = land(flying(UpdateKind::create), {true, true, "", {}});
    CHECK(out.next.state == RecordState::registered);
    CHECK(out.next.acknowledged == digest(2));
    CHECK(out.next.on_platform);
}

TEST_CASE("stored without PMHキー is acknowledged, and a case opens") {
    PmhCase none;
    CaseMoves moves;
    auto consequence = land(flying(UpdateKind::create), error(ErrorClass::pmh_case, true));
    apply_to_case(none, error(ErrorClass::pmh_case, true), consequence, moves);
    CHECK(none.state == CaseState::awaiting_mynumber_check);
    CHECK(consequence.next.in_case);
    const auto out = land(flying(UpdateKind::create), error(ErrorClass::pmh_case, true));
    CHECK(out.next.state == RecordState::stored_in_error);
    CHECK(out.next.on_platform);
    CHECK(out.next.reason == "KJX0000");
}

TEST_CASE("a silent 中間サーバー is asked again by 更新, ever more seldom") {
    auto standing = flying(UpdateKind::create);
    const auto first = land(standing, error(ErrorClass::pmh_unanswered, true));
    CHECK(first.next.state == RecordState::pending);
    CHECK(first.next.owed == UpdateKind::update);
    CHECK(first.next.on_platform);
    standing = first.next;
    standing.state = RecordState::submitted;
    const auto second = land(standing, error(ErrorClass::pmh_unanswered, true));
    CHECK(*second.next.due_at - 1'000'000 > *first.next.due_at - 1'000'000);
}

TEST_CASE("a data error is held and leaves what was acknowledged") {
    const auto out = land(flying(UpdateKind::update, true), error(ErrorClass::data_error));
    CHECK(out.next.state == RecordState::rejected);
    CHECK(out.next.acknowledged == digest(1));
    CHECK(out.next.sent == digest(2));
}

TEST_CASE("state mismatches are mended") {
    const auto missing = land(flying(UpdateKind::update, true), error(ErrorClass::no_such_record));
    CHECK(missing.next.owed == UpdateKind::create);
    CHECK_FALSE(missing.next.on_platform);
    CHECK(missing.next.due_at == 1'000'000);  // at once
    const auto there = land(flying(UpdateKind::create), error(ErrorClass::already_registered));
    CHECK(there.next.owed == UpdateKind::update);
    CHECK(there.next.on_platform);
    CHECK_FALSE(there.next.acknowledged);
    auto again = there.next;
    again.state = RecordState::submitted;
    const auto flip = land(again, error(ErrorClass::no_such_record));
    CHECK(*flip.next.due_at > 1'000'000);  // contradicting itself: no hot loop
}

TEST_CASE("登録済 for the acknowledged content means registered") {
    auto standing = flying(UpdateKind::create, true);
    standing.acknowledged = standing.sent;
    const auto out = land(standing, error(ErrorClass::already_registered));
    CHECK(out.next.state == RecordState::registered);
    CHECK_FALSE(out.next.owed);
}

TEST_CASE("a deletion is done when it succeeded or there was nothing") {
    for (const Answer& answer : {Answer{true, false, "", {}}, error(ErrorClass::no_such_record)}) {
        const auto out = land(flying(UpdateKind::remove, true), answer);
        CHECK(out.next.state == RecordState::absent);
    }
    auto renumbered = flying(UpdateKind::remove, true);
    renumbered.then_create = true;
    const auto out = land(renumbered, {true, false, "", {}});
    CHECK(out.next.state == RecordState::pending);
    CHECK(out.next.owed == UpdateKind::create);
    CHECK(out.next.needs_body);
}

TEST_CASE("a refused deletion stays a deletion") {
    const auto out = land(flying(UpdateKind::remove, true), error(ErrorClass::data_error));
    CHECK(out.next.state == RecordState::rejected);
    CHECK(out.next.owed == UpdateKind::remove);
}

TEST_CASE("a missing prerequisite blocks, a newer version holds, a passing fault waits") {
    CHECK(land(flying(UpdateKind::create), error(ErrorClass::dependency)).next.state == RecordState::blocked);
    const auto stale = land(flying(UpdateKind::update, true), error(ErrorClass::stale));
    CHECK(stale.next.state == RecordState::rejected);
    CHECK(stale.next.on_platform);
    const auto passing = land(flying(UpdateKind::create), error(ErrorClass::transient));
    CHECK(passing.next.state == RecordState::pending);
    CHECK(passing.next.owed == UpdateKind::create);
    CHECK(*passing.next.due_at > 1'000'000);
}

TEST_CASE("a prerequisite that never comes raises an alarm, once") {
    auto standing = flying(UpdateKind::create);
    int alarms = 0;
    for (int i = 0; i < 8; ++i) {
        const auto out = land(standing, error(ErrorClass::dependency));
        alarms += out.alarm ? 1 : 0;
        standing = out.next;
        standing.state = RecordState::submitted;
        standing.owed = UpdateKind::create;
        standing.sent = digest(2);
    }
    CHECK(alarms == 1);
}

TEST_CASE("an unknown errorId is held with an alarm, and what is stored counts as stored") {
    const auto out = land(flying(UpdateKind::create), error(ErrorClass::unknown, true));
    CHECK(out.next.state == RecordState::rejected);
    CHECK(out.alarm);
    CHECK(out.next.on_platform);
    // A catalogue class that contradicts what the platform says of storing is no better than unknown.
    CHECK(land(flying(UpdateKind::create), error(ErrorClass::pmh_case, false)).alarm);
}

TEST_CASE("every class of answer to every kind of request takes an edge of the table") {
    for (const UpdateKind kind : {UpdateKind::create, UpdateKind::update, UpdateKind::remove})
        for (const auto& [error_class, name] : kErrorClassNames)
            for (const bool stored : {false, true})
                for (const bool held : {false, true}) land(flying(kind, held), error(error_class, stored));
}

TEST_CASE("an aborted request is tried five times, then held with an alarm") {
    Standing standing = flying(UpdateKind::create);
    for (int i = 1; i <= 4; ++i) {
        const auto out = apply_not_accepted(standing, reason::kAborted, true, {}, 0, 0);
        CHECK(out.next.state == RecordState::pending);
        standing = out.next;
        standing.state = RecordState::submitted;
    }
    const auto out = apply_not_accepted(standing, reason::kAborted, true, {}, 0, 0);
    CHECK(out.next.state == RecordState::rejected);
    CHECK(out.alarm);
}

TEST_CASE("backoff doubles up to its maximum and spreads over its upper half") {
    const RetryPolicy policy{1'000, 60'000, 5};
    CHECK(backoff_ms(policy, 1, 0) == 500);
    CHECK(backoff_ms(policy, 1, 65535) == 1'000);
    CHECK(backoff_ms(policy, 4, 65535) == 8'000);
    CHECK(backoff_ms(policy, 30, 65535) == 60'000);
    CHECK(backoff_ms(policy, 4'000'000'000U, 0) == 30'000);
}

TEST_CASE("a 中間サーバー that stays silent too often is an operator's") {
    auto standing = flying(UpdateKind::update, true);
    standing.attempts = RetryPolicy{}.unanswered_ceiling - 2;
    CHECK(land(standing, error(ErrorClass::pmh_unanswered, true)).next.state == RecordState::pending);
    ++standing.attempts;
    auto asked = land(standing, error(ErrorClass::pmh_unanswered, true));
    CHECK(asked.next.state == RecordState::stored_in_error);
    PmhCase pmh_case;
    CaseMoves moves;
    apply_to_case(pmh_case, error(ErrorClass::pmh_unanswered, true), asked, moves);
    CHECK(pmh_case.state == CaseState::awaiting_operator);
}

TEST_CASE("登録済 after the deletion of a wrong number deletes again, never updates the wrong person") {
    auto standing = flying(UpdateKind::create);
    standing.in_case = true;
    const auto there = land(standing, error(ErrorClass::already_registered));
    CHECK(there.next.owed == UpdateKind::remove);
    CHECK(there.next.then_create);
}

TEST_CASE("only a record that was deleted to be registered anew asks for its dependants") {
    CHECK_FALSE(land(flying(UpdateKind::create), {true, true, "", {}}).next.recreating);
    auto renumbered = flying(UpdateKind::remove, true);
    renumbered.then_create = true;
    auto anew = land(renumbered, {true, false, "", {}}).next;
    CHECK(anew.recreating);
    anew.state = RecordState::submitted;
    auto again = land(anew, error(ErrorClass::transient)).next;
    again.state = RecordState::submitted;
    const auto stored = land(again, error(ErrorClass::pmh_case, true));
    CHECK(stored.next.recreating);
    CHECK(stored.next.on_platform);
}

TEST_CASE("a probe that finds nothing out leaves nothing known of what the platform holds") {
    for (const ErrorClass c : {ErrorClass::dependency, ErrorClass::data_error, ErrorClass::unknown}) {
        auto probe = flying(UpdateKind::create, true);
        probe.acknowledged = probe.sent;
        CHECK_FALSE(land(probe, error(c)).next.acknowledged);
    }
}

TEST_CASE("what a case sends again is read again first") {
    auto renewal = flying(UpdateKind::update, true);
    renewal.in_case = true;
    CHECK(land(renewal, error(ErrorClass::transient)).next.needs_body);
    CHECK(apply_not_accepted(renewal, "batch-aborted", true, {}, 0, 0).next.needs_body);
    renewal.in_case = false;
    CHECK_FALSE(land(renewal, error(ErrorClass::transient)).next.needs_body);
}
