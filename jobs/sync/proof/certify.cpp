#include "jobs/sync/proof/certify.h"

#include <boost/json.hpp>

#include "base/i18n.h"
#include "base/text.h"
#include "domain/identifiers.h"
#include "jobs/runtime/json_text.h"
#include "jobs/runtime/ledger_store.h"
#include "jobs/sync/proof/reconcile.h"
#include "spec/record.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

std::string hex_of(const Digest& digest) {
    return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

json::object kind_json(const KindProof& proof) {
    json::array exceptions;
    for (const auto& [why, count] : proof.exceptions)
        exceptions.push_back(
            json::object{{"state", why.first}, {"reason", json_text(why.second)}, {"count", count}});
    json::array ranges;
    for (const RangeProof& range : proof.ranges)
        ranges.push_back(json::object{{"begins", range.begins},
                                      {"rows", range.rows},
                                      {"records", range.records},
                                      {"source", hex_of(range.source)},
                                      {"ledger", hex_of(range.ledger)},
                                      {"same", range.same()}});
    json::array differences;
    for (const Difference& each : proof.differences)
        differences.push_back(json::object{{"what", name_of(kDifferenceNames, each.what)},
                                           {"key", spec::describe_key(*proof.kind, each.key)}});
    return {{"kind", proof.kind->id},
            {"mapping", proof.mapping},
            {"rows", json::object{{"read", proof.read},
                                  {"registered", proof.registered},
                                  {"platformOwned", proof.platform_owned},
                                  {"changedSince", proof.changed_since},
                                  {"notCompared", proof.not_compared},
                                  {"duplicates", proof.duplicates},
                                  {"unreadable", proof.unreadable},
                                  {"closed", proof.closed()}}},
            {"exceptions", std::move(exceptions)},
            {"goneSince", proof.gone_since},
            {"unconfirmed", proof.unconfirmed},
            {"ranges", std::move(ranges)},
            {"receptions", json::object{{"settled", proof.receptions.settled},
                                        {"settledRecords", proof.receptions.settled_records},
                                        {"refused", proof.receptions.refused},
                                        {"open", proof.receptions.open}}},
            {"differences", std::move(differences)}};
}

/// Whether nothing is under way: held, blocked and case records count as settled.
bool is_settled(const KindProof& proof) {
    for (const auto& [why, count] : proof.exceptions)
        if (why.first == "pending" || why.first == "sending") return false;
    return proof.receptions.open == 0;
}

}  // namespace

Result<Certificate> certify(JobContext& context, Stores& stores, const config::Insurer& insurer, JobName job,
                            ledger::RunId run) {
    ledger::SharedLedger& ledger = stores.ledger();
    Certificate out;
    json::array kinds;
    out.complete = true;
    for (const spec::RecordKind* kind : context.kinds_of(insurer)) {
        KAIGO_TRY(const KindProof proof,
                  reconcile_kind(context, ledger, insurer, *kind, out.my_numbers_read));
        out.differences += proof.difference_count();
        out.sound = out.sound && proof.closed() && proof.unconfirmed == 0;
        out.complete = out.complete && proof.difference_count() == 0 && proof.closed() && is_settled(proof);
        kinds.push_back(kind_json(proof));
    }
    const Instant now = context.environment().clock.now();
    const auto insurer_id = ledger->ensure_insurer(insurer.number.value());
    json::value setup = nullptr;
    KAIGO_TRY(auto view, ledger_store(context.config()).view());
    if (const auto times = view.setup_times(insurer_id)) {
        const std::int64_t end = times->completed_at.value_or(to_milliseconds(now));
        setup = json::object{{"baseDate", times->base_date},
                             {"begunAt", json_time(times->started_at)},
                             {"seconds", (end - times->started_at) / 1000}};
    }
    const json::object document{{"insurer", insurer.number.value()},
                                {"name", insurer.name},
                                {"run", run},
                                {"job", text_of(job)},
                                {"madeAt", json_time(to_milliseconds(now))},
                                {"program", "kaigo-gateway " KAIGO_VERSION},
                                {"specification", context.specification().profile()},
                                {"specificationFingerprint", context.specification().fingerprint()},
                                {"digestKey", context.keys().id},
                                {"setup", std::move(setup)},
                                {"complete", out.complete},
                                {"differences", out.differences},
                                {"kinds", std::move(kinds)}};
    out.document = json::serialize(document);
    ledger->keep_certificate(run, insurer_id, now, out.document);
    KAIGO_CHECK(stores.audit(now, "certificate", context.environment().actor,
                             {{"insurer", insurer.number.value()},
                              {"run", std::to_string(run)},
                              {"complete", out.complete ? "yes" : "no"},
                              {"differences", std::to_string(out.differences)},
                              {"sha256", sha256_hex(out.document)}}));
    return out;
}

}  // namespace kaigo::jobs
