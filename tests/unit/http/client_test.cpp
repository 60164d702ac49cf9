#include "http/client.h"

#include <sys/socket.h>

#include <atomic>
#include <barrier>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "http/server.h"
#include "unit/http/certificate.h"

using namespace kaigo;
using namespace kaigo::http;

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

const Identity& identity() {
    static const Identity made = test::self_signed("IP:127.0.0.1,DNS:localhost");
    return made;
}

ClientSettings settings_for(int port, const std::string& host = "127.0.0.1") {
    ClientSettings out;
    out.url = "https://" + host + ":" + std::to_string(port) + "/base";
    out.ca = identity().certificate;
    out.identity = identity();
    return out;
}

std::unique_ptr<Server> serve(std::function<Response(const Request&)> handle, int port = 0) {
    ServerSettings settings;
    settings.handle = std::move(handle);
    settings.tls = identity();
    return *Server::on_address("127.0.0.1:" + std::to_string(port), std::move(settings));
}

std::future<Client::Answer> begin(Client& client, ClientRequest request) {
    auto promise = std::make_shared<std::promise<Client::Answer>>();
    client.send(std::move(request),
                [promise](Client::Answer answer) { promise->set_value(std::move(answer)); });
    return promise->get_future();
}

Client::Answer ask(Client& client, ClientRequest request) { return begin(client, std::move(request)).get(); }

/// A TLS server that does with each of its connections what it is told, then closes it without a farewell.
class ScriptedPeer {
  public:
    using Stream = asio::ssl::stream<tcp::socket>;
    explicit ScriptedPeer(std::vector<std::function<void(Stream&)>> conversations, bool asks = false)
        : conversations_(std::move(conversations)) {
        tls_.use_certificate_chain(asio::buffer(identity().certificate));
        tls_.use_private_key(asio::buffer(identity().key->view()), asio::ssl::context::pem);
        if (asks) {
            tls_.add_certificate_authority(asio::buffer(identity().certificate));
            tls_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
        }
        thread_ = std::thread([this] {
            for (const auto& converse : conversations_) {
                Stream stream(io_, tls_);
                boost::system::error_code failed;
                acceptor_.accept(stream.next_layer(), failed);
                if (failed) return;
                stream.handshake(Stream::server, failed);
                if (failed) ++failed_handshakes;
                resumed += SSL_session_reused(stream.native_handle());
                if (!failed) converse(stream);
            }
        });
    }
    ScriptedPeer(const ScriptedPeer&) = delete;
    ScriptedPeer& operator=(const ScriptedPeer&) = delete;
    ~ScriptedPeer() {
        ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
        thread_.join();
    }
    int port() const { return acceptor_.local_endpoint().port(); }
    std::atomic<int> failed_handshakes = 0;
    std::atomic<int> resumed = 0;

    /// Reads up to the end of a header.
    static void read_header(Stream& stream) {
        asio::streambuf buffer;
        boost::system::error_code failed;
        asio::read_until(stream, buffer, "\r\n\r\n", failed);
    }
    static void answer(Stream& stream, const std::string& text) {
        boost::system::error_code failed;
        asio::write(stream, asio::buffer(text), failed);
    }
    static void wait_for_end(Stream& stream) {
        boost::system::error_code failed;
        char byte = 0;
        while (!failed) stream.read_some(asio::buffer(&byte, 1), failed);
    }

  private:
    asio::io_context io_;
    asio::ssl::context tls_{asio::ssl::context::tls_server};
    tcp::acceptor acceptor_{io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
    std::vector<std::function<void(Stream&)>> conversations_;
    std::thread thread_;
};

const std::string kWell = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell";

}  // namespace

TEST_CASE("a request arrives under the base of the address, and its answer comes back") {
    Request seen;
    const auto server = serve([&](const Request& request) {
        seen = request;
        return Response{202, "taken"};
    });
    const auto client = *Client::open(settings_for(server->port()));
    const auto answer = ask(*client, {"POST", "/records?after=" + escape("a b&c"), "{}"});
    REQUIRE(answer);
    CHECK(answer->status == 202);
    CHECK(answer->body == "taken");
    CHECK(seen.method == "POST");
    CHECK(seen.path == "/base/records");
    CHECK(seen.query == std::map<std::string, std::string>{{"after", "a b&c"}});
    CHECK(seen.body == "{}");
}

TEST_CASE("requests fly side by side, as many as there may be connections") {
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
    std::barrier pair(2);
    const auto server = serve([&](const Request&) {
        most = std::max(most.load(), ++now);
        pair.arrive_and_wait();  // each needs another one beside it
        --now;
        return Response{200, "", "text/plain"};
    });
    auto settings = settings_for(server->port());
    settings.connections = 2;
    const auto client = *Client::open(settings);
    std::vector<std::future<Client::Answer>> answers;
    for (int i = 0; i < 20; ++i) answers.push_back(begin(*client, {"GET", "/", ""}));
    for (auto& answer : answers) CHECK(answer.get()->status == 200);
    CHECK(most <= 2);
}

TEST_CASE("whom the client does not believe is told no byte of the request") {
    int asked = 0;
    const auto server = serve([&](const Request&) {
        ++asked;
        return Response{};
    });
    auto settings = settings_for(server->port());
    settings.ca = test::self_signed("IP:127.0.0.1").certificate;
    const auto answer = ask(**Client::open(settings), {"POST", "/", "secret"});
    REQUIRE(!answer);
    CHECK(answer.error().why == NoResponse::Why::certificate);
    CHECK(asked == 0);
}

TEST_CASE("a certificate for another name is not believed") {
    const auto other = test::self_signed("DNS:elsewhere.example");
    ServerSettings server_settings;
    server_settings.handle = [](const Request&) { return Response{}; };
    server_settings.tls = other;
    const auto server = *Server::on_address("127.0.0.1:0", std::move(server_settings));
    auto settings = settings_for(server->port());
    settings.ca = other.certificate;
    const auto answer = ask(**Client::open(settings), {"GET", "/", ""});
    REQUIRE(!answer);
    CHECK(answer.error().why == NoResponse::Why::certificate);
    CHECK(answer.error().detail.find("mismatch") != std::string::npos);
}

TEST_CASE("where nobody listens nothing was sent") {
    int port = 0;
    {
        const auto server = serve([](const Request&) { return Response{}; });
        port = server->port();
    }
    const auto answer = ask(**Client::open(settings_for(port)), {"POST", "/", "{}"});
    REQUIRE(!answer);
    CHECK(answer.error().why == NoResponse::Why::not_sent);
}

TEST_CASE("a host is found by its name, and its certificate is held against that") {
    const auto server = serve([](const Request&) { return Response{200, "well"}; });
    const auto answer = ask(**Client::open(settings_for(server->port(), "localhost")), {"GET", "/", ""});
    REQUIRE(answer);
    CHECK(answer->body == "well");
}

TEST_CASE("a connection that died while nobody used it is no lost answer") {
    auto server = serve([](const Request&) { return Response{200, "first"}; });
    const int port = server->port();
    const auto client = *Client::open(settings_for(port));
    CHECK(ask(*client, {"GET", "/", ""})->body == "first");
    server.reset();
    server = serve([](const Request&) { return Response{200, "second"}; }, port);
    const auto answer = ask(*client, {"POST", "/", "{}"});
    REQUIRE(answer);
    CHECK(answer->body == "second");
}

TEST_CASE("a connection carries one request after the other") {
    ScriptedPeer server({[](ScriptedPeer::Stream& stream) {
        for (int i = 0; i < 3; ++i) {
            ScriptedPeer::read_header(stream);
            ScriptedPeer::answer(stream, kWell);
        }
        ScriptedPeer::wait_for_end(stream);
    }});
    const auto client = *Client::open(settings_for(server.port()));
    for (int i = 0; i < 3; ++i) CHECK(ask(*client, {"GET", "/", ""}));
}

TEST_CASE("a kept connection that dies under a request is tried once more on a new one") {
    ScriptedPeer server({[](ScriptedPeer::Stream& stream) {
                             ScriptedPeer::read_header(stream);
                             ScriptedPeer::answer(stream, kWell);
                             ScriptedPeer::read_header(stream);  // and leaves
                         },
                         [](ScriptedPeer::Stream& stream) {
                             ScriptedPeer::read_header(stream);
                             ScriptedPeer::answer(stream, kWell);
                             ScriptedPeer::wait_for_end(stream);
                         }});
    const auto client = *Client::open(settings_for(server.port()));
    CHECK(ask(*client, {"GET", "/", ""})->status == 200);
    CHECK(ask(*client, {"POST", "/", "{}"})->status == 200);
}

TEST_CASE("a session is resumed; a server that fails on that is greeted anew, and for good") {
    const auto once = [](ScriptedPeer::Stream& stream) {
        ScriptedPeer::read_header(stream);
        ScriptedPeer::answer(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nwell");
    };
    const auto ask_three_times = [](int port) {
        const auto client = *Client::open(settings_for(port));
        for (int i = 0; i < 3; ++i) CHECK(ask(*client, {"GET", "/", ""}));
    };
    SECTION("resumed") {
        ScriptedPeer server({once, once, once});
        ask_three_times(server.port());
        CHECK(server.resumed == 2);
        CHECK(server.failed_handshakes == 0);
    }
    SECTION("a server that asks for certificates, and has no name for its sessions") {
        ScriptedPeer server({once, {}, once, once}, true);
        ask_three_times(server.port());
        CHECK(server.resumed == 0);
        CHECK(server.failed_handshakes == 1);
    }
}

TEST_CASE("what became of a request that was cut off is not known, and it is not sent twice") {
    std::atomic<int> requests = 0;
    const auto cut = [&](ScriptedPeer::Stream& stream) {
        ScriptedPeer::read_header(stream);
        ++requests;
    };
    const auto half = [&](ScriptedPeer::Stream& stream) {
        ScriptedPeer::read_header(stream);
        ++requests;
        ScriptedPeer::answer(stream, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nwell");
    };
    ScriptedPeer server({cut, half, cut});
    const auto client = *Client::open(settings_for(server.port()));
    for (int i = 1; i <= 2; ++i) {
        const auto answer = ask(*client, {"POST", "/", "{}"});
        REQUIRE(!answer);
        CHECK(answer.error().why == NoResponse::Why::no_answer);
        CHECK(requests == i);
    }
}

TEST_CASE("an answer without an end of its own must end as TLS ends") {
    ScriptedPeer server({[](ScriptedPeer::Stream& stream) {
        ScriptedPeer::read_header(stream);
        ScriptedPeer::answer(stream, "HTTP/1.1 200 OK\r\n\r\nhalf of");
    }});
    const auto answer = ask(**Client::open(settings_for(server.port())), {"GET", "/", ""});
    REQUIRE(!answer);
    CHECK(answer.error().why == NoResponse::Why::no_answer);
}

TEST_CASE("an answer that comes before the body has gone is taken") {
    ScriptedPeer server({[](ScriptedPeer::Stream& stream) {
        ScriptedPeer::read_header(stream);
        ScriptedPeer::answer(stream, "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch");
        // The rest of the body is not read; the client leaves by itself.
        char byte = 0;
        ::recv(stream.next_layer().native_handle(), &byte, 1, MSG_PEEK);
        while (::recv(stream.next_layer().native_handle(), &byte, 1, 0) > 0) {
        }
    }});
    const auto answer =
        ask(**Client::open(settings_for(server.port())), {"POST", "/", std::string(64U << 20, 'x')});
    REQUIRE(answer);
    CHECK(answer->status == 413);
}

TEST_CASE("one deadline holds for the whole exchange") {
    auto conversation = [](const std::string& beginning) {
        return [beginning](ScriptedPeer::Stream& stream) {
            ScriptedPeer::read_header(stream);
            ScriptedPeer::answer(stream, beginning);
            ScriptedPeer::wait_for_end(stream);
        };
    };
    ScriptedPeer server({conversation(""), conversation("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwe"),
                         conversation("HTTP/1.1 100 Continue\r\n\r\n")});
    auto settings = settings_for(server.port());
    settings.timeout = Duration(300);
    const auto client = *Client::open(settings);
    for (int i = 0; i < 3; ++i) {
        const auto answer = ask(*client, {"GET", "/", ""});
        REQUIRE(!answer);
        CHECK(answer.error().why == NoResponse::Why::no_answer);
    }
}

TEST_CASE("a handshake that never ends sent nothing") {
    asio::io_context io;
    tcp::acceptor silent(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    auto settings = settings_for(silent.local_endpoint().port());
    settings.connect_timeout = Duration(200);
    const auto answer = ask(**Client::open(settings), {"POST", "/", "{}"});
    REQUIRE(!answer);
    CHECK(answer.error().why == NoResponse::Why::not_sent);
}

TEST_CASE("an answer beyond any reason is not kept") {
    const auto server = serve([](const Request& request) {
        return Response{200, std::string(request.path == "/base/much" ? (16U << 20) + 1 : 10, 'x')};
    });
    const auto client = *Client::open(settings_for(server->port()));
    CHECK(!ask(*client, {"GET", "/much", ""}));
    CHECK(ask(*client, {"GET", "/little", ""}));
}

TEST_CASE("the end of a client is an answer to all that it was asked") {
    std::promise<void> arrived;
    std::promise<void> go_on;
    const auto server = serve([&, once = std::make_shared<std::once_flag>()](const Request&) {
        std::call_once(*once, [&] { arrived.set_value(); });
        go_on.get_future().wait();
        return Response{};
    });
    auto settings = settings_for(server->port());
    settings.connections = 1;
    auto client = *Client::open(settings);
    auto on_its_way = begin(*client, {"POST", "/", "{}"});
    auto waiting = begin(*client, {"POST", "/", "{}"});
    arrived.get_future().wait();
    client.reset();
    CHECK(on_its_way.get().error().why == NoResponse::Why::no_answer);
    CHECK(!waiting.get());
    go_on.set_value();
}

TEST_CASE("what cannot be a platform's address, certificate or key is refused at once") {
    auto settings = settings_for(1);
    SECTION("no address") { settings.url = "https://"; }
    SECTION("not https") { settings.url = "http://127.0.0.1:1"; }
    SECTION("with a user") { settings.url = "https://me@127.0.0.1:1"; }
    SECTION("a port that is none") { settings.url = "https://127.0.0.1:99999"; }
    SECTION("no CA") { settings.ca = "none"; }
    SECTION("no certificate") { settings.identity.certificate = "none"; }
    SECTION("another key") { settings.identity.key = test::self_signed("DNS:x").key; }
    CHECK(!Client::open(settings));
}
