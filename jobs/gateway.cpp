#include "jobs/gateway.h"

#include "base/identifiers.h"

namespace kaigo::jobs {

Result<OpenSource> open_mapped_source(const config::SourceSettings& settings,
                                      const spec::Specification& specification, Faults& faults) {
    OpenSource out;
    out.plan = mapping::Plan::load(settings.mapping, specification, faults);
    KAIGO_TRY(out.source, source::open_source(settings.driver, settings.database));
    if (out.plan) {
        KAIGO_TRY(const auto snapshot, out.source->snapshot());
        out.plan->resolve(*snapshot, faults);
    }
    return out;
}

Result<std::unique_ptr<Gateway>> Gateway::open(config::Config config, World& world) {
    std::unique_ptr<Gateway> gateway(new Gateway(std::move(config), world));
    Faults faults;
    gateway->specification_ = spec::Specification::load(gateway->config_.interface_spec, faults);
    if (!faults.empty()) return faults.as_failure(ErrorCode::bad_specification);
    KAIGO_TRY(gateway->keys_, Keys::load(gateway->config_.spool_key));
    return gateway;
}

Result<const OpenSource*> Gateway::source(const std::string& name) {
    const auto found = sources_.find(name);
    if (found != sources_.end()) return &found->second;
    Faults faults;
    KAIGO_TRY(auto opened, open_mapped_source(config_.sources.at(name), *specification_, faults));
    if (!faults.empty()) return faults.as_failure(ErrorCode::bad_mapping);
    return &sources_.emplace(name, std::move(opened)).first->second;
}

Result<std::unique_ptr<platform::PlatformClient>> Gateway::client(const config::Insurer& insurer) const {
    platform::HttpsSettings settings;
    settings.url = config_.platform.url;
    settings.ca_file = config_.platform.ca_file;
    settings.certificate_file = insurer.certificate_file;
    settings.private_key_file = insurer.private_key_file;
    settings.connections = config_.platform.connections;
    settings.gzip = config_.platform.gzip;
    settings.request_timeout = config_.platform.request_timeout;
    return platform::open_https_client(settings, specification_->wire(), insurer.number.value());
}

std::vector<const spec::RecordKind*> Gateway::kinds_of(const config::Insurer& insurer) const {
    std::vector<const spec::RecordKind*> out;
    for (const auto& kind : specification_->kinds())
        if (insurer.wants(kind->id)) out.push_back(kind.get());
    return out;
}

registration::RetryPolicy Gateway::retry_policy() const {
    registration::RetryPolicy policy;
    policy.initial_ms = config_.platform.retry_initial.count();
    policy.maximum_ms = config_.platform.retry_maximum.count();
    policy.unanswered_ceiling = config_.unanswered_tries;
    return policy;
}

registration::ConsentPolicy Gateway::consent_policy(const config::Insurer& insurer) const {
    return consent_policy_of(insurer, japan_date(world_->clock.now()));
}

registration::ConsentPolicy consent_policy_of(const config::Insurer& insurer, const Date& today) {
    return {insurer.go_live, insurer.consent_before_go_live, insurer.new_form_from, today};
}

std::string Gateway::new_request_id() const {
    std::array<std::uint8_t, 10> chance{};
    world_->random.fill(chance);
    return RequestId::make(to_milliseconds(world_->clock.now()), chance).value();
}

std::uint16_t Gateway::chance() const {
    std::array<std::uint8_t, 2> bytes{};
    world_->random.fill(bytes);
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

}  // namespace kaigo::jobs
