#pragma once
// One request and its response on one connection, whatever the stream under it. No other room includes it.

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <memory>
#include <string_view>

#include "base/failpoint.h"
#include "http/client.h"

namespace kaigo::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

inline constexpr std::uint32_t kLargestHeader = 64U << 10;
/// Limit for what was read but not parsed yet: a header, and what may follow it. Neither side can make the
/// other buffer more, not even by endless chunk extensions or trailers.
inline constexpr std::size_t kLargestBuffer = kLargestHeader + (64U << 10);
/// How long to wait for an answer after the request could not be written completely.
inline constexpr std::chrono::seconds kAfterBrokenWrite{2};

/// Closes what it was given when its time has come. Operations on it end then.
class Deadline {
  public:
    using Clock = std::chrono::steady_clock;

    template <class Executor>
    Deadline(const Executor& executor, std::function<void()> close)
        : state_(std::make_shared<State>(executor, std::move(close))) {}
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;
    ~Deadline() { none(); }

    void at(Clock::time_point when) {
        state_->when = when;
        state_->timer.expires_at(when);
        state_->timer.async_wait([state = state_](const error_code& failed) {
            if (failed || Clock::now() < state->when) return;
            state->passed = true;
            state->close();
        });
    }
    void within(Clock::duration limit) { at(std::min(Clock::now() + limit, state_->when)); }
    void none() {
        state_->when = Clock::time_point::max();
        state_->timer.cancel();
    }
    bool passed() const { return state_->passed; }

  private:
    struct State {
        template <class Executor>
        State(const Executor& executor, std::function<void()> what)
            : timer(executor), close(std::move(what)) {}
        asio::steady_timer timer;
        Clock::time_point when = Clock::time_point::max();
        std::function<void()> close;
        bool passed = false;
    };
    std::shared_ptr<State> state_;
};

/// What became of one exchange.
struct Exchanged {
    bool begun = false;     ///< a byte of the request may have left
    bool answered = false;  ///< a byte of a response has come
    error_code failed;      ///< none: there is a response
    beast::http::response<beast::http::string_body> response;
    bool keep = false;  ///< the connection can carry another exchange
};

/// @param host    as the Host field has it
/// @param target  whole
inline beast::http::request<beast::http::empty_body> head_of(const ClientRequest& request,
                                                             const std::string& host,
                                                             const std::string& target) {
    using beast::http::field;
    beast::http::request<beast::http::empty_body> head;
    head.version(11);
    head.method_string(request.method);
    head.target(target);
    head.set(field::host, host);
    head.set(field::user_agent, "kaigo-gateway");
    head.set(field::accept, "application/json");
    if (!request.body.empty()) {
        head.set(field::content_type, "application/json");
        head.content_length(request.body.size());
    }
    return head;
}

/// The writing half, which goes on beside the reading one: a server may answer before it has read all.
template <class Stream>
struct Writing {
    Stream& stream;
    beast::http::request<beast::http::empty_body> head;
    std::string_view body;
    error_code failed;
    bool over = false;
    asio::steady_timer ended;

    Writing(Stream& to, beast::http::request<beast::http::empty_body> request, std::string_view bytes)
        : stream(to),
          head(std::move(request)),
          body(bytes),
          ended(to.get_executor(), asio::steady_timer::time_point::max()) {}

    asio::awaitable<void> run(Deadline& deadline) {
        // Wakes whoever waits for the end, however it comes.
        const std::shared_ptr<void> at_end(nullptr, [this](void*) {
            over = true;
            ended.cancel();
        });
        beast::http::request_serializer<beast::http::empty_body> serializer(head);
        co_await beast::http::async_write_header(stream, serializer,
                                                 asio::redirect_error(asio::use_awaitable, failed));
        if (!body.empty()) {
            // In two halves, so that a test can stop the process between them. Each is one buffer: nothing
            // gathers them into a copy.
            const std::size_t half = body.size() / 2;
            failpoint("body-begun");
            co_await write(body.substr(0, half));
            failpoint("body-half");
            co_await write(body.substr(half));
            failpoint("body-whole");
        }
        if (failed) deadline.within(kAfterBrokenWrite);
    }

  private:
    asio::awaitable<void> write(std::string_view part) {
        if (failed) co_return;
        co_await asio::async_write(stream, asio::buffer(part.data(), part.size()),
                                   asio::redirect_error(asio::use_awaitable, failed));
    }
};

/// @param close  closes the connection, and with it every operation on it
template <class Stream, class Close>
asio::awaitable<void> exchange(Stream& stream, beast::flat_buffer& buffer,
                               beast::http::request<beast::http::empty_body> head, std::string_view body,
                               std::uint64_t largest_response, Deadline& deadline, Close close,
                               Exchanged& out) {
    out.begun = true;
    const auto writing = std::make_shared<Writing<Stream>>(stream, std::move(head), body);
    asio::co_spawn(
        stream.get_executor(), [&deadline, writing] { return writing->run(deadline); }, asio::detached);
    bool keep = false;
    // The writing half uses this function's arguments: do not return or throw before it has ended.
    try {
        for (;;) {
            beast::http::response_parser<beast::http::string_body> parser;
            parser.header_limit(kLargestHeader);
            parser.body_limit(largest_response);
            out.failed = {};
            co_await beast::http::async_read(stream, buffer, parser,
                                             asio::redirect_error(asio::use_awaitable, out.failed));
            out.answered = out.answered || parser.got_some() || buffer.size() > 0;
            if (out.failed) break;
            keep = parser.keep_alive() && parser.is_done();
            out.response = parser.release();
            constexpr int kInformational = 100;
            if (out.response.result_int() / 100 * 100 != kInformational) break;
        }
    } catch (const std::exception&) {
        out.failed = boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
    }
    // A request that is still being written when its answer is there leaves the connection unusable.
    if (!writing->over || out.failed) close();
    while (!writing->over) {
        error_code woken;
        co_await writing->ended.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    // The reason why writing failed says more than that no answer came.
    if (out.failed == beast::http::error::end_of_stream && writing->failed) out.failed = writing->failed;
    out.keep = keep && !out.failed && !writing->failed && buffer.size() == 0;
}

}  // namespace kaigo::http
