#include "ledger/ledger.h"

#include <catch2/catch.hpp>

#include "ledger/schema.h"
#include "ledger/view.h"
#include "registration/consent.h"
#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::ledger;
using namespace kaigo::registration;
using test::digest;
using test::kNoon;

namespace {

const std::string kKey = "0000000001";

Sending sending(const std::string& key, std::uint8_t content) {
    Sending out;
    out.member = {key, "RECORD" + key, UpdateKind::create};
    out.from = RecordState::absent;
    out.event = Event::source_new;
    out.next.state = RecordState::pending;
    out.next.owed = UpdateKind::create;
    out.next.sent = digest(content);
    out.next.sent_history = 1;
    return out;
}

/// A ledger with one batch that is being sent.
struct Fixture {
    Fixture() { open(); }
    void open() {
        ledger.reset();
        ledger = *Ledger::open(folder / "ledger.db", kNoon);
        insurer = ledger->ensure_insurer("122192");
        kind = ledger->ensure_kind("insured-persons");
    }
    BatchId send(const std::string& request, std::vector<Sending> sendings) {
        BatchDraft draft;
        draft.insurer = insurer;
        draft.kind = kind;
        draft.request_id = request;
        draft.mode = "daily";
        draft.body_digest = "d";
        draft.sendings = std::move(sendings);
        return ledger->commit_intent(run, draft, "key1", BatchState::sending, kNoon);
    }
    void land(BatchId id, const Answer& answer) {
        const Batch batch = ledger->batch(id);
        std::vector<Ledger::Landing> landings;
        for (auto& entry : ledger->flying(batch)) {
            auto got = apply_result(entry->standing, answer, {}, to_milliseconds(kNoon), 0);
            CaseStep step{ledger->open_case(insurer, kind, entry->key)
                              .value_or(KnownCase{0, insurer, kind, entry->key, {}, 0, true}),
                          {},
                          {},
                          true,
                          "",
                          ""};
            step.next = step.known.pmh_case;
            apply_to_case(step.next, answer, got, step.moves);
            const bool moved = !step.moves.empty();
            landings.push_back(
                {std::move(*entry), got, answer.error_id, moved ? maybe(std::move(step)) : nullptr});
        }
        ledger->land(batch, landings, BatchState::settled, "", kNoon);
    }
    std::string state() {
        auto view = LedgerView::open(folder / "ledger.db");
        const auto records = view->records_of("122192", kKey);
        return records.empty() ? "absent" : records[0].state;
    }

    test::Folder folder;
    std::unique_ptr<Ledger> ledger;
    InsurerId insurer = 0;
    KindId kind = 0;
    RunId run = 0;
};

}  // namespace

TEST_CASE("a batch that a dead process was sending is unknown, to be asked for before it is sent again") {
    Fixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    CHECK(f.state() == "sending");
    f.open();
    CHECK(f.ledger->batch(id).state == BatchState::unknown);
    CHECK(f.state() == "unknown");
    CHECK(f.ledger->batches(f.insurer, BatchState::unknown, kNoon) == std::vector<BatchId>{id});
}

TEST_CASE("the ledger is opened by one process at a time") {
    Fixture f;
    CHECK(Ledger::open(f.folder / "ledger.db", kNoon).error().code == ErrorCode::busy);
}

TEST_CASE("a result lands once: the record's state guards it") {
    Fixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    const Batch batch = f.ledger->batch(id);
    f.land(id, {true, true, "", {}});
    CHECK(f.state() == "registered");
    CHECK_FALSE(f.ledger->flying(batch)[0]);
}

TEST_CASE("a record that leaves the normal path has a history, one that does not has none") {
    Fixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    f.land(id, {true, true, "", {}});
    auto view = LedgerView::open(f.folder / "ledger.db");
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
    Fixture f;
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
    Fixture f;
    Change change{kKey, RecordState::absent, Event::succeeded, {}, Term::created, {}, {}, {}, {}};
    change.next.state = RecordState::registered;
    CHECK_THROWS_AS(f.ledger->apply_changes(1, f.insurer, f.kind, "key1", {change}, kNoon), std::logic_error);
    CHECK(f.state() == "absent");
}

TEST_CASE("an account closes only when every row is explained") {
    Fixture f;
    f.run = f.ledger->start_run("daily-sync", "", "test", kNoon);
    const auto comparison = f.ledger->start_comparison(f.run, f.insurer, f.kind, "all");
    Sending one = sending(kKey, 1);
    one.comparison = comparison;
    const BatchId id = f.send("R1", {one});
    Accounting left;
    left.read = 1;
    left.created = 1;
    f.ledger->finish_comparison(comparison, left, "done", true);
    CHECK(f.ledger->close_accounts(f.run).empty());  // still owed: explained
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    f.land(id, {true, true, "", {}});
    CHECK(f.ledger->close_accounts(f.run).empty());
    left.read = 2;
    f.ledger->finish_comparison(comparison, left, "done", true);
    CHECK(f.ledger->close_accounts(f.run) == std::vector<ComparisonId>{comparison});
}

TEST_CASE("a person's deletion is released when no dependant is left") {
    Fixture f;
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
    Fixture f;
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
    Fixture f;
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
    Fixture f;
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

TEST_CASE("a ledger of a newer program is refused") {
    Fixture f;
    f.ledger.reset();
    {
        sqlite::Database db(f.folder / "ledger.db", sqlite::Open::read_write);
        db.execute("PRAGMA user_version = 99");
    }
    const auto opened = Ledger::open(f.folder / "ledger.db", kNoon);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message.find("newer program") != std::string::npos);
}

TEST_CASE("what a power loss may take back is asked for again, and comes to the same end") {
    Fixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    const auto settle = [&](BatchState from) {
        f.ledger->batch_accepted(id, from, "N1", kNoon);
        REQUIRE(f.ledger->receptions_completed(f.insurer, {{id, "3"}}, "C1", kNoon));
        f.land(id, {true, true, "", ErrorClass::unknown});
    };
    // What the disk has for certain: the intent.
    const test::Folder disk;
    for (const char* file : {"ledger.db", "ledger.db-wal"})
        std::filesystem::copy(f.folder / file, disk / file);
    settle(BatchState::sending);
    CHECK(f.state() == "registered");

    f.ledger.reset();
    for (const char* file : {"ledger.db", "ledger.db-wal"}) std::filesystem::remove(f.folder / file);
    for (const char* file : {"ledger.db", "ledger.db-wal"})
        std::filesystem::copy(disk / file, f.folder / file);
    f.open();
    CHECK(f.ledger->batch(id).state == BatchState::unknown);
    CHECK(f.ledger->cursor(f.insurer).empty());
    settle(BatchState::unknown);
    CHECK(f.state() == "registered");
}

TEST_CASE("a case opens with its first error, steps are written once, and a stale step is refused") {
    Fixture f;
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->batch_accepted(id, BatchState::sending, "N1", kNoon);
    const Batch batch = f.ledger->batch(id);
    const Answer answer{false, true, "KJP0001", ErrorClass::pmh_case};
    auto got = apply_result(f.ledger->flying(batch)[0]->standing, answer, {}, 0, 0);
    CaseStep opening{{0, f.insurer, f.kind, kKey, {}, 0, true}, {}, {}, true, "", ""};
    apply_to_case(opening.next, answer, got, opening.moves);
    f.ledger->land(batch, {{*f.ledger->flying(batch)[0], got, "KJP0001", maybe(opening)}},
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
    Fixture f;
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
    Standing anew = f.ledger->flying(batch)[0]->standing;
    anew.recreating = true;
    const auto got = apply_result(anew, {true, true, "", {}}, {}, 0, 0);
    REQUIRE(got.next.recreating);
    f.ledger->land(batch, {{*f.ledger->flying(batch)[0], got, "", nullptr}}, BatchState::settled, "", kNoon);
    CHECK(f.ledger->probe_recreated(f.insurer, f.kind, {consents}, kNoon) == 1);
    CHECK(f.ledger->probe_recreated(f.insurer, f.kind, {consents}, kNoon) == 0);  // once
    CHECK(f.ledger->keys_to_read(f.insurer, consents, f.kind, kNoon) == std::vector<std::string>{own});
}

TEST_CASE("a ledger of the first version keeps its cases, each where its error puts it") {
    test::Folder folder;
    {
        sqlite::Database old(folder / "ledger.db", sqlite::Open::create);
        migrate_to(old, 1);
        old.execute(
            "INSERT INTO insurer VALUES (1, '122192'); INSERT INTO kind VALUES (1, 'insured-persons')");
        const auto record = [&](const char* key, int state, const char* reason) {
            auto insert = old.prepare(
                "INSERT INTO record (insurer, kind, key, state, flags, reason) VALUES (1, 1, ?1, ?2, 4, ?3)");
            insert.bind_blob(1, key).bind(2, state).bind(3, reason).run();
        };
        record("0000000001", 4, "KJP0001");
        record("0000000002", 4, "KJP0003");
        record("0000000003", 5, "");
        const auto open = [&](const char* key, const char* error) {
            auto insert = old.prepare(
                "INSERT INTO pmh_case (insurer, kind, key, error_id, state, opened_at) VALUES (1, 1, ?1, ?2, "
                "'awaiting-mynumber-check', 5)");
            insert.bind_blob(1, key).bind(2, error).run();
        };
        open("0000000001", "KJP0001");
        open("0000000002", "KJP0003");
    }
    const auto ledger = *Ledger::open(folder / "ledger.db", kNoon);
    const auto cases = ledger->open_cases(1, 1);
    REQUIRE(cases.size() == 2);
    CHECK(cases[0].pmh_case.state == CaseState::awaiting_mynumber_check);
    CHECK(cases[1].pmh_case.state == CaseState::awaiting_operator);
    CHECK(cases[0].version == 1);
    CHECK(ledger->cases_to_look_at(1, 1, false).size() == 2);
    LedgerReader reader(folder / "ledger.db", 1, 1);
    for (const bool in_case : {true, true, false}) {
        const Entry* entry = reader.next();
        REQUIRE(entry != nullptr);
        CHECK(entry->standing.in_case == in_case);
        CHECK(entry->standing.unlinked == in_case);
    }
}

TEST_CASE("a run that broke off leaves its requests unknown to the next run of that insurer alone") {
    Fixture f;
    const BatchId mine = f.send("R1", {sending(kKey, 1)});
    f.ledger->interrupt(f.ledger->ensure_insurer("131016"), kNoon);
    CHECK(f.ledger->batch(mine).state == BatchState::sending);
    f.ledger->interrupt(f.insurer, kNoon);
    CHECK(f.ledger->batch(mine).state == BatchState::unknown);
}

TEST_CASE("a job that settles has work while something is due, and none before or after") {
    Fixture f;
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
    Fixture f;
    const auto day = std::chrono::hours(24);
    f.run = f.ledger->start_run("daily-sync", "", "test", kNoon);
    const BatchId id = f.send("R1", {sending(kKey, 1)});
    f.ledger->end_run(f.run, "done", 0, "", kNoon);
    const RunId poll = f.ledger->start_run("collect-results", "122192", "schedule", kNoon);
    f.ledger->end_run(poll, "done", 0, "", kNoon);
    const RunId last = f.ledger->start_run("collect-results", "122192", "schedule", kNoon + day);
    f.ledger->end_run(last, "done", 0, "", kNoon + day);
    f.ledger->alarm(f.insurer, "request-refused", "", kNoon);
    const auto gone = f.ledger->erase_past(kNoon, kNoon + 2 * day);
    CHECK(gone.history == 0);
    CHECK(gone.runs == 1);  // the poll that is not the last of its kind
    auto view = *LedgerView::open(f.folder / "ledger.db");
    CHECK(!view.run(poll));
    CHECK(view.run(last));
    CHECK(f.ledger->erase_past(kNoon + 2 * day, kNoon + 2 * day).history ==
          1);  // the alarm; the open request's history stays
    CHECK(f.state() == "sending");
    CHECK(f.ledger->batch(id).state == BatchState::sending);
}

TEST_CASE("the schedule goes by runs that did their work, and a setup that broke off is known") {
    Fixture f;
    const auto ended = [&](const char* job, const char* insurer, const char* outcome, int status, int hour) {
        const Instant at = kNoon + std::chrono::hours(hour);
        f.ledger->end_run(f.ledger->start_run(job, insurer, "test", at), outcome, status, "", at);
    };
    ended("daily-sync", "", "done", 0, 0);
    ended("daily-sync", "122192", "needs-person", 1, 1);
    ended("daily-sync", "122192", "later", 75, 2);
    ended("daily-sync", "122192", "failed", 69, 3);
    auto view = *LedgerView::open(f.folder / "ledger.db");
    const auto last = view.last_starts();
    REQUIRE(last.size() == 2);
    CHECK(last[0].insurer.empty());
    CHECK(last[1].started_at == to_milliseconds(kNoon + std::chrono::hours(1)));
    CHECK(!view.setup_broke_off("122192"));
    f.ledger->start_setup(f.insurer, "2026-11-01", kNoon);
    f.ledger->start_run("initial-setup", "122192", "test", kNoon);
    f.open();  // as the next process finds it
    CHECK(view.setup_broke_off("122192"));
    ended("initial-setup", "122192", "later", 75, 4);
    CHECK(!view.setup_broke_off("122192"));
}

namespace {

/// A record that becomes what `next` says without being sent.
void become(Fixture& f, KindId kind, const std::string& key, RecordState from, Event event, Standing next,
            std::optional<std::int64_t> consent = std::nullopt) {
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
    Fixture f;
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
    Fixture f;
    const KindId other = f.ledger->ensure_kind("care-certifications");
    f.ledger->set_attention(f.insurer, f.kind,
                            {{attention::kOrphans, 2, "two"}, {attention::kHeldDrop, 5, "five"}}, kNoon);
    CHECK(f.ledger->is_held(f.insurer, f.kind));
    CHECK(f.ledger->is_held(f.insurer, std::nullopt));
    CHECK_FALSE(f.ledger->is_held(f.insurer, other));
    auto view = LedgerView::open(f.folder / "ledger.db");
    const auto rows = view->attention();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].kind == "insured-persons");
    CHECK(rows[0].attention.code == attention::kHeldDrop);
    CHECK(rows[0].attention.detail == "five");
    f.ledger->set_attention(f.insurer, f.kind, {{attention::kOrphans, 1, "one"}}, kNoon);
    CHECK_FALSE(f.ledger->is_held(f.insurer, std::nullopt));
    CHECK(view->attention().size() == 1);
}

TEST_CASE("a record whose deletion is withheld knows it") {
    Fixture f;
    become(f, f.kind, kKey, RecordState::absent, Event::platform_owned, registered());
    auto view = LedgerView::open(f.folder / "ledger.db");
    CHECK_FALSE(view->records_of("", kKey)[0].withheld);
    f.ledger->withhold(f.insurer, f.kind, {kKey});
    CHECK(view->records_of("", kKey)[0].withheld);
    f.ledger->withhold(f.insurer, f.kind, {});
    CHECK_FALSE(view->records_of("", kKey)[0].withheld);
}

TEST_CASE("of each person the latest withdrawal that was told is known, whatever record told it") {
    Fixture f;
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
    Fixture f;
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
    Fixture f;
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
    Fixture f;
    f.ledger->set_attention(f.insurer, f.kind,
                            {{attention::kOrphans, 2, "two"}, {attention::kHeldDrop, 5, "five"}}, kNoon);
    f.ledger->hold(f.insurer, f.kind, {{attention::kHeldChange, 7, "seven"}}, kNoon);
    const auto rows = LedgerView::open(f.folder / "ledger.db")->attention();
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].attention.code == attention::kHeldChange);
    CHECK(rows[1].attention.code == attention::kOrphans);
}

TEST_CASE("a consent that was withdrawn is released by its person and reason alone") {
    Fixture f;
    Standing held;
    held.state = RecordState::rejected;
    held.reason = reason::kWithdrawnBefore;
    become(f, f.kind, kKey, RecordState::absent, Event::source_unusable, held);
    const std::string why(reason::kWithdrawnBefore);
    CHECK(f.ledger->resend_held(f.insurer, std::nullopt, "", "", "someone", kNoon) == 0);
    CHECK(f.ledger->resend_held(f.insurer, f.kind, kKey, "", "someone", kNoon) == 0);
    CHECK(f.ledger->resend_held(f.insurer, f.kind, "", why, "someone", kNoon) == 0);
    CHECK(f.ledger->resend_held(f.insurer, std::nullopt, kKey, why, "someone", kNoon) == 1);
    auto view = LedgerView::open(f.folder / "ledger.db");
    const auto record = view->records_of("", kKey)[0];
    CHECK(record.state == "pending");
    CHECK(record.reason == reason::kWithdrawalReleased);
    CHECK(record.history.back().actor == "someone");
}

TEST_CASE("a deletion that waits for what stays in the source is told, one that waits for deletions is not") {
    Fixture f;
    const KindId consents = f.ledger->ensure_kind("comprehensive-consents");
    Standing gone;
    gone.state = RecordState::blocked;
    gone.reason = reason::kDependants;
    gone.owed = UpdateKind::remove;
    become(f, f.kind, kKey, RecordState::absent, Event::platform_owned, registered());
    become(f, consents, kKey + "1", RecordState::absent, Event::platform_owned, registered());
    gone.on_platform = true;
    become(f, f.kind, kKey, RecordState::registered, Event::dependants_remain, gone);
    auto view = LedgerView::open(f.folder / "ledger.db");
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
    Fixture f;
    const auto error = [&](const char* request) {
        const BatchId id = f.send(request, {sending(kKey, 1)});
        f.ledger->batch_accepted(id, BatchState::sending, request, kNoon);
        f.land(id, {false, true, "KJP0001", ErrorClass::pmh_case});
    };
    error("R1");
    auto view = LedgerView::open(f.folder / "ledger.db");
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
