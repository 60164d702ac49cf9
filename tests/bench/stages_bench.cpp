// What each stage of a setup and of a comparison costs by itself, on a dense sample city. Every figure is of
// one record: one thread calls the room directly, nothing runs beside it. "Time" also waits for the disk,
// "CPU" does not.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <array>
#include <functional>
#include <map>

#include "ledger/ledger.h"
#include "mapping/plan.h"
#include "mapping/reader.h"
#include "platform/wire.h"
#include "registration/result.h"
#include "simulator/sample_db.h"
#include "simulator/sink.h"
#include "spec/validate.h"
#include "spool/spool.h"
#include "unit/support.h"

namespace {

using namespace kaigo;

constexpr std::int64_t kPersons = 20'000;
constexpr std::int64_t kPasses = 3;  ///< over all rows of a kind
constexpr std::int64_t kRecordsInBatch = 1'000;
constexpr std::int64_t kRecords = 100'000;  ///< for stages that need no database
/// Few enough for the cache: in the gateway a record is validated while it is warm.
constexpr std::size_t kRecordsAtHand = 64;

const WireNames& wire() { return test::specification().wire(); }

/// One kind of the sample: its plan, and what later stages are fed with.
struct Kind {
    const mapping::KindPlan* plan = nullptr;
    std::vector<std::unique_ptr<mapping::RecordReader>> at_hand;  ///< each holds a record, which lives in it
    std::vector<std::string> canonical;                           ///< of one batch
    std::vector<std::string> keys;
};

class City {
  public:
    City() {
        const auto file = folder / "core.db";
        sample::write_sample(file,
                             {.persons = kPersons, .seed = 1, .insurer = insurer.value(), .dense = true});
        Faults faults;
        plan_ = mapping::Plan::load(test::project("etc/mappings/sample-standard.yaml"), test::specification(),
                                    faults);
        source_ = source::open_source("sqlite", file.string()).value();
        snapshot = source_->snapshot().value();
        plan_->resolve(*snapshot, faults);
        if (!faults.empty()) throw std::runtime_error(faults.list().front().text());
        for (const auto& kind : test::specification().kinds())
            if (const auto* plan = plan_->kind(kind->id)) fill(kinds[kind->id], *plan);
    }

    std::unique_ptr<mapping::RecordReader> reader(const mapping::KindPlan& plan) {
        const registration::ConsentPolicy consent{.new_form_from = Date::parse_iso("2026-04-01")};
        return mapping::RecordReader::open(plan, *snapshot, insurer, consent).value();
    }

    test::Folder folder;
    InsurerNumber insurer = *InsurerNumber::parse("122192");
    Keys keys = Keys::derive(SecretBytes(std::string(32, 'k')));
    std::unique_ptr<source::Snapshot> snapshot;
    std::map<std::string, Kind> kinds;

  private:
    void fill(Kind& kind, const mapping::KindPlan& plan) {
        kind.plan = &plan;
        const auto rows = reader(plan);
        while (kind.canonical.size() < kRecordsInBatch && rows->next().value()) {
            spec::append_canonical(kind.canonical.emplace_back(), rows->record());
            spec::append_key(kind.keys.emplace_back(), rows->record());
        }
        for (std::size_t i = 0; i < kRecordsAtHand; ++i) {
            kind.at_hand.push_back(reader(plan));
            for (std::size_t row = 0; row <= i; ++row) kind.at_hand.back()->next().value();
        }
    }

    std::unique_ptr<mapping::Plan> plan_;
    std::unique_ptr<source::Source> source_;
};

City& city() {
    static City only;
    return only;
}

void read_all(const mapping::Query& query) {
    const auto rows = city().snapshot->rows(query.sql, city().insurer).value();
    while (rows->next().value()) benchmark::DoNotOptimize(rows->row().data());
}

void fetch(benchmark::State& state, const Kind& kind) {
    while (state.KeepRunningBatch(kPersons)) read_all(kind.plan->query);
}

void fetch_children(benchmark::State& state, const Kind& kind) {
    while (state.KeepRunningBatch(kPersons))
        for (const mapping::Child& child : kind.plan->children) read_all(child.query);
}

void fetch_and_map(benchmark::State& state, const Kind& kind) {
    while (state.KeepRunningBatch(kPersons)) {
        const auto reader = city().reader(*kind.plan);
        while (reader->next().value()) benchmark::DoNotOptimize(reader->record());
    }
}

void validate(benchmark::State& state, const Kind& kind) {
    const spec::ValidationSettings settings{japan_date(test::kNoon), MyNumberCheck::test, true};
    std::vector<spec::Finding> findings;
    while (state.KeepRunningBatch(kRecordsAtHand))
        for (const auto& each : kind.at_hand) spec::validate(each->record(), settings, findings);
    if (!findings.empty()) state.SkipWithError("the sample is not valid");
}

void canonical_json(benchmark::State& state, const Kind& kind) {
    std::string bytes;
    while (state.KeepRunningBatch(kRecordsAtHand)) {
        bytes.clear();
        for (const auto& each : kind.at_hand) spec::append_canonical(bytes, each->record());
        benchmark::DoNotOptimize(bytes.data());
    }
    state.counters["bytes"] = static_cast<double>(bytes.size() / kRecordsAtHand);
}

void keyed_digest(benchmark::State& state, const Kind& kind) {
    Hmac hmac(city().keys.digest.view());
    while (state.KeepRunningBatch(kRecordsInBatch))
        for (const std::string& bytes : kind.canonical) benchmark::DoNotOptimize(hmac.digest(bytes));
}

void spool_store(benchmark::State& state, const Kind& kind) {
    auto spool = spool::Spool::open(city().folder / "spool", city().keys).value();
    const std::vector<std::string_view> records(kind.canonical.begin(), kind.canonical.end());
    while (state.KeepRunningBatch(kRecordsInBatch))
        if (!spool.store("BENCH", records)) state.SkipWithError("the spool cannot be written");
}

std::string compose(const Kind& kind) {
    static const std::string id(20, '7');
    std::vector<platform::WireRecord> records;
    for (const std::string& canonical : kind.canonical)
        records.push_back({id, UpdateKind::create, canonical});
    return platform::compose_body(wire(), "BENCH", wire().value("mode_initial"), "2026-11-01", records);
}

void compose_body(benchmark::State& state, const Kind& kind) {
    while (state.KeepRunningBatch(kRecordsInBatch)) benchmark::DoNotOptimize(compose(kind));
}

/// Of a record's key and content for its recordId, and of the whole body.
void request_digests(benchmark::State& state, const Kind& kind) {
    Hmac hmac(city().keys.identifier.view());
    const std::string body = compose(kind);
    while (state.KeepRunningBatch(kRecordsInBatch)) {
        for (std::size_t i = 0; i < kind.keys.size(); ++i) {
            benchmark::DoNotOptimize(hmac.digest(kind.keys[i]));
            benchmark::DoNotOptimize(hmac.digest(kind.canonical[i]));
        }
        benchmark::DoNotOptimize(hmac.digest(body));
    }
}

void parse_results(benchmark::State& state, const Kind& kind) {
    simulator::Sink sink(wire());
    sink.submit(kind.plan->kind->id, compose(kind));
    const std::string page = sink.results("1");
    while (state.KeepRunningBatch(kRecordsInBatch))
        benchmark::DoNotOptimize(platform::parse_results(wire(), page).value());
}

/// A ledger that is filled batch by batch, as a setup does.
class Filling {
  public:
    explicit Filling(const Kind& kind)
        : kind_(kind),
          ledger_(ledger::Ledger::open(folder_ / "ledger.db", test::kNoon).value()),
          insurer_(ledger_->insurer(city().insurer.value())),
          kind_id_(ledger_->kind(kind.plan->kind->id)) {}

    ledger::BatchDraft next_draft() {
        ledger::BatchDraft draft{
            .insurer = insurer_, .kind = kind_id_, .mode = "initial", .body_digest = "d"};
        draft.request_id = fmt::format("{:026}", records_);
        draft.sendings.resize(kRecordsInBatch);
        for (ledger::Sending& each : draft.sendings) {
            each.member = {kind_.keys.front(), std::string(20, '7'), UpdateKind::create};
            each.member.key.replace(0, spec::kInsuredNumberWidth, fmt::format("{:010}", ++records_));
            each.event = registration::Event::source_new;
            each.next.state = registration::RecordState::pending;
            each.next.owed = UpdateKind::create;
            each.next.sent = test::digest(1);
            if (kind_.plan->kind->my_number) each.my_number = test::digest(2);
        }
        return draft;
    }

    void write(const ledger::BatchDraft& draft) {
        const auto id = ledger_->commit_intent(1, draft, "key", ledger::BatchState::sending, test::kNoon);
        ledger_->batch_accepted(id, ledger::BatchState::sending, "reception", test::kNoon);
        const ledger::Batch batch = ledger_->batch(id);
        std::vector<ledger::Ledger::Landing> landings;
        landings.reserve(batch.members.size());
        for (auto& entry : ledger_->flying(batch)) {
            auto got = registration::apply_result(entry.value().standing, {true, true, "", {}}, {}, 0, 0);
            landings.push_back({std::move(*entry), std::move(got), "", {}});
        }
        ledger_->land(batch, landings, ledger::BatchState::settled, "", test::kNoon);
    }

    ledger::LedgerReader reader() const { return {folder_ / "ledger.db", insurer_, kind_id_}; }

  private:
    const Kind& kind_;
    test::Folder folder_;
    std::unique_ptr<ledger::Ledger> ledger_;
    ledger::InsurerId insurer_;
    ledger::KindId kind_id_;
    std::int64_t records_ = 0;
};

void ledger_write(benchmark::State& state, const Kind& kind) {
    Filling filling(kind);
    while (state.KeepRunningBatch(kRecordsInBatch)) {
        state.PauseTiming();
        const auto draft = filling.next_draft();
        state.ResumeTiming();
        filling.write(draft);
    }
}

void ledger_read(benchmark::State& state, const Kind& kind) {
    Filling filling(kind);
    for (std::int64_t i = 0; i < kRecords; i += kRecordsInBatch) filling.write(filling.next_draft());
    while (state.KeepRunningBatch(kRecords)) {
        auto reader = filling.reader();
        while (const ledger::Entry* entry = reader.next()) benchmark::DoNotOptimize(entry);
    }
}

struct Stage {
    const char* name;
    std::int64_t records;
    void (*run)(benchmark::State&, const Kind&);
};

constexpr std::array kStages = {
    Stage{"fetch", kPasses* kPersons, fetch},
    Stage{"fetch children", kPasses* kPersons, fetch_children},
    Stage{"fetch and map", kPasses* kPersons, fetch_and_map},
    Stage{"validate", kRecords, validate},
    Stage{"canonical JSON", kRecords, canonical_json},
    Stage{"keyed digest", kRecords, keyed_digest},
    Stage{"request digests", kRecords, request_digests},
    Stage{"spool store", kRecords, spool_store},
    Stage{"compose body", kRecords, compose_body},
    Stage{"ledger write", kRecords, ledger_write},
    Stage{"ledger read", kPasses* kRecords, ledger_read},
    Stage{"parse results", kRecords, parse_results},
};

void run(benchmark::State& state, const Stage& stage, const Kind& kind) {
    stage.run(state, kind);
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    for (const Stage& stage : kStages) {
        for (const auto& [id, kind] : city().kinds) {
            if (stage.run == fetch_children && kind.plan->children.empty()) continue;
            const std::string name = std::string(stage.name) + "/" + id;
            benchmark::RegisterBenchmark(name.c_str(), run, stage, std::cref(kind))
                ->Unit(benchmark::kMicrosecond)
                ->Iterations(stage.records);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
