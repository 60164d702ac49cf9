#include "http/server.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <future>
#include <latch>
#include <thread>

#include "control/client.h"
#include "http/local_client.h"
#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::http;
using control::ask;

namespace {

ServerSettings with(std::function<Response(const Request&)> handle) {
    ServerSettings out;
    out.handle = std::move(handle);
    return out;
}

/// A connection that says nothing by itself.
class Connection {
  public:
    explicit Connection(const std::filesystem::path& socket)
        : descriptor_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, socket.c_str());
        REQUIRE(::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { ::close(descriptor_); }

    void say(std::string_view text) const {
        CHECK(::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) > 0);
    }
    /// All that comes until the server closes.
    std::string hear() const {
        std::string out;
        char byte = 0;
        while (::recv(descriptor_, &byte, 1, 0) == 1) out += byte;
        return out;
    }

  private:
    int descriptor_;
};

}  // namespace

TEST_CASE("a request over the socket arrives with its sender as the kernel knows him") {
    const test::Folder folder;
    const auto socket = folder / "control.sock";
    CHECK(*ask(socket, "GET", "/", "") == std::nullopt);
    Request seen;
    auto server = Server::on_socket(socket, with([&](const Request& request) {
                                        seen = request;
                                        return Response{418, "short"};
                                    }));
    REQUIRE(server);
    const std::string body(100'000, 'x');
    const auto answer = ask(socket, "POST", "/v1/commands?a=b%20c&d=", body);
    REQUIRE((answer && *answer));
    CHECK((*answer)->status == 418);
    CHECK((*answer)->body == "short");
    CHECK(seen.method == "POST");
    CHECK(seen.path == "/v1/commands");
    CHECK(seen.query == std::map<std::string, std::string>{{"a", "b c"}, {"d", ""}});
    CHECK(seen.body == body);
    REQUIRE(seen.peer);
    CHECK(seen.peer->uid == ::geteuid());
    SECTION("a second daemon does not take the socket away") {
        CHECK(Server::on_socket(socket, with([](const Request&) { return Response{}; })).error().code ==
              ErrorCode::busy);
    }
    SECTION("an end takes the socket along") {
        server->reset();
        CHECK(!std::filesystem::exists(socket));
    }
}

TEST_CASE("the socket of a daemon that died is replaced") {
    const test::Folder folder;
    const auto socket = folder / "control.sock";
    {
        // Bound, never listening again: what a kill leaves behind.
        auto server =
            *Server::on_socket(folder / "other.sock", with([](const Request&) { return Response{}; }));
        std::filesystem::rename(folder / "other.sock", socket);
    }
    CHECK(std::filesystem::exists(socket));
    CHECK(*ask(socket, "GET", "/", "") == std::nullopt);
    CHECK(Server::on_socket(socket, with([](const Request&) { return Response{}; })));
}

TEST_CASE("a body beyond any reason is not kept") {
    const test::Folder folder;
    auto server = *Server::on_socket(folder / "s", with([](const Request&) {
                                         return Response{200, "taken"};
                                     }));
    const auto answer = ask(folder / "s", "POST", "/", std::string((22U << 20) + 1, 'x'));
    REQUIRE((answer && *answer));
    CHECK((*answer)->status == 413);
}

TEST_CASE("an address that is none is refused with a reason") {
    const ServerSettings handler = with([](const Request&) { return Response{}; });
    CHECK(!Server::on_address("localhost", handler));
    for (const char* none :
         {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:notaport", "127.0.0.1:65536", "me@127.0.0.1:1"})
        CHECK(!Server::on_address(none, handler));
    const auto server = Server::on_address("127.0.0.1:0", handler);
    REQUIRE(server);
    CHECK((*server)->port() > 0);
}

TEST_CASE("a handler that fails is an answer, not the end of the server") {
    const test::Folder folder;
    auto server = *Server::on_socket(folder / "s", with([](const Request& request) -> Response {
                                         if (request.path == "/bad")
                                             throw std::runtime_error("it \"failed\"");
                                         return {200, "well"};
                                     }));
    const auto bad = ask(folder / "s", "GET", "/bad", "");
    REQUIRE((bad && *bad));
    CHECK((*bad)->status == 500);
    CHECK((*bad)->body == "{\"error\":\"it \\\"failed\\\"\"}\n");
    CHECK((*ask(folder / "s", "GET", "/", "")).value().body == "well");
}

TEST_CASE("who has no right is sent away before a byte is read from him") {
    const test::Folder folder;
    int handled = 0;
    auto settings = with([&](const Request&) {
        ++handled;
        return Response{};
    });
    settings.refuse = [](const Peer& peer) -> std::optional<Response> {
        CHECK(peer.uid == ::geteuid());
        return Response{403, "no"};
    };
    const auto server = *Server::on_socket(folder / "s", settings);
    // He says nothing, and is answered all the same.
    for (int i = 0; i < 100; ++i) {
        const Connection stranger(folder / "s");
        const std::string answer = stranger.hear();
        CHECK(answer.starts_with("HTTP/1.1 403"));
        CHECK(answer.ends_with("no"));
    }
    // Who says much is answered too.
    const auto answer = ask(folder / "s", "POST", "/", std::string(1U << 20, 'x'));
    REQUIRE((answer && *answer));
    CHECK((*answer)->status == 403);
    CHECK(handled == 0);
}

TEST_CASE("connections on which nothing is asked keep nobody waiting") {
    const test::Folder folder;
    const auto server = *Server::on_socket(folder / "s", with([](const Request&) {
                                               return Response{200, "well"};
                                           }));
    std::vector<std::unique_ptr<Connection>> idle;
    for (int i = 0; i < 200; ++i) {
        idle.push_back(std::make_unique<Connection>(folder / "s"));
        if (i % 2 == 0) idle.back()->say("GET / HT");
    }
    CHECK((*ask(folder / "s", "GET", "/", "")).value().body == "well");
    // The one that waited longest had to go.
    CHECK(idle.front()->hear().empty());
}

TEST_CASE("what is answered at once does not wait for a thread") {
    const test::Folder folder;
    std::promise<void> go_on;
    const auto waits = go_on.get_future().share();
    std::latch at_work(4);
    auto settings = with([&](const Request&) {
        at_work.count_down();
        waits.wait();
        return Response{200, "late"};
    });
    settings.threads = 4;
    settings.handle_at_once = [](const Request& request) -> std::optional<Response> {
        if (request.path == "/at-once") return Response{200, "at once"};
        return std::nullopt;
    };
    const auto server = *Server::on_socket(folder / "s", settings);
    std::vector<std::future<std::string>> late;
    for (int i = 0; i < 8; ++i)
        late.push_back(std::async(std::launch::async,
                                  [&] { return (*ask(folder / "s", "GET", "/slow", "")).value().body; }));
    at_work.wait();
    CHECK((*ask(folder / "s", "GET", "/at-once", "")).value().body == "at once");
    for (const auto& each : late)
        CHECK(each.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
    go_on.set_value();
    for (auto& each : late) CHECK(each.get() == "late");
}

TEST_CASE("a header and a body have their time") {
    const test::Folder folder;
    auto settings = with([](const Request&) { return Response{200, "well"}; });
    settings.header_time = settings.body_time = Duration(100);
    const auto server = *Server::on_socket(folder / "s", settings);
    const Connection silent(folder / "s");
    CHECK(silent.hear().empty());
    const Connection slow(folder / "s");
    slow.say("GET / HTTP/1.1\r\nHost: x\r\n");
    CHECK(slow.hear().empty());
    const Connection half(folder / "s");
    half.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345");
    CHECK(half.hear().empty());
}

TEST_CASE("bytes that are no request are answered so") {
    const test::Folder folder;
    const auto server = *Server::on_socket(folder / "s", with([](const Request&) {
                                               return Response{200, "well"};
                                           }));
    for (const char* words :
         {"\x16\x03\x01\x02\x00 GET", "GET nowhere HTTP/1.1\r\n\r\n", "GET /%zz HTTP/1.1\r\n\r\n",
          "GET / HTTP/9.9\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n"}) {
        const Connection stranger(folder / "s");
        stranger.say(words);
        stranger.say("\r\n\r\n");
        INFO(words);
        CHECK(stranger.hear().starts_with("HTTP/1.1 400"));
    }
    const Connection much(folder / "s");
    much.say("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
    CHECK(much.hear().starts_with("HTTP/1.1 413"));
}

TEST_CASE("a client that asks whether its body is wanted is told to go on") {
    const test::Folder folder;
    const auto server = *Server::on_socket(folder / "s", with([](const Request& request) {
                                               return Response{200, request.body};
                                           }));
    const Connection client(folder / "s");
    client.say(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: "
        "4\r\n\r\n");
    client.say("four");
    const std::string heard = client.hear();
    CHECK(heard.starts_with("HTTP/1.1 100 Continue\r\n\r\n"));
    CHECK(heard.ends_with("four"));
}

TEST_CASE("what is under way is answered before the end") {
    const test::Folder folder;
    std::promise<void> arrived;
    std::promise<void> go_on;
    auto server = *Server::on_socket(folder / "s", with([&](const Request&) {
                                         arrived.set_value();
                                         go_on.get_future().wait();
                                         return Response{200, "well"};
                                     }));
    auto asked = std::async(std::launch::async, [&] { return ask(folder / "s", "GET", "/", ""); });
    arrived.get_future().wait();
    std::thread ends([&] { server.reset(); });
    go_on.set_value();
    ends.join();
    CHECK((*asked.get()).value().body == "well");
}

TEST_CASE("chunks without end are not kept") {
    const test::Folder folder;
    const auto server = *Server::on_socket(folder / "s", with([](const Request&) {
                                               return Response{200, "well"};
                                           }));
    for (const std::string& beginning : {std::string("1;"), std::string("0\r\nx: ")}) {
        const Connection client(folder / "s");
        client.say("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + beginning);
        for (int i = 0; i < 16; ++i) client.say(std::string(16U << 10, 'a'));
        CHECK(client.hear().starts_with("HTTP/1.1 400"));
    }
}

TEST_CASE("a file that is no socket is not taken away") {
    const test::Folder folder;
    folder.write("core.db", "somebody's");
    const auto server =
        Server::on_socket(folder / "core.db", with([](const Request&) { return Response{}; }));
    REQUIRE(!server);
    CHECK(server.error().code == ErrorCode::bad_configuration);
    CHECK(std::filesystem::file_size(folder / "core.db") == 10);
}
