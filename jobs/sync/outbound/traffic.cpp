#include "jobs/sync/outbound/traffic.h"

namespace kaigo::jobs {

Traffic::Traffic(JobContext& of_context, ledger::SharedLedger& of_ledger, spool::Spool& of_spool,
                 platform::PlatformClient& of_client, const config::Insurer& of_insurer, ledger::RunId of_run,
                 Tally& of_tally, Observer& of_observer)
    : context(of_context),
      ledger(of_ledger),
      spool(of_spool),
      client(of_client),
      insurer(of_insurer),
      insurer_id(ledger->ensure_insurer(insurer.number.value())),
      run(of_run),
      tally(of_tally),
      observer(of_observer),
      limits{context.config().platform.max_records, context.config().platform.max_bytes},
      sealer(context, spool, insurer),
      pacing(insurer.service_window),
      mode(context.specification().wire().value("mode_daily")) {
    for (const auto& kind : context.specification().kinds())
        kinds_[ledger->ensure_kind(kind->id)] = kind.get();
}

bool Traffic::connection_free() const {
    return client.in_flight() < static_cast<std::size_t>(context.config().platform.connections);
}

Instant Traffic::later(std::uint32_t failures) const {
    return now() +
           Duration(registration::backoff_ms(context.retry_policy(), failures, context.random_bits()));
}

const spec::RecordKind* Traffic::kind_of(ledger::KindId id) const {
    const auto found = kinds_.find(id);
    return found == kinds_.end() ? nullptr : found->second;
}

ledger::BatchDraft Traffic::draft(const spec::RecordKind& kind) const {
    ledger::BatchDraft out;
    out.insurer = insurer_id;
    out.kind = ledger->ensure_kind(kind.id);
    out.request_id = context.new_request_id();
    out.mode = mode;
    out.base_date = base_date;
    return out;
}

void Traffic::raise(const std::string& code, const std::string& detail) {
    ledger->alarm(insurer_id, code, detail, now());
    ++tally.alarms;
    context.environment().tell(
        code, {{"run", std::to_string(run)}, {"insurer", insurer.number.value()}, {"detail", detail}});
    observer.note(Observer::Kind::alarm, code + ": " + detail);
}

void Traffic::drop_body(const ledger::Batch& batch) {
    // A file that cannot be removed now is found by the next run's tidying.
    if (!ledger->body_needed(batch.id)) static_cast<void>(spool.remove(batch.request_id));
}

}  // namespace kaigo::jobs
