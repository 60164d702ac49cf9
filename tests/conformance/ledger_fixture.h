#pragma once
// Engines that keep a ledger, each of which must pass ledger_test.cpp, and a ledger of one of them.

#include <catch2/catch.hpp>
#include <filesystem>
#include <vector>

#include "ledger/store.h"
#include "unit/support.h"

namespace kaigo::test {

struct LedgerEngine {
    const char* name;
    /// An empty ledger that nobody else uses.
    /// @param folder  the test's own
    ledger::Store (*make)(const std::filesystem::path& folder);
};

inline std::vector<LedgerEngine> ledger_engines() {
    return {
        {"sqlite", [](const std::filesystem::path& folder) { return ledger::Store(folder / "ledger.db"); }}};
}

inline const std::string kKey = "0000000001";

inline ledger::Sending sending(const std::string& key, std::uint8_t content) {
    ledger::Sending out;
    out.member = {key, "RECORD" + key, UpdateKind::create};
    out.from = registration::RecordState::absent;
    out.event = registration::Event::source_new;
    out.next.state = registration::RecordState::pending;
    out.next.owed = UpdateKind::create;
    out.next.sent = digest(content);
    out.next.sent_history = 1;
    return out;
}

/// Each test runs once an engine.
struct LedgerFixture {
    explicit LedgerFixture(const LedgerEngine& engine = GENERATE(from_range(ledger_engines())))
        : store(engine.make(folder.path())) {
        open();
    }
    void open() {
        ledger.reset();
        ledger = *store.open(kNoon);
        insurer = ledger->ensure_insurer("122192");
        kind = ledger->ensure_kind("insured-persons");
    }
    ledger::BatchId send(const std::string& request, std::vector<ledger::Sending> sendings) {
        ledger::BatchDraft draft;
        draft.insurer = insurer;
        draft.kind = kind;
        draft.request_id = request;
        draft.mode = "daily";
        draft.body_digest = "d";
        draft.sendings = std::move(sendings);
        return ledger->commit_intent(run, draft, "key1", ledger::BatchState::sending, kNoon);
    }
    void land(ledger::BatchId id, const registration::Answer& answer) {
        const ledger::Batch batch = ledger->batch(id);
        std::vector<ledger::Ledger::MemberOutcome> outcomes;
        for (auto& entry : ledger->members_in_flight(batch)) {
            auto got = registration::apply_result(entry->standing, answer, {}, to_milliseconds(kNoon), 0);
            ledger::CaseStep step{ledger->open_case(insurer, kind, entry->key)
                                      .value_or(ledger::KnownCase{0, insurer, kind, entry->key, {}, 0, true}),
                                  {},
                                  {},
                                  true,
                                  "",
                                  ""};
            step.next = step.known.pmh_case;
            registration::apply_to_case(step.next, answer, got, step.moves);
            const bool moved = !step.moves.empty();
            outcomes.push_back(
                {std::move(*entry), got, answer.error_id, moved ? ledger::maybe(std::move(step)) : nullptr});
        }
        ledger->apply_outcomes(batch, outcomes, ledger::BatchState::settled, "", kNoon);
    }
    std::string state() {
        auto view = store.view();
        const auto records = view->records_of("122192", kKey);
        return records.empty() ? "absent" : records[0].state;
    }

    Folder folder;
    ledger::Store store;
    std::unique_ptr<ledger::Ledger> ledger;
    ledger::InsurerId insurer = 0;
    ledger::KindId kind = 0;
    ledger::RunId run = 0;
};

}  // namespace kaigo::test
