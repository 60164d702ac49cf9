#include "http/engine.h"

#include <mutex>

#include "http/loop.h"

namespace kaigo::http {

Engine::Engine() : loop_(std::make_unique<Loop>()) {}
Engine::~Engine() = default;

std::shared_ptr<Engine> Engine::shared() {
    static std::mutex mutex;
    static std::weak_ptr<Engine> engine;
    const std::lock_guard lock(mutex);
    auto out = engine.lock();
    if (!out) engine = out = std::make_shared<Engine>();
    return out;
}

}  // namespace kaigo::http
