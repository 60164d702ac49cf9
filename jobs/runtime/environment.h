#pragma once
// What the engine has from outside, given by main(), by the daemon or by a test.

#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "observe/events.h"

namespace kaigo::jobs {

class Stores;

struct Environment {
    Clock& clock;
    RandomSource& random;
    std::string actor;                         ///< who started this: the OS user
    std::stop_token stop;                      ///< Ctrl-C: drain
    std::shared_ptr<Stores> stores = nullptr;  ///< the process's own, when it holds them open
    observe::EventSink* events = nullptr;      ///< where what happens is told to machines

    void tell(std::string_view event, observe::Fields fields) const {
        if (events != nullptr) events->record(event, std::move(fields));
    }
};

}  // namespace kaigo::jobs
