#pragma once
// What the files of this room share of Boost.Asio. No other room includes it.

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>

#include "http/engine.h"

namespace kaigo::http {

struct Engine::Loop {
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
    std::jthread thread{[this] { io.run(); }};

    ~Loop() {
        work.reset();
        io.stop();
    }
};

}  // namespace kaigo::http
