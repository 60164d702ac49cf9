#pragma once
// What the engine has from outside, given by main(), by the daemon or by a test.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "config/config.h"
#include "crypto/crypto.h"
#include "observe/events.h"
#include "platform/client.h"
#include "source/source.h"

namespace kaigo::jobs {

class Installation;
class Stores;

/// The platform over TLS, as the insurer's certificate.
Result<std::unique_ptr<platform::PlatformClient>> connect_online(const Installation& installed,
                                                                 const config::Insurer& insurer);

/// How a job reaches core system and platform.
struct Connectors {
    std::function<Result<std::unique_ptr<source::Source>>(const std::string& driver,
                                                          const std::string& database)>
        source = source::open_source;
    std::function<Result<std::unique_ptr<platform::PlatformClient>>(const Installation&,
                                                                    const config::Insurer&)>
        platform = connect_online;
};

struct Environment {
    Clock& clock;
    RandomSource& random;
    std::string actor;                         ///< who started this: the OS user
    std::stop_token stop;                      ///< Ctrl-C: drain
    std::shared_ptr<Stores> stores = nullptr;  ///< the process's own, when it holds them open
    observe::EventSink* events = nullptr;      ///< where what happens is told to machines
    Connectors connect = {};

    void tell(std::string_view event, observe::Fields fields) const {
        if (events != nullptr) events->record(event, std::move(fields));
    }
};

}  // namespace kaigo::jobs
