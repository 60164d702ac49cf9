#pragma once
// What every job works with: configuration, specification, mappings, keys, and the world outside.

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/crypto.h"
#include "jobs/installation.h"
#include "mapping/plan.h"
#include "observe/events.h"
#include "platform/client.h"
#include "registration/consent.h"
#include "registration/retry.h"
#include "source/source.h"
#include "spec/spec.h"

namespace kaigo::jobs {

class Books;

/// The world outside, given by main() or by a test.
struct World {
    Clock& clock;
    RandomSource& random;
    std::ostream& out;
    std::ostream& err;
    bool terminal = false;                   ///< questions may be asked and progress shown
    std::string actor;                       ///< who started this: the OS user
    std::stop_token stop;                    ///< Ctrl-C: drain
    std::function<std::string()> ask;        ///< one line from the person at the terminal
    std::shared_ptr<Books> books = nullptr;  ///< the process's own, when it holds them open
    observe::EventSink* events = nullptr;    ///< where what happens is told to machines

    void tell(std::string_view event, observe::Fields fields) const {
        if (events != nullptr) events->record(event, std::move(fields));
    }
};

/// One source with its checked mapping.
struct OpenSource {
    std::unique_ptr<source::Source> source;
    std::unique_ptr<mapping::Plan> plan;
};

class Gateway {
  public:
    Gateway(std::shared_ptr<const Installation> installation, World& world)
        : installation_(std::move(installation)), world_(&world) {}
    static Result<std::unique_ptr<Gateway>> open(config::Config config, World& world);

    /// The source with its mapping checked against specification and database; every fault at once.
    Result<const OpenSource*> source(const std::string& name);
    Result<std::unique_ptr<platform::PlatformClient>> client(const config::Insurer& insurer) const;

    const Installation& installation() const { return *installation_; }
    const config::Config& config() const { return installation_->config(); }
    const spec::Specification& specification() const { return installation_->specification(); }
    const Keys& keys() const { return installation_->keys(); }
    World& world() const { return *world_; }

    /// Kinds that are linked for an insurer, prerequisites first.
    std::vector<const spec::RecordKind*> kinds_of(const config::Insurer& insurer) const;
    registration::RetryPolicy retry_policy() const;
    registration::ConsentPolicy consent_policy(const config::Insurer& insurer) const;
    std::string new_request_id() const;
    std::uint16_t chance() const;

  private:
    std::shared_ptr<const Installation> installation_;
    World* world_;
    std::map<std::string, OpenSource> sources_;
};

registration::ConsentPolicy consent_policy_of(const config::Insurer& insurer, const Date& today);

/// Checks a mapping against the database. The source is opened even when the mapping has faults.
/// @param mapping  its text
Result<OpenSource> open_mapped_source(const config::SourceSettings& settings,
                                      const Result<std::string>& mapping,
                                      const spec::Specification& specification, Faults& faults);

}  // namespace kaigo::jobs
