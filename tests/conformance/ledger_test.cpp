// What a ledger does, whatever engine keeps it.

#include <catch2/catch.hpp>

#include "conformance/ledger_fixture.h"
#include "registration/consent.h"
#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::ledger;
using namespace kaigo::registration;
using test::kKey;
using test::kNoon;
using test::LedgerFixture;
using test::sending;

TEST_CASE("a batch that a dead process was sending is unknown, to be asked for before it is sent again") {
    LedgerFixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    CHECK(f.state() == "sending");
    f.open();
    CHECK(f.ledger->batch(id).state == BatchState::unknown);
    CHECK(f.state() == "unknown");
    CHECK(f.ledger->batches(f.insurer, BatchState::unknown, kNoon) == std::vector<BatchId>{id});
}

TEST_CASE("the ledger is opened by one process at a time") {
    LedgerFixture f;
    CHECK(f.store.open(kNoon).error().code == ErrorCode::busy);
}

TEST_CASE("a result lands once: the record's state guards it") {
    LedgerFixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    const Batch batch = f.ledger->batch(id);
    f.land(id, {true, true, "", {}});
    CHECK(f.state() == "registered");
    CHECK_FALSE(f.ledger->members_in_flight(batch)[0]);
}

TEST_CASE("a record that leaves the normal path has a history, one that does not has none") {
    LedgerFixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    f.land(id, {true, true, "", {}});
    auto view = f.store.view();
    CHECK(view->records_of("", kKey)[0].history.empty());

    const std::string other = "0000000002";
    const BatchId second = f.send("R2", {sending(other, 1)});
    f.ledger->batch_accepted(second, BatchState::sending, "N2", kNoon);
    f.land(second, {false, true, "KJP0001", ErrorClass::pmh_case});
    const auto record = view->records_of("", other)[0];
    CHECK(record.state == "stored_in_error");
    CHECK(record.case_error == "KJP0001");
    REQUIRE(record.history.size() == 1);
    CHECK(record.history[0].event == "stored-without-link");
    CHECK(record.history[0].request_id == "R2");
}

TEST_CASE("the body is needed while a record is owed from it") {
    LedgerFixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    f.land(id, {false, false, "KJR0099", ErrorClass::transient});
    CHECK(f.ledger->body_needed(id));
    CHECK(f.ledger->open_request_ids() == std::vector<std::string>{"R1"});
    CHECK(f.ledger->owed(f.insurer, kNoon, 10).empty());
    const auto owed = f.ledger->owed(f.insurer, kNoon + std::chrono::hours(1), 10);
    REQUIRE(owed.size() == 1);
    CHECK(owed[0].request_id == "R1");
    CHECK(f.ledger->next_due(f.insurer, kNoon) > kNoon);
}

TEST_CASE("a change that is no edge of the table is refused, and nothing of it is written") {
    LedgerFixture f;
    Change change{kKey, RecordState::absent, Event::succeeded, {}, Term::created, {}, {}, {}, {}};
    change.next.state = RecordState::registered;
    CHECK_THROWS_AS(f.ledger->apply_changes(1, f.insurer, f.kind, "key1", {change}, kNoon), std::logic_error);
    CHECK(f.state() == "absent");
}

TEST_CASE("an account closes only when every row is explained") {
    LedgerFixture f;
    f.run = f.ledger->start_run(JobName::daily_sync, "", "test", kNoon);
    const auto comparison = f.ledger->start_comparison(f.run, f.insurer, f.kind, "all");
    Sending one = sending(kKey, 1);
    one.comparison = comparison;
    const BatchId id = f.send("R1", {one});
    Accounting left;
    left.read = 1;
    left.created = 1;
    f.ledger->finish_comparison(comparison, left, ComparisonEnd::done, true);
    CHECK(f.ledger->close_accounts(f.run).empty());  // still owed: explained
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    f.land(id, {true, true, "", {}});
    CHECK(f.ledger->close_accounts(f.run).empty());
    left.read = 2;
    f.ledger->finish_comparison(comparison, left, ComparisonEnd::done, true);
    CHECK(f.ledger->close_accounts(f.run) == std::vector<ComparisonId>{comparison});
}

TEST_CASE("a person's deletion is released when no dependant is left") {
    LedgerFixture f;
    const KindId consent = f.ledger->ensure_kind("comprehensive-consents");
    Change person{kKey, RecordState::absent, Event::source_incomplete, {}, Term::blocked, {}, {}, {}, {}};
    person.next.state = RecordState::blocked;
    person.next.owed = UpdateKind::remove;
    person.next.on_platform = true;
    f.ledger->apply_changes(1, f.insurer, f.kind, "key1", {person}, kNoon);
    Change dependant{kKey + std::string("\0\0\0\1", 4),
                     RecordState::absent,
                     Event::source_unusable,
                     {},
                     Term::rejected,
                     {},
                     {},
                     {},
                     {}};
    dependant.next.state = RecordState::rejected;
    dependant.next.on_platform = true;
    f.ledger->apply_changes(1, f.insurer, consent, "key1", {dependant}, kNoon);
    CHECK(f.ledger->release_deletions(f.insurer, f.kind, {consent}, kNoon) == 0);
    Change gone{dependant.key, RecordState::rejected, Event::source_gone, {}, Term::gone, {}, {}, {}, {}};
    f.ledger->apply_changes(1, f.insurer, consent, "key1", {gone}, kNoon);
    CHECK(f.ledger->release_deletions(f.insurer, f.kind, {consent}, kNoon) == 1);
    CHECK(f.state() == "pending");
}

TEST_CASE("held records are owed again on an operator's word, a refused deletion as a deletion") {
    LedgerFixture f;
    Change refused{kKey, RecordState::absent, Event::source_unusable, {}, Term::rejected, {}, {}, {}, {}};
    refused.next.state = RecordState::rejected;
    refused.next.on_platform = true;
    refused.next.owed = UpdateKind::remove;
    refused.next.reason = "KJR0005";
    Change held = refused;
    held.key = "0000000002";
    held.next.owed.reset();
    f.ledger->apply_changes(1, f.insurer, f.kind, "key1", {refused, held}, kNoon);
    CHECK(f.ledger->resend_held(f.insurer, {}, "", "KJR0001", "operator", kNoon) == 0);
    CHECK(f.ledger->resend_held(f.insurer, {}, "", "", "operator", kNoon) == 2);
    const auto owed = f.ledger->owed(f.insurer, kNoon, 10);
    REQUIRE(owed.size() == 1);
    CHECK(owed[0].entry.standing.owed == UpdateKind::remove);
    CHECK(f.ledger->keys_to_read(f.insurer, f.kind, {}, kNoon) == std::vector<std::string>{"0000000002"});
}

TEST_CASE("a deletion whose body is lost stays sendable: it needs none") {
    LedgerFixture f;
    Change gone{kKey, RecordState::absent, Event::source_new, {}, Term::gone, {}, {}, {}, {}};
    gone.next.state = RecordState::pending;
    gone.next.on_platform = true;
    gone.next.owed = UpdateKind::remove;
    Change update = gone;
    update.key = "0000000002";
    update.next.owed = UpdateKind::update;
    f.ledger->apply_changes(1, f.insurer, f.kind, "key1", {gone, update}, kNoon);
    f.ledger->mark_body_lost(f.insurer, f.kind, gone.key, kNoon);
    f.ledger->mark_body_lost(f.insurer, f.kind, update.key, kNoon);
    const auto owed = f.ledger->owed(f.insurer, kNoon, 10);
    REQUIRE(owed.size() == 1);
    CHECK(owed[0].entry.key == gone.key);
    CHECK(f.ledger->keys_to_read(f.insurer, f.kind, {}, kNoon) == std::vector<std::string>{update.key});
}

TEST_CASE("setup is complete when nothing is owed or in flight") {
    LedgerFixture f;
    f.ledger->start_setup(f.insurer, "2026-11-01", kNoon);
    CHECK_FALSE(f.ledger->setup_settled(f.insurer));  // not compared yet
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->setup_compared(f.insurer, kNoon);
    CHECK_FALSE(f.ledger->setup_settled(f.insurer));
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    f.land(id, {false, true, "KJP0001", ErrorClass::pmh_case});  // a case counts as settled
    CHECK(f.ledger->setup_settled(f.insurer));
    f.ledger->complete_setup(f.insurer, kNoon);
    CHECK(f.ledger->setup(f.insurer)->completed);
}

TEST_CASE("a case opens with its first error, steps are written once, and a stale step is refused") {
    LedgerFixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    const Batch batch = f.ledger->batch(id);
    const Answer answer{false, true, "KJP0001", ErrorClass::pmh_case};
    auto got = apply_result(f.ledger->members_in_flight(batch)[0]->standing, answer, {}, 0, 0);
    CaseStep opening{{0, f.insurer, f.kind, kKey, {}, 0, true}, {}, {}, true, "", ""};
    apply_to_case(opening.next, answer, got, opening.moves);
    f.ledger->apply_outcomes(batch,
                             {{*f.ledger->members_in_flight(batch)[0], got, "KJP0001", maybe(opening)}},
                             BatchState::settled, "", kNoon);
    CHECK(f.state() == "stored_in_error");
    CHECK(f.ledger->cases_to_look_at(f.insurer, f.kind, true).size() == 1);
    CHECK(f.ledger->cases_to_look_at(f.insurer, f.kind, false).empty());

    const auto known = f.ledger->open_case(f.insurer, f.kind, kKey);
    REQUIRE(known);
    CHECK(known->pmh_case.state == CaseState::awaiting_mynumber_check);
    CaseStep decision{*known, known->pmh_case, {}, false, "clerk", "card seen"};
    REQUIRE(decide_case(decision.next, CaseEvent::mynumber_correct, LeftReason::none, decision.moves));
    f.ledger->step_cases({decision}, kNoon);
    CHECK_THROWS_AS(f.ledger->step_cases({decision}, kNoon), Conflict);
    CHECK(f.ledger->case_decided(known->id, known->version, CaseEvent::mynumber_correct));
    CHECK_FALSE(f.ledger->case_decided(known->id, known->version, CaseEvent::mynumber_wrong));
    CHECK(f.ledger->cases_to_look_at(f.insurer, f.kind, false).size() == 1);

    CaseStep look{*f.ledger->open_case(f.insurer, f.kind, kKey), {}, {}, true, "", ""};
    look.next = look.known.pmh_case;
    look.next.seen = {{"exempt", "2026-10-01"}, {"enrolled", ""}, "122069"};
    follow_evidence(look.next, look.moves);
    f.ledger->step_cases({look}, kNoon);
    f.open();  // what a step wrote survives
    const auto after = f.ledger->open_case(f.insurer, f.kind, kKey);
    REQUIRE(after);
    CHECK(after->pmh_case == look.next);
    CHECK(after->pmh_case.left == LeftReason::exempt);
    CHECK_FALSE(after->to_be_looked_at);
}

TEST_CASE("dependants of a person that was registered anew are probed, but for what is the platform's own") {
    LedgerFixture f;
    const KindId consents = f.ledger->ensure_kind("comprehensive-consents");
    const std::string own = kKey + std::string("\0\0\0\1", 4);
    const std::string offices = kKey + std::string("\0\0\0\2", 4);
    Change registered{own, RecordState::absent, Event::platform_owned, {}, Term::unchanged, {}, {}, {}, {}};
    registered.next.state = RecordState::registered;
    registered.next.on_platform = true;
    Change platform_owned = registered;
    platform_owned.key = offices;
    platform_owned.next.platform_owned = true;
    f.ledger->apply_changes(1, f.insurer, consents, "key1", {registered, platform_owned}, kNoon);
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    const Batch batch = f.ledger->batch(id);
    Standing anew = f.ledger->members_in_flight(batch)[0]->standing;
    anew.recreating = true;
    const auto got = apply_result(anew, {true, true, "", {}}, {}, 0, 0);
    REQUIRE(got.next.recreating);
    f.ledger->apply_outcomes(batch, {{*f.ledger->members_in_flight(batch)[0], got, "", nullptr}},
                             BatchState::settled, "", kNoon);
    CHECK(f.ledger->probe_recreated(f.insurer, f.kind, {consents}, kNoon) == 1);
    CHECK(f.ledger->probe_recreated(f.insurer, f.kind, {consents}, kNoon) == 0);  // once
    CHECK(f.ledger->keys_to_read(f.insurer, consents, f.kind, kNoon) == std::vector<std::string>{own});
}

TEST_CASE("a run that broke off leaves its requests unknown to the next run of that insurer alone") {
    LedgerFixture f;
    const BatchId mine = f.send("R1", {sending(kKey, 1)});
    f.ledger->interrupt(f.ledger->ensure_insurer("131016"), kNoon);
    CHECK(f.ledger->batch(mine).state == BatchState::sending);
    f.ledger->interrupt(f.insurer, kNoon);
    CHECK(f.ledger->batch(mine).state == BatchState::unknown);
}

TEST_CASE("a job that settles has work while something is due, and none before or after") {
    LedgerFixture f;
    CHECK(!f.ledger->has_work(f.insurer, kNoon));
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    CHECK(f.ledger->has_work(f.insurer, kNoon));
    CHECK(!f.ledger->has_work(f.ledger->ensure_insurer("131016"), kNoon));
    f.ledger->move_batch(id, BatchState::submitted, BatchState::submitted, "", kNoon + Duration(60'000), 0,
                         kNoon);
    CHECK(!f.ledger->has_work(f.insurer, kNoon));
    CHECK(f.ledger->has_work(f.insurer, kNoon + Duration(60'000)));
    f.land(id, {true, true, "", {}});
    CHECK(!f.ledger->has_work(f.insurer, kNoon + Duration(60'000)));
}

TEST_CASE("what is past its retention goes; what stands, and what explains it, stays") {
    LedgerFixture f;
    const auto day = std::chrono::hours(24);
    f.run = f.ledger->start_run(JobName::daily_sync, "", "test", kNoon);
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->end_run(f.run, RunEnd::done, 0, "", kNoon);
    const RunId poll = f.ledger->start_run(JobName::collect_results, "122192", "schedule", kNoon);
    f.ledger->end_run(poll, RunEnd::done, 0, "", kNoon);
    const RunId last = f.ledger->start_run(JobName::collect_results, "122192", "schedule", kNoon + day);
    f.ledger->end_run(last, RunEnd::done, 0, "", kNoon + day);
    f.ledger->alarm(f.insurer, "request-refused", "", kNoon);
    const auto gone = f.ledger->erase_past(kNoon, kNoon + 2 * day);
    CHECK(gone.history == 0);
    CHECK(gone.runs == 1);  // the poll that is not the last of its kind
    auto view = *f.store.view();
    CHECK(!view.run(poll));
    CHECK(view.run(last));
    CHECK(f.ledger->erase_past(kNoon + 2 * day, kNoon + 2 * day).history ==
          1);  // the alarm; the open request's history stays
    CHECK(f.state() == "sending");
    CHECK(f.ledger->batch(id).state == BatchState::sending);
}

TEST_CASE("the schedule goes by runs that did their work, and a setup that broke off is known") {
    LedgerFixture f;
    const auto ended = [&](JobName job, const char* insurer, RunEnd how, int status, int hour) {
        const Instant at = kNoon + std::chrono::hours(hour);
        f.ledger->end_run(f.ledger->start_run(job, insurer, "test", at), how, status, "", at);
    };
    ended(JobName::daily_sync, "", RunEnd::done, 0, 0);
    ended(JobName::daily_sync, "122192", RunEnd::needs_person, 1, 1);
    ended(JobName::daily_sync, "122192", RunEnd::later, 75, 2);
    ended(JobName::daily_sync, "122192", RunEnd::failed, 69, 3);
    auto view = *f.store.view();
    const auto last = view.last_starts();
    REQUIRE(last.size() == 2);
    CHECK(last[0].insurer.empty());
    CHECK(last[1].started_at == to_milliseconds(kNoon + std::chrono::hours(1)));
    CHECK(!view.setup_broke_off("122192"));
    f.ledger->start_setup(f.insurer, "2026-11-01", kNoon);
    f.ledger->start_run(JobName::initial_setup, "122192", "test", kNoon);
    f.open();  // as the next process finds it
    CHECK(view.setup_broke_off("122192"));
    ended(JobName::initial_setup, "122192", RunEnd::later, 75, 4);
    CHECK(!view.setup_broke_off("122192"));
}

namespace {

/// A record that becomes what `next` says without being sent.
void become(LedgerFixture& f, KindId kind, const std::string& key, RecordState from, Event event,
            Standing next, std::optional<std::int64_t> consent = std::nullopt) {
    const auto comparison = f.ledger->start_comparison(f.run, f.insurer, kind, "all");
    f.ledger->apply_changes(
        comparison, f.insurer, kind, "key1",
        {{key, from, event, std::move(next), Term::changed, std::nullopt, std::nullopt, consent, nullptr}},
        kNoon);
}

Standing registered() {
    Standing out;
    out.state = RecordState::registered;
    out.on_platform = true;
    out.platform_owned = true;  // the only way there without a request
    return out;
}

}  // namespace

TEST_CASE("what a comparison counted is there beside the next one") {
    LedgerFixture f;
    CHECK_FALSE(f.ledger->baseline(f.insurer, f.kind));
    Baseline baseline{7, "m", "s", "k", {{"item:survey.remarks", 3}, {"query:evidence", 0}}};
    f.ledger->set_baseline(f.insurer, f.kind, baseline);
    f.open();
    CHECK(f.ledger->baseline(f.insurer, f.kind)->contents == baseline.contents);
    baseline.contents.clear();
    f.ledger->set_baseline(f.insurer, f.kind, baseline);
    CHECK(f.ledger->baseline(f.insurer, f.kind)->contents.empty());
}

TEST_CASE("what a person must see to stands until the next comparison, and says whether the kind is held") {
    LedgerFixture f;
    const KindId other = f.ledger->ensure_kind("care-certifications");
    f.ledger->set_attention(f.insurer, f.kind,
                            {{attention::kOrphans, 2, "two"}, {attention::kHeldDrop, 5, "five"}}, kNoon);
    CHECK(f.ledger->is_suspended(f.insurer, f.kind));
    CHECK(f.ledger->is_suspended(f.insurer, std::nullopt));
    CHECK_FALSE(f.ledger->is_suspended(f.insurer, other));
    auto view = f.store.view();
    const auto rows = view->attention();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].kind == "insured-persons");
    CHECK(rows[0].attention.code == attention::kHeldDrop);
    CHECK(rows[0].attention.detail == "five");
    f.ledger->set_attention(f.insurer, f.kind, {{attention::kOrphans, 1, "one"}}, kNoon);
    CHECK_FALSE(f.ledger->is_suspended(f.insurer, std::nullopt));
    CHECK(view->attention().size() == 1);
}

TEST_CASE("a record whose deletion is withheld knows it") {
    LedgerFixture f;
    become(f, f.kind, kKey, RecordState::absent, Event::platform_owned, registered());
    auto view = f.store.view();
    CHECK_FALSE(view->records_of("", kKey)[0].withheld);
    f.ledger->withhold(f.insurer, f.kind, {kKey});
    CHECK(view->records_of("", kKey)[0].withheld);
    f.ledger->withhold(f.insurer, f.kind, {});
    CHECK_FALSE(view->records_of("", kKey)[0].withheld);
}

TEST_CASE("of each person the latest withdrawal that was told is known, whatever record told it") {
    LedgerFixture f;
    const KindId consents = f.ledger->ensure_kind("comprehensive-consents");
    const auto told = [](ConsentReason reason, unsigned day) {
        return ConsentVerdict{reason, *Date::from(2026, 10, day)}.packed();
    };
    become(f, consents, kKey + "1", RecordState::absent, Event::platform_owned, registered(),
           told(ConsentReason::act_withdrawn, 5));
    become(f, f.kind, kKey + "2", RecordState::absent, Event::platform_owned, registered(),
           told(ConsentReason::withdrawn, 9));
    become(f, f.kind, "00000000032", RecordState::absent, Event::platform_owned, registered(),
           told(ConsentReason::granted, 9));
    Standing never;
    never.state = RecordState::rejected;
    never.reason = "KJR0004";
    become(f, consents, "00000000041", RecordState::absent, Event::source_unusable, never,
           told(ConsentReason::act_withdrawn, 5));
    const auto found = f.ledger->withdrawals(f.insurer);
    REQUIRE(found.size() == 1);
    const auto last = ConsentVerdict{ConsentReason::withdrawn, *Date::from(2026, 10, 9)}.packed_day();
    CHECK(found.at(kKey).told == last);
    CHECK(found.at(kKey).stands == last);
}

TEST_CASE("a withdrawal that was told outlives its record, until its person is named") {
    LedgerFixture f;
    const KindId consents = f.ledger->ensure_kind("comprehensive-consents");
    const auto verdict = ConsentVerdict{ConsentReason::act_withdrawn, *Date::from(2026, 10, 5)};
    become(f, consents, kKey + "1", RecordState::absent, Event::platform_owned, registered(),
           verdict.packed());
    become(f, consents, kKey + "1", RecordState::registered, Event::source_gone, Standing());
    const auto found = f.ledger->withdrawals(f.insurer);
    REQUIRE(found.contains(kKey));
    CHECK(found.at(kKey).told == verdict.packed_day());
    CHECK(found.at(kKey).stands == 0);
    Standing held;
    held.state = RecordState::rejected;
    held.reason = reason::kWithdrawnBefore;
    become(f, f.kind, kKey, RecordState::absent, Event::source_unusable, held);
    CHECK(f.ledger->resend_held(f.insurer, std::nullopt, kKey, held.reason, "someone", kNoon) == 1);
    CHECK(f.ledger->withdrawals(f.insurer).empty());
}

TEST_CASE("a person stays while one of the records is not on its way out") {
    LedgerFixture f;
    const KindId consents = f.ledger->ensure_kind("comprehensive-consents");
    const std::vector<KindId> kinds{f.kind, consents};
    const auto nothing_gone = [](KindId, std::string_view) { return false; };
    const auto consent_gone = [&](KindId kind, std::string_view) { return kind == consents; };
    CHECK_FALSE(f.ledger->person_stays(f.insurer, kinds, kKey, nothing_gone));
    become(f, consents, kKey + "1", RecordState::absent, Event::platform_owned, registered());
    CHECK(f.ledger->person_stays(f.insurer, kinds, kKey, nothing_gone));
    CHECK_FALSE(f.ledger->person_stays(f.insurer, kinds, kKey, consent_gone));
    CHECK_FALSE(f.ledger->person_stays(f.insurer, kinds, "0000000009", nothing_gone));
    Standing leaving;
    leaving.state = RecordState::rejected;
    leaving.owed = UpdateKind::remove;
    leaving.then_create = true;
    become(f, f.kind, kKey, RecordState::absent, Event::source_unusable, leaving);
    CHECK(f.ledger->person_stays(f.insurer, kinds, kKey, consent_gone));
    leaving.then_create = false;
    become(f, f.kind, kKey, RecordState::rejected, Event::source_unusable, leaving);
    CHECK_FALSE(f.ledger->person_stays(f.insurer, kinds, kKey, consent_gone));
}

TEST_CASE("a kind that is held keeps what else must be seen to") {
    LedgerFixture f;
    f.ledger->set_attention(f.insurer, f.kind,
                            {{attention::kOrphans, 2, "two"}, {attention::kHeldDrop, 5, "five"}}, kNoon);
    f.ledger->suspend(f.insurer, f.kind, {{attention::kHeldChange, 7, "seven"}}, kNoon);
    const auto rows = f.store.view()->attention();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].attention.code == attention::kHeldChange);
    CHECK(rows[1].attention.code == attention::kOrphans);
}

TEST_CASE("a consent that was withdrawn is released by its person and reason alone") {
    LedgerFixture f;
    Standing held;
    held.state = RecordState::rejected;
    held.reason = reason::kWithdrawnBefore;
    become(f, f.kind, kKey, RecordState::absent, Event::source_unusable, held);
    const std::string why(reason::kWithdrawnBefore);
    CHECK(f.ledger->resend_held(f.insurer, std::nullopt, "", "", "someone", kNoon) == 0);
    CHECK(f.ledger->resend_held(f.insurer, f.kind, kKey, "", "someone", kNoon) == 0);
    CHECK(f.ledger->resend_held(f.insurer, f.kind, "", why, "someone", kNoon) == 0);
    CHECK(f.ledger->resend_held(f.insurer, std::nullopt, kKey, why, "someone", kNoon) == 1);
    auto view = f.store.view();
    const auto record = view->records_of("", kKey)[0];
    CHECK(record.state == "pending");
    CHECK(record.reason == reason::kWithdrawalReleased);
    CHECK(record.history.back().actor == "someone");
}

TEST_CASE("a deletion that waits for what stays in the source is told, one that waits for deletions is not") {
    LedgerFixture f;
    const KindId consents = f.ledger->ensure_kind("comprehensive-consents");
    Standing gone;
    gone.state = RecordState::blocked;
    gone.reason = reason::kDependants;
    gone.owed = UpdateKind::remove;
    become(f, f.kind, kKey, RecordState::absent, Event::platform_owned, registered());
    become(f, consents, kKey + "1", RecordState::absent, Event::platform_owned, registered());
    gone.on_platform = true;
    become(f, f.kind, kKey, RecordState::registered, Event::dependants_remain, gone);
    auto view = f.store.view();
    REQUIRE(view->stuck_deletions().size() == 1);
    CHECK(view->stuck_deletions()[0].count == 1);
    CHECK(view->records_of("", kKey)[0].dependants_in_source == 1);
    Standing leaving = registered();
    leaving.state = RecordState::pending;
    leaving.owed = UpdateKind::remove;
    become(f, consents, kKey + "1", RecordState::registered, Event::source_gone, leaving);
    CHECK(view->stuck_deletions().empty());
}

TEST_CASE("a case that came back says how often, and what a person answered last") {
    LedgerFixture f;
    const auto error = [&](const char* request) {
        const BatchId id = f.send(request, {sending(kKey, 1)});
        f.ledger->batch_accepted(id, BatchState::sending, request, kNoon);
        f.land(id, {false, true, "KJP0001", ErrorClass::pmh_case});
    };
    error("R1");
    auto view = f.store.view();
    CHECK(view->cases({})[0].recurrences == 0);
    KnownCase known = *f.ledger->open_case(f.insurer, f.kind, kKey);
    CaseStep step{known, known.pmh_case, {}, false, "a clerk", "a note"};
    REQUIRE(decide_case(step.next, CaseEvent::mynumber_correct, LeftReason::none, step.moves));
    step.next.seen = {{"not-exempt", ""}, {"enrolled", "2026-10-01"}, ""};
    follow_evidence(step.next, step.moves);
    REQUIRE(step.moves.size() == 3);
    f.ledger->step_cases({step}, kNoon);
    const auto decided = *view->pmh_case(known.id);
    CHECK(decided.history[1].actor == "a clerk");
    CHECK(decided.history[2].actor.empty());  // the source's doing
    CHECK(decided.history[2].note.empty());
    CHECK(decided.last_answer == "mynumber-correct");
    known = *f.ledger->open_case(f.insurer, f.kind, kKey);
    CaseStep back{known, known.pmh_case, {}, true, "", ""};
    REQUIRE(move_case(back.next, CaseEvent::renewal_sent, "", back.moves));
    REQUIRE(move_case(back.next, CaseEvent::result_not_linked, "KJP0001", back.moves));
    f.ledger->step_cases({back}, kNoon);
    const auto again = view->cases({})[0];
    CHECK(again.recurrences == 1);
    CHECK(again.last_answer == "mynumber-correct");
    CHECK(f.ledger->case_decided(known.id, 1, CaseEvent::mynumber_correct) == "a note");
    CHECK_FALSE(f.ledger->case_decided(known.id, 2, CaseEvent::mynumber_correct));
}

TEST_CASE("records are read in the order of their keys, as they stood when the reading began") {
    LedgerFixture f;
    const std::vector<std::string> keys = {"0000000001", "0000000002", "0000000010"};
    f.send("R1", {sending(keys[2], 1), sending(keys[0], 2), sending(keys[1], 3)});
    LedgerReader reader = f.store.records(f.insurer, f.kind);
    CHECK(reader.next()->key == keys[0]);
    f.send("R2", {sending("0000000003", 1)});
    CHECK(reader.next()->key == keys[1]);
    const Entry* last = reader.next();
    REQUIRE(last != nullptr);
    CHECK(last->key == keys[2]);
    CHECK(last->standing.state == RecordState::sending);
    CHECK(last->standing.owed == UpdateKind::create);
    CHECK(last->standing.sent == test::digest(1));
    CHECK_FALSE(last->standing.acknowledged);
    CHECK(reader.next() == nullptr);
}

TEST_CASE("what carries its dependants is on the platform and does not leave it") {
    LedgerFixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1), sending("0000000002", 1)});
    f.send("R2", {sending("0000000003", 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    f.land(id, {true, true, "", {}});
    PrerequisiteReader persons = f.store.prerequisites(f.insurer, f.kind);
    CHECK_FALSE(persons.carries_dependants("0000000000"));
    CHECK(persons.carries_dependants(kKey));
    CHECK(persons.carries_dependants("0000000002"));
    CHECK_FALSE(persons.carries_dependants("0000000003"));
    CHECK_FALSE(persons.carries_dependants("0000000009"));
}
