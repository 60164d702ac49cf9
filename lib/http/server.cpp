#include "http/server.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/url.hpp>
#include <future>
#include <list>

#include "base/i18n.h"
#include "base/text.h"
#include "http/exchange.h"
#include "http/loop.h"
#include "http/port.h"
#include "http/tls.h"

namespace kaigo::http {

using tcp = asio::ip::tcp;
using local = asio::local::stream_protocol;

namespace {

constexpr int kBadRequest = 400;
constexpr int kTooLarge = 413;
constexpr int kServerError = 500;
constexpr std::uint32_t kLargestRequestHeader = 16U << 10;
/// For each connection that a peer may keep: how many may be closed to make room and not be gone yet.
constexpr std::size_t kLeavingForEach = 16;
/// For this long, what a refused client still sends is read and thrown away: closing in the middle of its
/// request would make it lose the answer.
constexpr std::chrono::seconds kFarewell{2};

Peer peer_of(const ucred& credentials) {
    Peer out;
    out.uid = credentials.uid;
    std::array<char, 16384> memory{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(credentials.uid, &entry, memory.data(), memory.size(), &found) != 0 || found == nullptr) {
        out.user = "uid " + std::to_string(credentials.uid);
        return out;
    }
    out.user = found->pw_name;
    std::vector<gid_t> groups(256);
    auto count = static_cast<int>(groups.size());
    if (getgrouplist(found->pw_name, credentials.gid, groups.data(), &count) < 0) return out;
    groups.resize(static_cast<std::size_t>(count));
    for (const gid_t id : groups) {
        group named{};
        group* which = nullptr;
        if (getgrgid_r(id, &named, memory.data(), memory.size(), &which) == 0 && which != nullptr)
            out.groups.emplace_back(which->gr_name);
    }
    return out;
}

/// The request in the handlers' terms; nothing when its target is none.
std::optional<Request> request_of(beast::http::request<beast::http::string_body>&& arrived) {
    const auto target = boost::urls::parse_origin_form(arrived.target());
    if (!target) return std::nullopt;
    Request out;
    out.method = std::string(arrived.method_string());
    out.path = target->path();
    for (const auto& parameter : target->params()) out.query[std::string(parameter.key)] = parameter.value;
    out.body = std::move(arrived.body());
    return out;
}

Response error_response(int status, std::string_view what) {
    std::string body = R"({"error":)";
    append_json_string(body, what);
    return {status, body + "}\n"};
}

/// Whether the bytes are not HTTP; false for a connection that ended.
bool is_malformed(const error_code& failed) {
    using beast::http::error;
    return failed && failed.category() == make_error_code(error::bad_method).category() &&
           failed != error::end_of_stream && failed != error::partial_message;
}

/// A connection as its server sees it. Lives as long as its coroutine.
struct Session {
    std::string peer;                               ///< user or address
    bool idle = true;                               ///< no request of it is being answered
    bool leaving = false;                           ///< it was closed to make room
    std::chrono::steady_clock::time_point since{};  ///< idle, or not
    std::function<void()> close;
};

}  // namespace

/// Everything but the handlers runs on the engine's thread.
class SocketServer : public Server {
  public:
    SocketServer(std::shared_ptr<Engine> engine, ServerSettings settings,
                 std::unique_ptr<asio::ssl::context> tls)
        : engine_(std::move(engine)),
          io_(engine_->loop().io),
          state_(std::make_shared<State>(io_, std::move(settings), std::move(tls))) {}
    SocketServer(const SocketServer&) = delete;
    SocketServer& operator=(const SocketServer&) = delete;

    ~SocketServer() override {
        std::promise<void> ended;
        asio::post(io_, [this, &ended] { state_->end(ended); });
        ended.get_future().wait();
        state_->pool.join();
        state_->judge.join();
        std::error_code ignored;
        if (!socket_.empty()) std::filesystem::remove(socket_, ignored);
    }

    template <class Protocol>
    void listen(typename Protocol::acceptor acceptor, std::filesystem::path socket = {}) {
        socket_ = std::move(socket);
        if constexpr (std::is_same_v<Protocol, tcp>) port_ = acceptor.local_endpoint().port();
        auto owned = std::make_shared<typename Protocol::acceptor>(std::move(acceptor));
        asio::post(io_, [state = state_, owned] {
            state->stop_listening = [owned] {
                error_code ignored;
                owned->close(ignored);
            };
            asio::co_spawn(
                state->io, [state, owned] { return accept<Protocol>(state, owned); }, asio::detached);
        });
    }

    int port() const override { return port_; }

  private:
    struct State {
        State(asio::io_context& loop, ServerSettings what, std::unique_ptr<asio::ssl::context> context)
            : io(loop), settings(std::move(what)), tls(std::move(context)), pool(settings.threads) {}

        asio::io_context& io;
        ServerSettings settings;
        std::unique_ptr<asio::ssl::context> tls;
        asio::thread_pool pool;
        asio::thread_pool judge{1};    ///< who a peer is, and whether he may come in
        std::list<Session*> sessions;  ///< the oldest first
        std::function<void()> stop_listening;
        std::promise<void>* ended = nullptr;

        void end(std::promise<void>& when) {
            ended = &when;
            if (stop_listening) stop_listening();
            for (Session* each : sessions)
                if (each->idle) each->close();
            tell_end();
        }
        void leave(Session* session) {
            sessions.remove(session);
            if (ended != nullptr) tell_end();
        }
        void tell_end() {
            if (sessions.empty()) std::exchange(ended, nullptr)->set_value();
        }

        /// Whether there is room for one more connection. Closes an idle one if that is needed.
        bool make_room(const std::string& peer) {
            std::size_t of_peer = 0;
            std::size_t leaving = 0;
            std::size_t staying = 0;
            Session* waits_longest = nullptr;
            Session* of_peer_waits_longest = nullptr;
            for (Session* each : sessions) {
                const auto longer = [&](Session*& longest) {
                    if (each->idle && !each->leaving && (longest == nullptr || each->since < longest->since))
                        longest = each;
                };
                longer(waits_longest);
                if (!each->leaving) ++staying;
                if (each->peer != peer) continue;
                longer(of_peer_waits_longest);
                ++(each->leaving ? leaving : of_peer);
            }
            // A peer that connects faster than its old connections go away is not let in.
            if (leaving >= kLeavingForEach * settings.connections_of_a_peer) return false;
            Session* goes = nullptr;
            if (of_peer >= settings.connections_of_a_peer)
                goes = of_peer_waits_longest;
            else if (staying < settings.connections)
                return true;
            else
                goes = waits_longest;
            if (goes == nullptr) return false;
            goes->leaving = true;
            goes->close();
            return true;
        }
    };
    using StatePtr = std::shared_ptr<State>;

    template <class Protocol>
    static asio::awaitable<void> accept(StatePtr state,
                                        std::shared_ptr<typename Protocol::acceptor> acceptor) {
        for (;;) {
            error_code failed;
            typename Protocol::socket socket =
                co_await acceptor->async_accept(asio::redirect_error(asio::use_awaitable, failed));
            if (!acceptor->is_open()) co_return;
            if (failed) {
                // Too many open files and the like pass.
                asio::steady_timer pause(state->io, std::chrono::milliseconds(100));
                co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failed));
                continue;
            }
            asio::co_spawn(
                state->io,
                [state, socket = std::make_shared<typename Protocol::socket>(std::move(socket))]() mutable {
                    return begin(state, std::move(*socket));
                },
                asio::detached);
        }
    }

    static asio::awaitable<void> begin(StatePtr state, local::socket socket) {
        ucred credentials{};
        socklen_t size = sizeof credentials;
        if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
            co_return;
        Registered session(state, std::to_string(credentials.uid), [&socket] { close(socket); });
        if (!session.admitted()) co_return;
        // Names of users and groups may come over the network: not on this thread, and not behind handlers.
        const auto ask = [state, credentials]() -> asio::awaitable<std::pair<Peer, std::optional<Response>>> {
            Peer peer = peer_of(credentials);
            std::optional<Response> refusal;
            if (state->settings.refuse) refusal = state->settings.refuse(peer);
            co_return std::pair(std::move(peer), std::move(refusal));
        };
        const auto [peer, refusal] =
            co_await asio::co_spawn(state->judge.get_executor(), ask, asio::use_awaitable);
        if (refusal) co_return co_await dismiss(*state, socket, *refusal);
        co_await converse(state, socket, session, peer);
    }

    static asio::awaitable<void> begin(StatePtr state, tcp::socket socket) {
        error_code failed;
        const auto from = socket.remote_endpoint(failed);
        if (failed) co_return;
        socket.set_option(tcp::no_delay(true), failed);
        Registered session(state, from.address().to_string(), [&socket] { close(socket); });
        if (!session.admitted()) co_return;
        if (!state->tls) co_return co_await converse(state, socket, session, std::nullopt);
        asio::ssl::stream<tcp::socket&> stream(socket, *state->tls);
        Deadline deadline(state->io.get_executor(), [&socket] { close(socket); });
        deadline.within(state->settings.header_time);
        co_await stream.async_handshake(asio::ssl::stream_base::server,
                                        asio::redirect_error(asio::use_awaitable, failed));
        deadline.none();
        if (failed) co_return;
        co_await converse(state, stream, session, std::nullopt);
        deadline.within(kFarewell);
        co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, failed));
    }

    template <class Socket>
    static void close(Socket& socket) {
        error_code ignored;
        socket.close(ignored);
    }

    /// A session's entry in the list of its server.
    class Registered {
      public:
        Registered(const StatePtr& state, std::string peer, std::function<void()> close) : state_(state) {
            session_.peer = std::move(peer);
            session_.since = std::chrono::steady_clock::now();
            session_.close = std::move(close);
            admitted_ = state_->ended == nullptr && state_->make_room(session_.peer);
            if (admitted_) state_->sessions.push_back(&session_);
        }
        Registered(const Registered&) = delete;
        Registered& operator=(const Registered&) = delete;
        ~Registered() {
            if (admitted_) state_->leave(&session_);
        }
        bool admitted() const { return admitted_; }
        Session* operator->() { return &session_; }

      private:
        StatePtr state_;
        Session session_;
        bool admitted_ = false;
    };

    static beast::http::response<beast::http::string_body> message_of(Response&& response, bool keep) {
        beast::http::response<beast::http::string_body> out;
        out.version(11);
        out.result(static_cast<unsigned>(response.status));
        out.set(beast::http::field::content_type, response.type);
        out.set(beast::http::field::cache_control, "no-store");
        out.keep_alive(keep);
        out.body() = std::move(response.body);
        out.prepare_payload();
        return out;
    }

    /// The refusal, and an end that lets it arrive.
    static asio::awaitable<void> dismiss(State& state, local::socket& socket, Response refusal) {
        Deadline deadline(state.io.get_executor(), [&socket] { close(socket); });
        deadline.within(kFarewell);
        auto message = message_of(std::move(refusal), false);
        error_code failed;
        co_await beast::http::async_write(socket, message, asio::redirect_error(asio::use_awaitable, failed));
        if (!failed) co_await let_it_arrive(socket, deadline);
    }

    template <class Stream>
    static asio::awaitable<void> converse(StatePtr state, Stream& stream, Registered& session,
                                          std::optional<Peer> peer) {
        const ServerSettings& settings = state->settings;
        beast::flat_buffer buffer{kLargestBuffer};
        error_code failed;
        for (bool keep = true; keep && state->ended == nullptr;) {
            session->idle = true;
            session->since = std::chrono::steady_clock::now();
            beast::http::request_parser<beast::http::string_body> parser;
            parser.header_limit(kLargestRequestHeader);
            parser.body_limit(settings.largest_body);
            Deadline deadline(state->io.get_executor(), session->close);
            deadline.within(settings.header_time);
            co_await beast::http::async_read_header(stream, buffer, parser,
                                                    asio::redirect_error(asio::use_awaitable, failed));
            if (!failed) {
                if (parser.get()[beast::http::field::expect] == "100-continue")
                    co_await go_on(stream, failed);
                deadline.none();
                deadline.within(settings.body_time);
                co_await beast::http::async_read(stream, buffer, parser,
                                                 asio::redirect_error(asio::use_awaitable, failed));
            }
            deadline.none();
            const bool too_large =
                failed == beast::http::error::body_limit || failed == beast::http::error::header_limit;
            const bool malformed = !too_large && is_malformed(failed);
            if (failed && !too_large && !malformed) co_return;
            session->idle = false;
            Response response;
            if (too_large) {
                response = {kTooLarge, "{\"error\":\"the request is too large\",\"exitStatus\":65}\n"};
                keep = false;
            } else if (malformed) {
                response = error_response(kBadRequest, failed.message());
                keep = false;
            } else {
                keep = parser.keep_alive();
                auto request = request_of(parser.release());
                if (request) {
                    request->peer = peer;
                    response = co_await answer(state, *request);
                } else {
                    response = error_response(kBadRequest, "the target is malformed");
                }
            }
            keep = keep && state->ended == nullptr;
            auto message = message_of(std::move(response), keep);
            deadline.within(settings.response_time);
            co_await beast::http::async_write(stream, message,
                                              asio::redirect_error(asio::use_awaitable, failed));
            if (failed) co_return;
            if (too_large || malformed) co_await let_it_arrive(stream, deadline);
        }
    }

    /// What the client still sends is read and thrown away for a while.
    template <class Stream>
    static asio::awaitable<void> let_it_arrive(Stream& stream, Deadline& deadline) {
        deadline.none();
        deadline.within(kFarewell);
        error_code failed;
        stream.lowest_layer().shutdown(tcp::socket::shutdown_send, failed);
        std::array<char, 65536> thrown_away{};
        while (!failed)
            co_await stream.async_read_some(asio::buffer(thrown_away),
                                            asio::redirect_error(asio::use_awaitable, failed));
    }

    template <class Stream>
    static asio::awaitable<void> go_on(Stream& stream, error_code& failed) {
        constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        co_await asio::async_write(stream, asio::buffer(kContinue),
                                   asio::redirect_error(asio::use_awaitable, failed));
    }

    static asio::awaitable<Response> answer(StatePtr state, const Request& request) {
        if (state->settings.handle_at_once)
            if (auto at_once = state->settings.handle_at_once(request)) co_return *std::move(at_once);
        const auto work = [state, &request]() -> asio::awaitable<Response> {
            // An exception is an answer, not the end of the server.
            try {
                co_return state->settings.handle(request);
            } catch (const std::exception& failure) {
                co_return error_response(kServerError, failure.what());
            }
        };
        co_return co_await asio::co_spawn(state->pool.get_executor(), work, asio::use_awaitable);
    }

    std::shared_ptr<Engine> engine_;
    asio::io_context& io_;
    StatePtr state_;
    std::filesystem::path socket_;
    int port_ = 0;
};

namespace {

Failure failure_of(const error_code& failed, const std::string& place) {
    return fail(ErrorCode::bad_configuration, failed.message()).at(place);
}

Result<std::unique_ptr<asio::ssl::context>> tls_of(const ServerSettings& settings) {
    if (!settings.tls) return std::unique_ptr<asio::ssl::context>();
    return server_context(*settings.tls);
}

}  // namespace

Result<std::unique_ptr<Server>> Server::on_socket(const std::filesystem::path& path, ServerSettings settings,
                                                  std::shared_ptr<Engine> engine) {
    const std::string name = path.string();
    constexpr std::size_t kLongest = sizeof(sockaddr_un::sun_path) - 1;
    if (name.size() > kLongest)
        return fail(ErrorCode::bad_configuration, tr("the path of a socket has at most {} bytes", kLongest))
            .at(name);
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    const local::endpoint where(name);
    asio::io_context& io = engine->loop().io;
    error_code failed;
    local::socket probe(io);
    if (!probe.connect(where, failed))
        return fail(ErrorCode::busy, tr("another process is working here")).at(name);
    // If it is not a socket, it is somebody's file: do not remove it.
    if (std::filesystem::exists(std::filesystem::symlink_status(path, ignored)) &&
        !std::filesystem::is_socket(std::filesystem::symlink_status(path, ignored)))
        return fail(ErrorCode::bad_configuration, tr("this file is no socket, and stays as it is")).at(name);
    std::filesystem::remove(path, ignored);
    local::acceptor acceptor(io);
    acceptor.open(where.protocol(), failed);
    if (!failed) acceptor.bind(where, failed);
    if (!failed && ::chmod(name.c_str(), 0666) != 0)
        failed = error_code(errno, boost::system::system_category());
    if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
    if (failed) return failure_of(failed, name);
    auto server = std::make_unique<SocketServer>(std::move(engine), std::move(settings), nullptr);
    server->listen<local>(std::move(acceptor), path);
    return server;
}

Result<std::unique_ptr<Server>> Server::on_address(const std::string& address, ServerSettings settings,
                                                   std::shared_ptr<Engine> engine) {
    const auto malformed = [&] {
        return fail(ErrorCode::bad_configuration, tr("an address is written 127.0.0.1:9464")).at(address);
    };
    const auto parsed = boost::urls::parse_authority(address);
    if (!parsed || !parsed->has_port() || parsed->has_userinfo()) return malformed();
    error_code failed;
    const auto host = asio::ip::make_address(parsed->host_address(), failed);
    const auto port = port_of(parsed->port());
    if (failed || !port) return malformed();
    KAIGO_TRY(auto tls, tls_of(settings));
    const tcp::endpoint where(host, *port);
    tcp::acceptor acceptor(engine->loop().io);
    acceptor.open(where.protocol(), failed);
    if (!failed) acceptor.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed) acceptor.bind(where, failed);
    if (!failed) acceptor.listen(asio::socket_base::max_listen_connections, failed);
    if (failed) return failure_of(failed, address);
    auto server = std::make_unique<SocketServer>(std::move(engine), std::move(settings), std::move(tls));
    server->listen<tcp>(std::move(acceptor));
    return server;
}

}  // namespace kaigo::http
