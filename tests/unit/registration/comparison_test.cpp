#include "registration/comparison.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::registration;
using test::digest;

namespace {

SourceRow row(std::uint8_t content, std::int64_t history = 1) {
    SourceRow out;
    out.digest = digest(content);
    out.history = history;
    return out;
}

Standing registered(std::uint8_t content, std::int64_t history = 1) {
    Standing out;
    out.state = RecordState::registered;
    out.on_platform = true;
    out.acknowledged = out.sent = digest(content);
    out.acknowledged_history = out.sent_history = history;
    return out;
}

/// Every decision that changes something takes an edge of the table.
Decision present(const SourceRow& source, const Standing& known, bool prerequisite = true) {
    const Decision decision = compare_present(source, known, prerequisite);
    if (decision.changes) CHECK(is_edge(known.state, decision.event, decision.next.state));
    return decision;
}

Decision gone(const Standing& known, bool dependants = false) {
    const Decision decision = compare_gone(known, dependants);
    if (decision.changes) CHECK(is_edge(known.state, decision.event, decision.next.state));
    return decision;
}

}  // namespace

TEST_CASE("a new row is sent as 新規, a changed one as 更新, the same one not at all") {
    const Decision fresh = present(row(1), {});
    CHECK(fresh.term == Term::created);
    CHECK(fresh.send);
    CHECK(fresh.next.owed == UpdateKind::create);
    const Decision changed = present(row(2), registered(1));
    CHECK(changed.term == Term::changed);
    CHECK(changed.next.owed == UpdateKind::update);
    const Decision same = present(row(1), registered(1));
    CHECK(same.term == Term::unchanged);
    CHECK_FALSE(same.changes);
}

TEST_CASE("a renumbered history is deleted and registered anew") {
    const Decision decision = present(row(2, 1), registered(1, 3));
    CHECK(decision.send);
    CHECK(decision.next.owed == UpdateKind::remove);
    CHECK(decision.next.then_create);
    CHECK(present(row(2, 4), registered(1, 3)).next.owed == UpdateKind::update);
}

TEST_CASE("a flight and a case are left alone") {
    Standing flying = registered(1);
    flying.state = RecordState::sending;
    CHECK(present(row(9), flying).term == Term::waiting);
    CHECK_FALSE(present(row(9), flying).changes);
    Standing in_case = registered(1);
    in_case.state = RecordState::stored_in_error;
    CHECK(present(row(9), in_case).term == Term::waiting);
    CHECK_FALSE(present(row(9), in_case).changes);
    CHECK_FALSE(gone(flying).changes);
}

TEST_CASE("a rejected row is held until it changes, and restored when it returns to what was acknowledged") {
    Standing held;
    held.state = RecordState::rejected;
    held.reason = "KJR0005";
    held.sent = digest(1);
    CHECK(present(row(1), held).term == Term::waiting);
    CHECK(present(row(2), held).next.owed == UpdateKind::create);
    held.on_platform = true;
    held.acknowledged = digest(7);
    held.acknowledged_history = 1;
    CHECK(present(row(2), held).next.owed == UpdateKind::update);
    const Decision restored = present(row(7), held);
    CHECK(restored.term == Term::unchanged);
    CHECK(restored.next.state == RecordState::registered);
}

TEST_CASE("a row that cannot be used keeps its place and what the platform holds") {
    SourceRow bad = row(0);
    bad.verdict = SourceRow::Verdict::unusable;
    bad.reason = "validation:name:required";
    const Decision decision = present(bad, registered(1));
    CHECK(decision.term == Term::rejected);
    CHECK(decision.next.state == RecordState::rejected);
    CHECK(decision.next.on_platform);
    CHECK_FALSE(decision.send);
    CHECK_FALSE(present(bad, decision.next).changes);  // said once
}

TEST_CASE("a record without マイナンバー is blocked and goes when the number comes") {
    SourceRow bare = row(1);
    bare.verdict = SourceRow::Verdict::no_my_number;
    const Decision blocked = present(bare, {});
    CHECK(blocked.term == Term::blocked);
    CHECK(blocked.next.state == RecordState::blocked);
    CHECK(blocked.next.reason == reason::kMyNumberMissing);
    const Decision released = present(row(1), blocked.next);
    CHECK(released.send);
    CHECK(released.next.owed == UpdateKind::create);
}

TEST_CASE("a dependant waits for its person's record") {
    const Decision blocked = present(row(1), {}, false);
    CHECK(blocked.term == Term::blocked);
    CHECK(blocked.next.reason == reason::kPrerequisite);
    CHECK_FALSE(present(row(1), blocked.next, false).changes);
    CHECK(present(row(1), blocked.next, true).send);
}

TEST_CASE("a record that the platform blocked waits longer each time") {
    Standing blocked;
    blocked.state = RecordState::blocked;
    blocked.reason = reason::kPrerequisite;
    blocked.attempts = 3;
    CHECK(present(row(1), blocked).next.attempts == 3);
}

TEST_CASE("what the platform itself originates is known and never touched") {
    SourceRow office = row(1);
    office.verdict = SourceRow::Verdict::platform_owned;
    const Decision known = present(office, {});
    CHECK(known.term == Term::unchanged);
    CHECK(known.next.platform_owned);
    CHECK_FALSE(known.send);
    CHECK_FALSE(present(office, known.next).changes);
    const Decision left = gone(known.next);
    CHECK_FALSE(left.send);
    CHECK(left.next.state == RecordState::absent);
}

TEST_CASE("only what the platform holds is deleted there") {
    CHECK(gone(registered(1)).next.owed == UpdateKind::remove);
    CHECK(gone(registered(1)).send);
    Standing never;
    never.state = RecordState::rejected;
    const Decision dropped = gone(never);
    CHECK_FALSE(dropped.send);
    CHECK(dropped.next.state == RecordState::absent);
    never.on_platform = true;
    CHECK(gone(never).send);
}

TEST_CASE("a refused deletion is held, and taken back when the row returns") {
    Standing refused = registered(1);
    refused.state = RecordState::rejected;
    refused.owed = UpdateKind::remove;
    CHECK(gone(refused).term == Term::waiting);
    CHECK(present(row(1), refused).next.state == RecordState::registered);
    CHECK(present(row(2), refused).next.owed == UpdateKind::update);
}

TEST_CASE("a person's deletion waits for the dependants, and a returning row takes it back") {
    const Decision blocked = gone(registered(1), true);
    CHECK(blocked.next.state == RecordState::blocked);
    CHECK(blocked.next.owed == UpdateKind::remove);
    CHECK_FALSE(gone(blocked.next, true).changes);
    const Decision back = present(row(1), blocked.next);
    CHECK(back.next.state == RecordState::registered);
    CHECK_FALSE(back.send);
}

TEST_CASE("a retry that is owed is not doubled, and new content takes its place") {
    Standing owed = registered(1);
    owed.state = RecordState::pending;
    owed.owed = UpdateKind::update;
    owed.sent = digest(2);
    CHECK(present(row(2), owed).term == Term::waiting);
    const Decision newer = present(row(3), owed);
    CHECK(newer.send);
    CHECK(newer.next.sent == digest(3));
    owed.needs_body = true;
    CHECK(present(row(2), owed).send);
}

TEST_CASE("a deletion that a person must allow is held, once, and comes back with its row") {
    Standing known;
    known.state = RecordState::registered;
    known.on_platform = true;
    known.acknowledged = test::digest(1);
    known.acknowledged_history = 1;
    const Decision held = hold_gone(known, reason::kWithdrawnBefore);
    CHECK(held.changes);
    CHECK_FALSE(held.send);
    CHECK(is_edge(known.state, held.event, held.next.state));
    CHECK(held.next.state == RecordState::rejected);
    CHECK(held.next.owed == UpdateKind::remove);
    CHECK_FALSE(hold_gone(held.next, reason::kWithdrawnBefore).changes);
    CHECK_FALSE(compare_gone(held.next, false).changes);
    SourceRow row;
    row.digest = test::digest(1);
    row.history = 1;
    const Decision back = compare_present(row, held.next, true);
    CHECK(back.next.state == RecordState::registered);
    CHECK_FALSE(back.send);
}
