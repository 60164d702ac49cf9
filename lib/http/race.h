#pragma once
// Several addresses of one host, tried one beside the other: the first that answers is taken (RFC 8305). No
// other room includes it.

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <vector>

namespace kaigo::http {

/// One race; lives as long as its tries. On one thread.
class Race : public std::enable_shared_from_this<Race> {
  public:
    using Steady = std::chrono::steady_clock;
    using Socket = boost::asio::ip::tcp::socket;
    using Endpoint = boost::asio::ip::tcp::endpoint;
    using error_code = boost::system::error_code;

    /// If an address is silent for this long, the next one is tried beside it (RFC 8305, 5).
    static constexpr std::chrono::milliseconds kNextAddress{250};

    explicit Race(boost::asio::io_context& io) : io_(io), next_(io) {}

    /// @param out  the socket that is connected, where there is one
    boost::asio::awaitable<error_code> run(std::vector<Endpoint> addresses, Steady::time_point until,
                                           Socket& out) {
        auto address = addresses.begin();
        while (!won_ && !given_up_ && Steady::now() < until) {
            if (address != addresses.end())
                begin(*address++);
            else if (open_ == 0)
                break;
            next_.expires_at(address == addresses.end() ? until
                                                        : std::min(until, Steady::now() + kNextAddress));
            error_code woken;
            co_await next_.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, woken));
        }
        const auto won = given_up_ ? nullptr : won_;
        close_all_but(won);
        if (!won) co_return failed_;
        out = std::move(*won);
        co_return error_code();
    }

    void give_up() {
        given_up_ = true;
        close_all_but(nullptr);
        next_.cancel();
    }

  private:
    void begin(const Endpoint& address) {
        auto socket = std::make_shared<Socket>(io_);
        tries_.push_back(socket);
        ++open_;
        socket->async_connect(address, [race = shared_from_this(), socket](const error_code& failed) {
            --race->open_;
            if (!failed && !race->won_)
                race->won_ = socket;
            else if (failed && failed != boost::asio::error::operation_aborted)
                race->failed_ = failed;
            race->next_.cancel();
        });
    }
    void close_all_but(const std::shared_ptr<Socket>& kept) {
        error_code ignored;
        for (const auto& each : tries_)
            if (each != kept) each->close(ignored);
    }

    boost::asio::io_context& io_;
    boost::asio::steady_timer next_;
    std::vector<std::shared_ptr<Socket>> tries_;
    std::size_t open_ = 0;
    std::shared_ptr<Socket> won_;
    error_code failed_ = boost::asio::error::timed_out;
    bool given_up_ = false;
};

}  // namespace kaigo::http
