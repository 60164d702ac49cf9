#include "http/race.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>
#include <optional>

using namespace kaigo::http;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

const tcp::endpoint kAnyPort(asio::ip::address_v4::loopback(), 0);

/// Listens, and lets nobody in: the places that wait to be let in are taken.
struct Silent {
    explicit Silent(asio::io_context& io) : acceptor(io), waiting{tcp::socket(io), tcp::socket(io)} {
        acceptor.open(tcp::v4());
        acceptor.bind(kAnyPort);
        acceptor.listen(0);
        const auto there = acceptor.local_endpoint();
        for (tcp::socket& each : waiting) {
            each.open(tcp::v4());
            each.native_non_blocking(true);
            // Asio's own would wait until it is let in.
            ::connect(each.native_handle(), there.data(), static_cast<socklen_t>(there.size()));
        }
    }
    tcp::acceptor acceptor;
    std::array<tcp::socket, 2> waiting;
};

struct Outcome {
    std::optional<boost::system::error_code> failed;
    int port = 0;  ///< of whom it reached
};

Outcome run(asio::io_context& io, std::vector<tcp::endpoint> addresses, std::chrono::milliseconds limit,
            bool give_up = false) {
    const auto race = std::make_shared<Race>(io);
    tcp::socket socket(io);
    Outcome out;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
            out.failed =
                co_await race->run(std::move(addresses), std::chrono::steady_clock::now() + limit, socket);
            if (!*out.failed) out.port = socket.remote_endpoint().port();
        },
        asio::detached);
    if (give_up) {
        io.poll();
        race->give_up();
    }
    io.run();
    return out;
}

constexpr std::chrono::minutes kLong{10};

}  // namespace

TEST_CASE("of several addresses the one that answers is taken") {
    asio::io_context io;
    tcp::acceptor listens(io, kAnyPort);
    const auto good = listens.local_endpoint();
    tcp::acceptor closed(io, kAnyPort);
    const auto refusing = closed.local_endpoint();
    closed.close();
    const Silent silent(io);
    const auto mute = silent.acceptor.local_endpoint();
    for (const std::vector<tcp::endpoint>& addresses : std::vector<std::vector<tcp::endpoint>>{
             {good}, {good, refusing}, {refusing, good}, {mute, good}, {refusing, mute, good}}) {
        io.restart();
        const Outcome outcome = run(io, addresses, kLong);
        REQUIRE(outcome.failed);
        CHECK(!*outcome.failed);
        CHECK(outcome.port == good.port());
    }
}

TEST_CASE("where none answers, the reason is told, or that time has passed") {
    asio::io_context io;
    tcp::acceptor closed(io, kAnyPort);
    const auto refusing = closed.local_endpoint();
    closed.close();
    const Silent silent(io);
    const auto mute = silent.acceptor.local_endpoint();
    CHECK(run(io, {refusing, refusing}, kLong).failed == asio::error::connection_refused);
    io.restart();
    CHECK(run(io, {mute}, std::chrono::milliseconds(50)).failed == asio::error::timed_out);
    io.restart();
    CHECK(run(io, {mute, mute}, kLong, true).failed == asio::error::timed_out);
}
