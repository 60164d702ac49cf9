#include "jobs/runtime/job_context.h"

#include "domain/identifiers.h"

namespace kaigo::jobs {

Result<OpenSource> open_mapped_source(const config::SourceSettings& settings,
                                      const Result<std::string>& mapping,
                                      const spec::Specification& specification, Faults& faults,
                                      const Connectors& connect) {
    OpenSource out;
    if (mapping)
        out.plan = mapping::Plan::parse(*mapping, settings.mapping, specification, faults);
    else
        faults.add(Fault{settings.mapping.string(), 0, 0, mapping.error().message});
    KAIGO_TRY(out.source, connect.source(settings.driver, settings.database));
    if (out.plan) {
        KAIGO_TRY(const auto snapshot, out.source->snapshot());
        out.plan->resolve(*snapshot, faults);
    }
    return out;
}

Result<std::unique_ptr<JobContext>> JobContext::open(config::Config config, Environment& environment) {
    KAIGO_TRY(auto installation, Installation::load(std::move(config)));
    return std::make_unique<JobContext>(std::move(installation), environment);
}

Result<const OpenSource*> JobContext::source(const std::string& name) {
    const auto found = sources_.find(name);
    if (found != sources_.end()) return &found->second;
    Faults faults;
    KAIGO_TRY(auto opened, open_mapped_source(config().sources.at(name), installation_->mapping(name),
                                              specification(), faults, environment().connect));
    if (!faults.empty()) return faults.as_failure(ErrorCode::bad_mapping);
    return &sources_.emplace(name, std::move(opened)).first->second;
}

Result<std::unique_ptr<platform::PlatformClient>> JobContext::client(const config::Insurer& insurer) const {
    return environment().connect.platform(installation(), insurer);
}

Result<std::unique_ptr<platform::PlatformClient>> connect_online(const Installation& installed,
                                                                 const config::Insurer& insurer) {
    KAIGO_TRY(const platform::HttpsSettings settings, installed.https_settings(insurer));
    return platform::open_https_client(settings, installed.specification().wire(), insurer.number.value());
}

std::vector<const spec::RecordKind*> JobContext::kinds_of(const config::Insurer& insurer) const {
    std::vector<const spec::RecordKind*> out;
    for (const auto& kind : specification().kinds())
        if (insurer.wants(kind->id)) out.push_back(kind.get());
    return out;
}

registration::RetryPolicy JobContext::retry_policy() const {
    registration::RetryPolicy policy;
    policy.initial_ms = config().platform.retry_initial.count();
    policy.maximum_ms = config().platform.retry_maximum.count();
    policy.unanswered_ceiling = config().unanswered_tries;
    return policy;
}

registration::ConsentPolicy JobContext::consent_policy(const config::Insurer& insurer) const {
    return consent_policy_of(insurer, japan_date(environment_->clock.now()));
}

registration::ConsentPolicy consent_policy_of(const config::Insurer& insurer, const Date& today) {
    return {insurer.go_live, insurer.consent_before_go_live, insurer.new_form_from, today};
}

std::string JobContext::new_request_id() const {
    std::array<std::uint8_t, 10> random{};
    environment_->random.fill(random);
    return RequestId::make(to_milliseconds(environment_->clock.now()), random).value();
}

std::uint16_t JobContext::random_bits() const {
    std::array<std::uint8_t, 2> bytes{};
    environment_->random.fill(bytes);
    return static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
}

}  // namespace kaigo::jobs
