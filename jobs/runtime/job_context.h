#pragma once
// What a job works with: what is installed, the sources it has opened, and what it has from outside.

#include <map>
#include <memory>
#include <string>

#include "jobs/runtime/environment.h"
#include "jobs/runtime/installation.h"
#include "mapping/plan.h"
#include "platform/client.h"
#include "registration/consent.h"
#include "registration/retry.h"
#include "source/source.h"
#include "spec/spec.h"

namespace kaigo::jobs {

/// One source with its checked mapping.
struct OpenSource {
    std::unique_ptr<source::Source> source;
    std::unique_ptr<mapping::Plan> plan;
};

class JobContext {
  public:
    JobContext(std::shared_ptr<const Installation> installation, Environment& environment)
        : installation_(std::move(installation)), environment_(&environment) {}
    static Result<std::unique_ptr<JobContext>> open(config::Config config, Environment& environment);

    /// The source with its mapping checked against specification and database; every fault at once.
    Result<const OpenSource*> source(const std::string& name);
    Result<std::unique_ptr<platform::PlatformClient>> client(const config::Insurer& insurer) const;

    const Installation& installation() const { return *installation_; }
    const config::Config& config() const { return installation_->config(); }
    const spec::Specification& specification() const { return installation_->specification(); }
    const Keys& keys() const { return installation_->keys(); }
    Environment& environment() const { return *environment_; }

    /// Kinds that are linked for an insurer, prerequisites first.
    std::vector<const spec::RecordKind*> kinds_of(const config::Insurer& insurer) const;
    registration::RetryPolicy retry_policy() const;
    registration::ConsentPolicy consent_policy(const config::Insurer& insurer) const;
    std::string new_request_id() const;
    std::uint16_t random_bits() const;

  private:
    std::shared_ptr<const Installation> installation_;
    Environment* environment_;
    std::map<std::string, OpenSource> sources_;
};

registration::ConsentPolicy consent_policy_of(const config::Insurer& insurer, const Date& today);

/// Checks a mapping against the database. The source is opened even when the mapping has faults.
/// @param mapping  its text
Result<OpenSource> open_mapped_source(const config::SourceSettings& settings,
                                      const Result<std::string>& mapping,
                                      const spec::Specification& specification, Faults& faults,
                                      const Connectors& connect = {});

}  // namespace kaigo::jobs
