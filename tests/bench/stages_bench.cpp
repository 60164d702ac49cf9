// What each stage costs by itself, on a dense sample city. Every figure is of one record: one thread calls
// the room directly, nothing runs beside it. "Time" also waits for the disk, "CPU" does not.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <map>

#include "ledger/store.h"
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
using ledger::BatchState;
constexpr std::int64_t kPersons = 20'000, kBatch = 1'000, kBatchesInLedger = 100;
constexpr std::int64_t kAtHand = 50;  ///< few enough for the cache: a record is validated while it is warm

constexpr const char* kRecordId = "77777777777777777777";
using Reader = std::unique_ptr<mapping::RecordReader>;
/// One kind of the sample: its plan, and what later stages are fed with.
struct Kind {
    const mapping::KindPlan* plan = nullptr;
    std::vector<Reader> at_hand;               ///< each holds one record
    std::vector<std::string> keys, canonical;  ///< of one batch
};

struct City {
    City() {
        const std::string file = folder / "core.db";
        sample::write_sample(file, {kPersons, 1, insurer.value(), true});
        Faults faults;
        const auto mapping_file = test::project("etc/mappings/sample-standard.yaml");
        plan = mapping::Plan::load(mapping_file, test::specification(), faults);
        source = source::open_source("sqlite", file).value();
        snapshot = source->snapshot().value();
        plan->resolve(*snapshot, faults);
        if (!faults.empty()) throw std::runtime_error(faults.list().front().text());
        for (const auto& kind : test::specification().kinds()) fill(kinds[kind->id], *plan->kind(kind->id));
    }

    Reader open(const mapping::KindPlan& of_kind) {
        return mapping::RecordReader::open(of_kind, *snapshot, insurer, {}).value();
    }

    void fill(Kind& kind, const mapping::KindPlan& of_kind) {
        kind.plan = &of_kind;
        for (const Reader reader = open(of_kind); kind.keys.size() < kBatch && reader->next().value();) {
            spec::append_key(kind.keys.emplace_back(), reader->record());
            spec::append_canonical(kind.canonical.emplace_back(), reader->record());
        }
        for (std::int64_t i = 0; i < kAtHand; ++i) {
            kind.at_hand.push_back(open(of_kind));
            for (std::int64_t row = 0; row <= i; ++row) kind.at_hand.back()->next().value();
        }
    }

    test::Folder folder;
    InsurerNumber insurer = *InsurerNumber::parse("122192");
    Keys keys = Keys::derive(SecretBytes(std::string(32, 'k')));
    Hmac hmac{keys.digest.view()};
    spool::Spool spool = spool::Spool::open(folder / "spool", keys).value();
    std::unique_ptr<source::Source> source;
    std::unique_ptr<source::Snapshot> snapshot;
    std::unique_ptr<mapping::Plan> plan;
    std::map<std::string, Kind> kinds;
};

City& city() {
    static City only;
    return only;
}

/// A ledger that is filled batch by batch, as a setup does.
struct Filling {
    explicit Filling(const Kind& of) : kind(of) {
        for (std::int64_t key = 0; key < kBatchesInLedger * kBatch; ++key) {
            if (key % kBatch == 0)
                drafts.push_back({insurer, kind_id, std::to_string(key), "initial", {}, "digest", {}});
            ledger::Sending& each = drafts.back().sendings.emplace_back();
            each.member = {kind.keys.front(), kRecordId, UpdateKind::create};
            each.member.key.replace(0, spec::kInsuredNumberWidth, fmt::format("{:010}", key));
            each.event = registration::Event::source_new;
            each.next.state = registration::RecordState::pending;
            each.next.owed = UpdateKind::create;
            each.next.sent = test::digest(1);
            if (kind.plan->kind->my_number) each.my_number = test::digest(2);
        }
    }

    void write_next() {
        const auto id = file->commit_intent(1, drafts.at(written++), "k", BatchState::sending, test::kNoon);
        file->batch_accepted(id, BatchState::sending, "reception", test::kNoon);
        const ledger::Batch batch = file->batch(id);
        std::vector<ledger::Ledger::MemberOutcome> outcomes;
        for (auto& entry : file->members_in_flight(batch)) {
            auto got = registration::apply_result(entry.value().standing, {true, true, "", {}}, {}, 0, 0);
            outcomes.push_back({std::move(*entry), std::move(got), "", {}});
        }
        file->apply_outcomes(batch, outcomes, BatchState::settled, "", test::kNoon);
    }

    const Kind& kind;
    test::Folder folder;
    std::unique_ptr<ledger::Ledger> file = ledger::Store(folder / "ledger.db").open(test::kNoon).value();
    ledger::InsurerId insurer = file->ensure_insurer(city().insurer.value());
    ledger::KindId kind_id = file->ensure_kind(kind.plan->kind->id);
    std::vector<ledger::BatchDraft> drafts;
    std::size_t written = 0;
};

void read_all(const mapping::Query& query) {
    const auto rows = city().snapshot->rows(query.sql, city().insurer).value();
    while (rows->next().value()) benchmark::DoNotOptimize(rows->row().data());
}

std::string compose(const Kind& kind) {
    std::vector<platform::WireRecord> records;
    records.reserve(kind.canonical.size());
    for (const std::string& bytes : kind.canonical) records.push_back({kRecordId, UpdateKind::create, bytes});
    return platform::compose_body(test::specification().wire(), "BENCH", "initial", "2026-11-01", records);
}

/// What is measured; who gives it has made what it needs.
using Pass = std::function<void()>;

Pass fetch(const Kind& kind) {
    return [&] { read_all(kind.plan->query); };
}

Pass fetch_children(const Kind& kind) {
    return [&] {
        for (const mapping::Child& child : kind.plan->children) read_all(child.query);
    };
}

Pass fetch_and_map(const Kind& kind) {
    return [&] {
        const Reader reader = city().open(*kind.plan);
        while (reader->next().value()) benchmark::DoNotOptimize(reader->record());
    };
}

Pass validate(const Kind& kind) {
    const spec::ValidationSettings settings{japan_date(test::kNoon), MyNumberCheck::test, true};
    return [&, settings, findings = std::vector<spec::Finding>()]() mutable {
        for (const Reader& each : kind.at_hand) spec::validate(each->record(), settings, findings);
        if (!findings.empty()) throw std::runtime_error("the sample is not valid");
    };
}

Pass canonical_json(const Kind& kind) {
    return [&, bytes = std::string()]() mutable {
        bytes.clear();
        for (const Reader& each : kind.at_hand) spec::append_canonical(bytes, each->record());
    };
}

Pass keyed_digest(const Kind& kind) {
    return [&] {
        for (const std::string& bytes : kind.canonical) benchmark::DoNotOptimize(city().hmac.digest(bytes));
    };
}

/// Of each record's key and content for its recordId, and of the whole body.
Pass request_digests(const Kind& kind) {
    return [&, body = compose(kind)] {
        for (const std::string& key : kind.keys) benchmark::DoNotOptimize(city().hmac.digest(key));
        for (const std::string& bytes : kind.canonical) benchmark::DoNotOptimize(city().hmac.digest(bytes));
        benchmark::DoNotOptimize(city().hmac.digest(body));
    };
}

Pass spool_store(const Kind& kind) {
    return [records = std::vector<std::string_view>(kind.canonical.begin(), kind.canonical.end())] {
        if (!city().spool.store("BENCH", records)) throw std::runtime_error("the spool cannot be written");
    };
}

Pass compose_body(const Kind& kind) {
    return [&] { benchmark::DoNotOptimize(compose(kind)); };
}

Pass ledger_write(const Kind& kind) {
    return [filling = std::make_shared<Filling>(kind)] { filling->write_next(); };
}

Pass ledger_read(const Kind& kind) {
    auto filling = std::make_shared<Filling>(kind);
    for (std::int64_t i = 0; i < kBatchesInLedger; ++i) filling->write_next();
    return [filling] {
        ledger::LedgerReader reader =
            ledger::Store(filling->folder / "ledger.db").records(filling->insurer, filling->kind_id);
        while (const ledger::Entry* entry = reader.next()) benchmark::DoNotOptimize(entry);
    };
}

Pass parse_results(const Kind& kind) {
    simulator::Sink sink(test::specification().wire());
    sink.submit(kind.plan->kind->id, compose(kind));
    return
        [page = sink.results("1")] { platform::parse_results(test::specification().wire(), page).value(); };
}

struct Stage {
    const char* name;
    std::int64_t records, passes;
    Pass (*prepare)(const Kind&);
};
constexpr Stage kStages[] = {
    {"fetch", kPersons, 5, fetch},
    {"fetch children", kPersons, 5, fetch_children},
    {"fetch and map", kPersons, 5, fetch_and_map},
    {"validate", kAtHand, 2'000, validate},
    {"canonical JSON", kAtHand, 2'000, canonical_json},
    {"keyed digest", kBatch, 100, keyed_digest},
    {"request digests", kBatch, 100, request_digests},
    {"spool store", kBatch, 100, spool_store},
    {"compose body", kBatch, 100, compose_body},
    {"ledger write", kBatch, kBatchesInLedger, ledger_write},
    {"ledger read", kBatch* kBatchesInLedger, 3, ledger_read},
    {"parse results", kBatch, 100, parse_results},
};

void measure(benchmark::State& state, const Stage& stage, const Kind& kind) {
    const Pass pass = stage.prepare(kind);
    while (state.KeepRunningBatch(stage.records)) pass();
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    for (const Stage& stage : kStages)
        for (const auto& [id, kind] : city().kinds)
            if (stage.prepare != fetch_children || !kind.plan->children.empty())
                benchmark::RegisterBenchmark((stage.name + ("/" + id)).c_str(), measure, stage,
                                             std::cref(kind))
                    ->Unit(benchmark::kMicrosecond)
                    ->Iterations(stage.records * stage.passes);
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
}
