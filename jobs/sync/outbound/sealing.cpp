#include "jobs/sync/outbound/sealing.h"

#include "base/text.h"
#include "domain/identifiers.h"
#include "platform/client.h"

namespace kaigo::jobs {
void wipe(std::vector<std::string>& bodies) {
    for (std::string& each : bodies) SecretBytes::wipe(each.data(), each.size());
    bodies.clear();
}

std::string RecordIds::of(std::string_view key, std::string_view canonical) {
    const auto text = [](const Digest& digest) {
        return base32(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
    };
    std::string name = prefix_;
    name += key;
    return text(identifier_.digest(name)).substr(0, kRecordIdKeyWidth) +
           text(identifier_.digest(canonical)).substr(0, kRecordIdContentWidth);
}

void BatchContents::add(ledger::Sending sending, std::string_view bytes) {
    sendings.push_back(std::move(sending));
    canonical += bytes;
    sizes.push_back(bytes.size());
}

Result<SealedBatch> Sealer::seal(BatchContents contents, ledger::BatchDraft draft) const {
    std::vector<std::string_view> canonical;
    std::vector<ledger::Member> members;
    canonical.reserve(contents.sizes.size());
    members.reserve(contents.sizes.size());
    RecordIds ids(context_, insurer_, *contents.kind);
    std::string_view rest = contents.canonical;
    for (std::size_t i = 0; i < contents.sizes.size(); ++i) {
        canonical.push_back(rest.substr(0, contents.sizes[i]));
        rest.remove_prefix(contents.sizes[i]);
        ledger::Member& member = contents.sendings[i].member;
        member.record_id = ids.of(member.key, canonical.back());
        members.push_back(member);
    }
    KAIGO_CHECK(spool_.store(draft.request_id, canonical));
    SealedBatch out;
    out.kind = contents.kind;
    std::string body = compose({draft.request_id, draft.mode, draft.base_date}, members, canonical);
    draft.body_digest = body_digest(body);
    draft.sendings = std::move(contents.sendings);
    out.draft = std::move(draft);
    out.body = SecretBytes(std::move(body));
    return out;
}

std::string Sealer::compose(const Envelope& envelope, const std::vector<ledger::Member>& members,
                            const std::vector<std::string_view>& canonical) const {
    std::vector<platform::WireRecord> records;
    records.reserve(canonical.size());
    for (std::size_t i = 0; i < canonical.size(); ++i)
        records.push_back({members[i].record_id, members[i].update_kind, canonical[i]});
    return platform::compose_body(context_.specification().wire(), envelope.request_id, envelope.mode,
                                  envelope.base_date, records);
}

std::string Sealer::body_digest(std::string_view body) const {
    const Digest digest = Hmac(context_.keys().digest.view()).digest(body);
    return hex(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

}  // namespace kaigo::jobs
