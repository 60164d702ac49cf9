#include "jobs/sync/outbound/exchange.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <set>

#include "jobs/runtime/ledger_store.h"
#include "jobs/runtime/stores.h"
#include "support/manual_clock.h"
#include "support/scripted_platform.h"
#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::jobs;
using Outcome = platform::SubmitResult::Outcome;
using test::CountingRandom;
using test::ManualClock;
using test::ScriptedPlatform;

namespace {

/// One insurer's exchange with a scripted platform, over a ledger and a spool of its own.
struct Fixture {
    explicit Fixture(std::uint64_t quota = 1U << 30) {
        folder.write("spool.key", std::string(32, 'k'));
        ::chmod((folder / "spool.key").c_str(), 0600);
        config::Config config;
        config.interface_spec = test::project("interface-spec/2.02");
        config.spool_key = (folder / "spool.key").string();
        config.spool = folder / "spool";
        config.audit = folder / "audit.log";
        config.spool_quota = quota;
        config::Insurer insurer{.number = *InsurerNumber::parse("122192")};
        config.insurers = {insurer};
        settings = config;
        open_ledger("ledger.db");
    }
    /// Another file is a ledger that remembers nothing.
    void open_ledger(const std::string& name) {
        exchange.reset();
        stores.reset();
        settings.ledger = folder / name;
        installation = *Installation::load(settings);
        context = std::make_unique<JobContext>(installation, environment);
        stores = *Stores::open(installation->config(), installation->keys(), clock.now());
        ledger::SharedLedger& ledger = stores->ledger();
        kind = context->specification().kind("insured-persons");
        insurer_id = ledger->ensure_insurer("122192");
        const auto run = ledger->start_run(JobName::daily_sync, "122192", "", clock.now());
        exchange = std::make_unique<Exchange>(*context, ledger, stores->spool(), platform,
                                              installation->config().insurers.front(), run, tally, observer);
    }
    void send(int records) {
        for (int i = 1; i <= records; ++i) {
            ledger::Sending sending;
            sending.member = {fmt::format("{:010}", i), "", UpdateKind::create};
            sending.from = registration::RecordState::absent;
            sending.event = registration::Event::source_new;
            sending.next.state = registration::RecordState::pending;
            sending.next.owed = UpdateKind::create;
            sending.next.sent = test::digest(static_cast<std::uint8_t>(i));
            sending.next.sent_history = 1;
            REQUIRE(exchange->outbox().add(*kind, std::move(sending),
                                           fmt::format(R"({{"insuredNumber":"{:010}"}})", i)));
        }
        REQUIRE(exchange->outbox().flush());
    }
    Result<bool> settle() {
        return exchange->settle(std::nullopt, [] { return Result<bool>(false); });
    }
    std::map<std::string, int> states() {
        auto view = *ledger_store(settings).view();
        std::map<std::string, int> out;
        for (const auto& each : view.counts()) out[each.state] += static_cast<int>(each.count);
        return out;
    }

    test::Folder folder;
    config::Config settings;
    ManualClock clock;
    CountingRandom random;
    Environment environment{clock, random, "test", {}};
    std::shared_ptr<const Installation> installation;
    std::unique_ptr<JobContext> context;
    ScriptedPlatform platform{test::specification().wire()};
    Tally tally;
    Observer observer;
    std::shared_ptr<Stores> stores;
    const spec::RecordKind* kind = nullptr;
    ledger::InsurerId insurer_id = 0;
    std::unique_ptr<Exchange> exchange;
};

std::set<std::string> ids_of(const std::vector<ScriptedPlatform::Request>& requests) {
    std::set<std::string> out;
    for (const auto& request : requests) out.insert(request.id);
    return out;
}

using States = std::map<std::string, int>;

}  // namespace

TEST_CASE("a batch that is accepted is registered, and asked for once") {
    const int records = GENERATE(1, 3);
    Fixture f;
    f.send(records);
    REQUIRE(f.settle());
    CHECK(f.platform.requests.size() == 1);
    CHECK(f.states() == States{{"registered", records}});
    CHECK(f.tally.registered == records);
    CHECK(f.stores->spool().size() == 0);
}

TEST_CASE("what may have arrived is asked for before it is sent again, and never under another id") {
    const int records = GENERATE(1, 3);
    const bool taken = GENERATE(true, false);
    Fixture f;
    f.platform.scripts = {{Outcome::no_answer, taken}};
    f.send(records);
    REQUIRE(f.settle());
    CHECK(f.platform.requests.size() == (taken ? 1 : 2));
    CHECK(ids_of(f.platform.requests).size() == 1);
    CHECK(f.states() == States{{"registered", records}});
}

TEST_CASE("what never left goes out again under the same id") {
    const int records = GENERATE(1, 3);
    Fixture f;
    f.platform.scripts = {{Outcome::not_sent, false}, {Outcome::not_sent, false}};
    f.send(records);
    REQUIRE(f.settle());
    CHECK(f.platform.requests.size() == 3);
    CHECK(ids_of(f.platform.requests).size() == 1);
    CHECK(f.states() == States{{"registered", records}});
}

TEST_CASE("a platform that asks for a pause gets it") {
    const int records = GENERATE(1, 3);
    Fixture f;
    constexpr std::chrono::hours kPause{3};
    f.platform.scripts = {{Outcome::busy, false, kPause}};
    const Instant begun = f.clock.now();
    f.send(records);
    REQUIRE(f.settle());
    CHECK(f.clock.now() >= begun + kPause);
    CHECK(ids_of(f.platform.requests).size() == 1);
    CHECK(f.states() == States{{"registered", records}});
}

TEST_CASE("what a proxy answers in the platform's place holds no record, is told once, and ends by itself") {
    const int records = GENERATE(1, 3);
    Fixture f;
    f.platform.scripts = std::vector<ScriptedPlatform::Script>(12, {Outcome::not_the_platform, false});
    const Instant begun = f.clock.now();
    f.send(records);
    REQUIRE(f.settle());
    CHECK(f.platform.requests.size() == 13);
    CHECK(ids_of(f.platform.requests).size() == 1);
    CHECK(f.states() == States{{"registered", records}});
    CHECK(f.tally.alarms == 1);
    CHECK(f.tally.rejected == 0);
    // The tries grow rarer.
    CHECK(f.clock.now() > begun + std::chrono::minutes(20));
}

TEST_CASE("a way there that is broken sees no storm because the way back is well") {
    Fixture f;
    constexpr std::size_t kTries = 10;
    f.platform.scripts = std::vector<ScriptedPlatform::Script>(kTries, {Outcome::no_answer, false});
    const Instant begun = f.clock.now();
    f.send(3);
    REQUIRE(f.settle());
    CHECK(f.platform.requests.size() == kTries + 1);
    CHECK(ids_of(f.platform.requests).size() == 1);
    CHECK(f.clock.now() > begun + std::chrono::minutes(8));
}

TEST_CASE(
    "a request that was refused comes to nothing; its records go under another one, and are held at last") {
    const int records = GENERATE(1, 3);
    const auto outcome = GENERATE(Outcome::refused, Outcome::conflict);
    Fixture f;
    SECTION("once") {
        f.platform.scripts = {{outcome, false, {}, "KJQ0400"}};
        f.send(records);
        REQUIRE(f.settle());
        // Each when it is due: perhaps in requests of their own, none of them under the refused one's id.
        CHECK(f.platform.requests.size() > 1);
        CHECK(ids_of(f.platform.requests).size() == f.platform.requests.size());
        CHECK(f.states() == States{{"registered", records}});
        CHECK(f.tally.alarms == 1);
    }
    SECTION("for ever") {
        f.platform.scripts.assign(100, {outcome, false, {}, "KJQ0400"});
        f.send(records);
        REQUIRE(f.settle());
        CHECK(f.platform.requests.size() == ids_of(f.platform.requests).size());
        CHECK(f.states() == States{{"rejected", records}});
        CHECK(f.tally.rejected == records);
    }
}

TEST_CASE("a request over the limit is split until it fits; a record alone over it is held") {
    Fixture f;
    SECTION("one record") {
        f.platform.scripts = {{Outcome::too_large, false}};
        f.send(1);
        REQUIRE(f.settle());
        CHECK(f.platform.requests.size() == 1);
        CHECK(f.states() == States{{"rejected", 1}});
    }
    SECTION("three records, of which the platform takes one at a time") {
        f.platform.scripts = {{Outcome::too_large, false}, {}, {Outcome::too_large, false}};
        f.send(3);
        REQUIRE(f.settle());
        CHECK(ids_of(f.platform.requests).size() == 5);
        CHECK(f.states() == States{{"registered", 3}});
    }
}

TEST_CASE("after a refused certificate nothing more leaves, and nothing is lost") {
    const int records = GENERATE(1, 3);
    Fixture f;
    f.platform.scripts = {{Outcome::certificate, false}};
    f.send(records);
    const auto settled = f.settle();
    REQUIRE(!settled);
    CHECK(settled.error().code == ErrorCode::certificate_refused);
    CHECK(f.platform.requests.size() == 1);
    CHECK_FALSE(f.exchange->may_send());
    CHECK(f.stores->ledger()->open_batches(f.insurer_id) == 1);
    CHECK(f.stores->spool().size() > 0);
}

TEST_CASE("a spool over its quota takes no more until what was sent has settled") {
    Fixture f(1);
    f.send(3);
    CHECK_FALSE(f.exchange->outbox().has_room());
    const auto room = f.exchange->make_room();
    REQUIRE(room);
    CHECK(*room);
    CHECK(f.states() == States{{"registered", 3}});
}

TEST_CASE("a ledger that was put back takes over what the platform has, and sends it no second time") {
    Fixture f;
    f.send(3);
    REQUIRE(f.settle());
    f.open_ledger("older.db");
    f.stores->ledger()->set_meta(look_first_mark("122192"), "yes");
    REQUIRE(f.exchange->look_for_forgotten());
    f.send(3);
    REQUIRE(f.settle());
    CHECK(f.platform.requests.size() == 1);
    CHECK(f.states() == States{{"registered", 3}});
}
