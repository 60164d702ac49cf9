#include "jobs/sync/outbound/restored_ledger.h"

namespace kaigo::jobs {

using ledger::Sending;

void RestoredLedger::read() { forgotten_ = traffic_.ledger->forgotten_records(traffic_.insurer_id); }

Status RestoredLedger::note(const platform::Reception& reception) {
    // 異常終了 has no results: nothing of it was registered.
    if (traffic_.context.specification().wire().processing(reception.processing_status) ==
        Processing::aborted)
        return {};
    std::vector<std::string> ids;
    for (;;) {
        const auto page =
            traffic_.client.results(reception.reception_number, static_cast<std::int64_t>(ids.size())).get();
        // It no longer has them: then there is nothing to take over.
        if (!page && page.error().code == ErrorCode::platform_refused) return {};
        if (!page) return tl::unexpected(page.error());
        for (const platform::RecordResult& result : page->results) ids.push_back(result.record_id);
        const bool enough = ids.size() > 2 * traffic_.limits.max_records ||
                            static_cast<std::int64_t>(ids.size()) >= page->total;
        if (page->results.empty() || enough) break;
    }
    traffic_.ledger->note_forgotten(
        traffic_.insurer_id, {reception.request_id, reception.reception_number, reception.processing_status},
        ids, kRecordIdKeyWidth);
    return {};
}

bool RestoredLedger::adopt(const spec::RecordKind& kind, Sending& sending, std::string_view canonical) {
    if (forgotten_.empty()) return false;
    std::string id = RecordIds(traffic_.context, traffic_.insurer, kind).of(sending.member.key, canonical);
    const auto found = forgotten_.find(id);
    if (found == forgotten_.end()) {
        // The version sent now is the latest: an older one must not be taken over for it later.
        const std::string name = id.substr(0, kRecordIdKeyWidth);
        const auto other = forgotten_.lower_bound(name);
        if (other != forgotten_.end() && other->first.starts_with(name)) {
            traffic_.ledger->drop_forgotten(traffic_.insurer_id, name);
            forgotten_.erase(other);
        }
        return false;
    }
    sending.member.record_id = std::move(id);
    Adopted& request = adopted_[found->second.request_id];
    request.kind = &kind;
    request.reception = found->second;
    request.sendings.push_back(std::move(sending));
    return true;
}

void RestoredLedger::commit_adopted() {
    for (auto& [id, each] : std::exchange(adopted_, {})) {
        const std::string& request_id = id;
        ledger::BatchDraft draft = traffic_.draft(*each.kind);
        draft.request_id = request_id;
        draft.body_digest = kAdopted;
        draft.sendings = std::move(each.sendings);
        traffic_.ledger->adopt(traffic_.run, draft, traffic_.context.keys().id, each.reception,
                               traffic_.now());
        std::erase_if(forgotten_, [&](const auto& record) { return record.second.request_id == request_id; });
    }
}

}  // namespace kaigo::jobs
