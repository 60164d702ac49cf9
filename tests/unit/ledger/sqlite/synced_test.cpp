// What is on the disk when a call of the ledger returns.

#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "ledger/store.h"
#include "unit/support.h"

namespace {
int synced_logs = 0;
}

/// Stands before the C library's, for SQLite too.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
extern "C" int fdatasync(int descriptor) {
    std::error_code ignored;
    const auto name = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), ignored);
    if (name.string().ends_with("ledger.db-wal")) ++synced_logs;
    return static_cast<int>(syscall(SYS_fdatasync, descriptor));
}

using namespace kaigo;
using namespace kaigo::ledger;
using namespace kaigo::registration;
using test::kNoon;

TEST_CASE(
    "an intent is on the disk before it is sent, and takes with it what the platform would tell again") {
    const test::Folder folder;
    const auto ledger = *Store(folder / "ledger.db").open(kNoon);
    const auto insurer = ledger->ensure_insurer("122192");
    const auto kind = ledger->ensure_kind("insured-persons");
    const RunId run = ledger->start_run(JobName::daily_sync, "", "test", kNoon);
    const auto syncs_of = [](const auto& call) {
        const int before = synced_logs;
        call();
        return synced_logs - before;
    };
    BatchId id = 0;
    const auto send = [&](const std::string& request, const std::string& key) {
        BatchDraft draft{insurer, kind, request, "daily", std::nullopt, "d", {}};
        Sending& sending = draft.sendings.emplace_back();
        sending.member = {key, "RECORD" + key, UpdateKind::create};
        sending.from = RecordState::absent;
        sending.event = Event::source_new;
        sending.next.state = RecordState::pending;
        sending.next.owed = UpdateKind::create;
        sending.next.sent = test::digest(1);
        sending.next.sent_history = 1;
        id = ledger->commit_intent(run, draft, "key1", BatchState::sending, kNoon);
    };
    const auto land = [&](const Answer& answer, bool opens_case) {
        const Batch batch = ledger->batch(id);
        auto entry = *ledger->members_in_flight(batch).front();
        auto got = apply_result(entry.standing, answer, {}, to_milliseconds(kNoon), 0);
        MaybeCaseStep step;
        if (opens_case) {
            CaseStep opening{{0, insurer, kind, entry.key, {}, 0, true}, {}, {}, true, "", ""};
            apply_to_case(opening.next, answer, got, opening.moves);
            step = maybe(std::move(opening));
        }
        ledger->apply_outcomes(batch, {{std::move(entry), got, answer.error_id, step}}, BatchState::settled,
                               "", kNoon);
    };
    const auto refuse = [&] {
        const Batch batch = ledger->batch(id);
        auto entry = *ledger->members_in_flight(batch).front();
        auto got = apply_not_accepted(entry.standing, "KJQ0400", true, {}, to_milliseconds(kNoon), 0);
        ledger->apply_outcomes(batch, {{std::move(entry), got, "", nullptr}}, BatchState::refused, "", kNoon);
    };
    const auto accept = [&] { ledger->batch_accepted(id, BatchState::sending, "N", kNoon); };
    const Answer good{true, true, "", ErrorClass::unknown};

    CHECK(syncs_of([&] { send("R1", "0000000001"); }) == 1);
    CHECK(syncs_of(accept) == 0);
    CHECK(syncs_of([&] { ledger->receptions_completed(insurer, {{id, "3"}}, "C1", kNoon); }) == 0);
    CHECK(syncs_of([&] { land(good, false); }) == 0);
    CHECK(syncs_of([&] { send("R2", "0000000002"); }) == 1);
    CHECK(syncs_of(refuse) == 1);
    send("R3", "0000000003");
    accept();
    CHECK(syncs_of([&] { land({false, true, "KJP0001", ErrorClass::pmh_case}, true); }) == 1);
    send("R4", "0000000004");
    CHECK(syncs_of([&] {
              ledger->move_batch(id, BatchState::sending, BatchState::unknown, "", kNoon, 1, kNoon);
          }) == 1);
}
