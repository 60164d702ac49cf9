#include "http/client.h"

#include <openssl/ssl.h>
#include <zlib.h>

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/url.hpp>
#include <deque>
#include <future>
#include <set>

#include "base/i18n.h"
#include "http/exchange.h"
#include "http/loop.h"
#include "http/port.h"
#include "http/race.h"
#include "http/retry_after.h"
#include "http/tls.h"

namespace kaigo::http {

using tcp = asio::ip::tcp;

namespace {

using Stream = asio::ssl::stream<tcp::socket>;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kLargestResponse = 16U << 20;
/// A connection that was idle this long is replaced by a new one: devices on the way forget idle connections.
constexpr std::chrono::seconds kKept{60};
/// Tickets for resumed sessions; each is used once (RFC 8446, C.4).
constexpr std::size_t kTicketsKept = 8;
constexpr std::size_t kContentTypeKept = 40;

struct SessionDeleter {
    void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using Ticket = std::unique_ptr<SSL_SESSION, SessionDeleter>;

/// Where a context keeps its pool. (The application's own place is Asio's.)
int pool_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

std::string gzip(const std::string& plain) {
    z_stream stream{};
    constexpr int kGzipFormat = 15 + 16;
    if (deflateInit2(&stream, 6, Z_DEFLATED, kGzipFormat, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::bad_alloc();
    std::string out(deflateBound(&stream, plain.size()), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream.avail_in = static_cast<uInt>(plain.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

struct Origin {
    std::string host, port;
    std::string name;  ///< as the Host field has it
    std::string base;  ///< of every target
};

Result<Origin> parse_origin(const std::string& url) {
    const auto malformed = [&] {
        return fail(ErrorCode::bad_configuration,
                    tr("an address of a platform is written https://HOST[:PORT]"))
            .at(url);
    };
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed || parsed->scheme() != "https" || parsed->host().empty() || parsed->has_userinfo() ||
        parsed->has_query() || parsed->has_fragment() || (parsed->has_port() && !port_of(parsed->port())))
        return malformed();
    Origin out;
    out.host = parsed->host_address();  // without the brackets of IPv6
    out.port = parsed->has_port() ? std::string(parsed->port()) : "443";
    out.name = parsed->encoded_host_and_port();
    out.base = parsed->encoded_path();
    while (out.base.ends_with('/')) out.base.pop_back();
    return out;
}

/// One connection, from its first use to its last.
struct Connection {
    Connection(const asio::any_io_executor& executor, asio::ssl::context& tls) : stream(executor, tls) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        // OpenSSL discards the session of a connection that ends without close_notify: pretend it was sent.
        if (sound) SSL_set_shutdown(stream.native_handle(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }

    Stream stream;
    beast::flat_buffer buffer{kLargestBuffer};
    Steady::time_point used{};
    bool sound = false;  ///< it has carried a whole exchange

    void close() {
        error_code ignored;
        stream.lowest_layer().close(ignored);
    }
    /// Whether nothing came while no request was under way: neither data nor the end of the connection.
    bool is_quiet() {
        char byte = 0;
        return ::recv(stream.lowest_layer().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
               (errno == EAGAIN || errno == EWOULDBLOCK);
    }
};
using ConnectionPtr = std::shared_ptr<Connection>;

struct Call {
    ClientRequest request;
    Client::Done done;

    Call(ClientRequest what, Client::Done then) : request(std::move(what)), done(std::move(then)) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() { SecretBytes::wipe(request.body.data(), request.body.size()); }

    void answer(Client::Answer answer) {
        if (auto told = std::exchange(done, {})) told(std::move(answer));
    }
};

}  // namespace

/// Everything below runs on the engine's thread.
class Client::Pool : public std::enable_shared_from_this<Client::Pool> {
  public:
    Pool(asio::io_context& io, const ClientSettings& settings, Origin origin,
         std::unique_ptr<asio::ssl::context> tls)
        : io_(io), settings_(settings), origin_(std::move(origin)), tls_(std::move(tls)) {
        SSL_CTX* const native = tls_->native_handle();
        SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_set_ex_data(native, pool_index(), this);
        SSL_CTX_sess_set_new_cb(native, [](SSL* ssl, SSL_SESSION* session) {
            auto* pool = static_cast<Pool*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), pool_index()));
            if (!pool->resume_) return 0;
            pool->tickets_.emplace_back(session);
            if (pool->tickets_.size() > kTicketsKept) pool->tickets_.pop_front();
            return 1;  // it is ours now
        });
    }

    asio::io_context& io() { return io_; }
    bool packs() const { return settings_.gzip; }

    void begin(const std::shared_ptr<Call>& call) {
        if (over_) return call->answer(broken_off());
        waiting_.push_back(call);
        work();
    }

    void end(std::promise<void>& ended) {
        over_ = true;
        for (const auto& call : std::exchange(waiting_, {})) call->answer(broken_off());
        idle_.clear();
        for (const auto& close : closers_) close->operator()();
        // Calls at work notice that their connection is closed, but one may still be waiting for a name.
        for (const auto& call : at_work_) call->answer(broken_off());
        ended.set_value();
    }

  private:
    static Answer broken_off() {
        return tl::unexpected(NoResponse{NoResponse::Why::no_answer, "broken off"});
    }

    void work() {
        while (!waiting_.empty() && at_work_.size() < settings_.connections) {
            auto call = std::move(waiting_.front());
            waiting_.pop_front();
            at_work_.insert(call);
            asio::co_spawn(
                io_, [self = shared_from_this(), call] { return self->carry_out(call); }, asio::detached);
        }
    }

    asio::awaitable<void> carry_out(std::shared_ptr<Call> call) {
        Answer answer = broken_off();
        try {
            answer = co_await ask(*call);
        } catch (const std::exception& failure) {
            // Out of memory and the like: what has left is not known.
            answer = tl::unexpected(NoResponse{NoResponse::Why::no_answer, failure.what()});
        }
        at_work_.erase(call);
        if (!over_) work();
        call->answer(std::move(answer));
    }

    /// One deadline covers all tries. A kept connection may be dead; then the request is tried again on a new
    /// one. Whether an earlier try may have sent a part of it stays known.
    asio::awaitable<Answer> ask(Call& call) {
        const auto until = Steady::now() + settings_.timeout;
        bool begun = false;
        for (;;) {
            error_code failed;
            std::string detail;
            // Only the first try goes over a kept connection.
            ConnectionPtr connection = begun ? nullptr : take_idle();
            const bool kept = connection != nullptr;
            const bool before = begun;  // an earlier try may have arrived
            if (!kept) {
                connection = std::make_shared<Connection>(io_.get_executor(), *tls_);
                bool resumes = false;
                failed = co_await connect(connection, until, detail, resumes);
                if (failed && resumes && is_tls_failure(failed) && !is_certificate_failure(failed) &&
                    !over_) {
                    // The server hands out tickets, but fails when they are shown: from now on every
                    // handshake is a full one.
                    resume_ = false;
                    tickets_.clear();
                    continue;
                }
                if (failed) co_return no_response(failed, !before, begun, detail);
            }
            Exchanged exchanged;
            bool passed = false;
            {
                const Closer closer(*this, [connection] { connection->close(); });
                Deadline deadline(io_.get_executor(), [connection] { connection->close(); });
                deadline.at(until);
                co_await exchange(
                    connection->stream, connection->buffer, packed_head_of(call.request), call.request.body,
                    kLargestResponse, deadline, [connection] { connection->close(); }, exchanged);
                passed = deadline.passed();
            }
            begun = begun || exchanged.begun;
            if (exchanged.failed) {
                const bool stale = kept && !exchanged.answered && !passed && !over_ &&
                                   !is_certificate_failure(exchanged.failed);
                if (stale) continue;
                // On a kept connection both sides had already accepted the certificates.
                co_return no_response(passed ? asio::error::timed_out : exchanged.failed, !before && !kept,
                                      begun, "");
            }
            connection->sound = true;
            if (exchanged.keep && !over_) {
                connection->used = Steady::now();
                idle_.push_back(std::move(connection));
            }
            const int status = static_cast<int>(exchanged.response.result_int());
            const auto& response = exchanged.response;
            const auto wait =
                retry_after(response[beast::http::field::retry_after], response[beast::http::field::date]);
            const std::string content_type(response[beast::http::field::content_type]);
            co_return ClientResponse{status, std::move(exchanged.response.body()), wait,
                                     content_type.substr(0, kContentTypeKept)};
        }
    }

    /// @param surely_not_processed  whether a certificate failure means that none of the tries was taken in
    static Answer no_response(const error_code& failed, bool surely_not_processed, bool begun,
                              std::string detail) {
        using Why = NoResponse::Why;
        const Why why = is_certificate_failure(failed) && surely_not_processed ? Why::certificate
                        : begun                                                ? Why::no_answer
                                                                               : Why::not_sent;
        if (detail.empty()) detail = failed.message();
        return tl::unexpected(NoResponse{why, std::move(detail)});
    }

    beast::http::request<beast::http::empty_body> packed_head_of(const ClientRequest& request) const {
        auto head = head_of(request, origin_.name, origin_.base + request.target);
        if (settings_.gzip && !request.body.empty()) head.set(beast::http::field::content_encoding, "gzip");
        return head;
    }

    ConnectionPtr take_idle() {
        while (!idle_.empty()) {
            ConnectionPtr out = std::move(idle_.back());
            idle_.pop_back();
            if (Steady::now() - out->used < kKept && out->is_quiet()) return out;
        }
        return nullptr;
    }

    // ---- Connecting

    /// @param resumes  whether a ticket was shown
    asio::awaitable<error_code> connect(const ConnectionPtr& connection, Steady::time_point until,
                                        std::string& detail, bool& resumes) {
        until = std::min(until, Steady::now() + settings_.connect_timeout);
        tcp::resolver::results_type addresses;
        if (const error_code failed = co_await resolve(until, addresses)) co_return failed;
        if (const error_code failed = co_await reach(connection, addresses, until)) co_return failed;
        error_code failed;
        connection->stream.next_layer().set_option(tcp::no_delay(true), failed);
        SSL* const ssl = connection->stream.native_handle();
        X509_VERIFY_PARAM* const verify = SSL_get0_param(ssl);
        if (X509_VERIFY_PARAM_set1_ip_asc(verify, origin_.host.c_str()) != 1) {
            X509_VERIFY_PARAM_set1_host(verify, origin_.host.c_str(), origin_.host.size());
            SSL_set_tlsext_host_name(ssl, origin_.host.c_str());
        }
        if (!tickets_.empty()) {
            resumes = SSL_set_session(ssl, tickets_.back().get()) == 1;
            tickets_.pop_back();
        }
        const Closer closer(*this, [connection] { connection->close(); });
        Deadline deadline(io_.get_executor(), [connection] { connection->close(); });
        deadline.at(until);
        co_await connection->stream.async_handshake(asio::ssl::stream_base::client,
                                                    asio::redirect_error(asio::use_awaitable, failed));
        if (!failed) co_return failed;
        if (deadline.passed()) co_return asio::error::timed_out;
        if (is_certificate_failure(failed)) {
            const long verdict = SSL_get_verify_result(ssl);
            detail = verdict == X509_V_OK
                         ? failed.message()
                         : tr("the platform's certificate: {}", X509_verify_cert_error_string(verdict));
        }
        co_return failed;
    }

    /// Waits for a silent name server only until the deadline for connecting as a whole.
    asio::awaitable<error_code> resolve(Steady::time_point until, tcp::resolver::results_type& out) {
        struct Lookup {
            explicit Lookup(asio::io_context& io) : resolver(io), done(io) {}
            tcp::resolver resolver;
            asio::steady_timer done;
            error_code failed = asio::error::timed_out;
            tcp::resolver::results_type found;
        };
        const auto lookup = std::make_shared<Lookup>(io_);
        lookup->done.expires_at(until);
        lookup->resolver.async_resolve(
            origin_.host, origin_.port,
            [lookup](const error_code& failed, const tcp::resolver::results_type& found) {
                lookup->failed = failed;
                lookup->found = found;
                lookup->done.cancel();
            });
        const Closer closer(*this, [lookup] { lookup->done.cancel(); });
        error_code woken;
        co_await lookup->done.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        out = lookup->found;
        co_return lookup->failed;
    }

    asio::awaitable<error_code> reach(const ConnectionPtr& connection,
                                      const tcp::resolver::results_type& addresses,
                                      Steady::time_point until) {
        const auto race = std::make_shared<Race>(io_);
        const Closer closer(*this, [race] { race->give_up(); });
        std::vector<tcp::endpoint> endpoints(addresses.begin(), addresses.end());
        co_return co_await race->run(std::move(endpoints), until, connection->stream.next_layer());
    }

    /// While this object lives, the end of the client calls `close`.
    class Closer {
      public:
        Closer(Pool& pool, std::function<void()> close)
            : pool_(pool), close_(std::make_shared<std::function<void()>>(std::move(close))) {
            pool_.closers_.insert(close_);
            if (pool_.over_) (*close_)();
        }
        Closer(const Closer&) = delete;
        Closer& operator=(const Closer&) = delete;
        ~Closer() { pool_.closers_.erase(close_); }

      private:
        Pool& pool_;
        std::shared_ptr<std::function<void()>> close_;
    };

    asio::io_context& io_;
    ClientSettings settings_;
    Origin origin_;
    std::unique_ptr<asio::ssl::context> tls_;
    std::deque<Ticket> tickets_;
    bool resume_ = true;
    std::deque<std::shared_ptr<Call>> waiting_;
    std::set<std::shared_ptr<Call>> at_work_;
    std::vector<ConnectionPtr> idle_;
    std::set<std::shared_ptr<std::function<void()>>> closers_;
    bool over_ = false;
};

Result<std::unique_ptr<Client>> Client::open(const ClientSettings& settings, std::shared_ptr<Engine> engine) {
    KAIGO_TRY(Origin origin, parse_origin(settings.url));
    KAIGO_TRY(auto tls, client_context(settings.ca, settings.identity));
    auto pool = std::make_shared<Pool>(engine->loop().io, settings, std::move(origin), std::move(tls));
    return std::unique_ptr<Client>(new Client(std::move(engine), std::move(pool)));
}

Client::~Client() {
    std::promise<void> ended;
    asio::post(pool_->io(), [&] { pool_->end(ended); });
    ended.get_future().wait();
}

void Client::send(ClientRequest request, Done done) {
    if (!request.body.empty() && pool_->packs()) {
        std::string packed = gzip(request.body);
        SecretBytes::wipe(request.body.data(), request.body.size());
        request.body = std::move(packed);
    }
    const auto call = std::make_shared<Call>(std::move(request), std::move(done));
    asio::post(pool_->io(), [pool = pool_, call] { pool->begin(call); });
}

std::string escape(std::string_view text) { return boost::urls::encode(text, boost::urls::unreserved_chars); }

}  // namespace kaigo::http
