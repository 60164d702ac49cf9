#pragma once
// The thread on which sockets are read and written. Everything that speaks HTTP shares one.

#include <memory>

namespace kaigo::http {

class Engine {
  public:
    Engine();
    /// The process's own, which lives as long as someone uses it.
    static std::shared_ptr<Engine> shared();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();  ///< after every client and server on it

    /// Boost.Asio's side of it, for this room alone.
    struct Loop;
    Loop& loop() { return *loop_; }

  private:
    std::unique_ptr<Loop> loop_;
};

}  // namespace kaigo::http
