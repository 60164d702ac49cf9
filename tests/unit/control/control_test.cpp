#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "control/client.h"
#include "control/server.h"
#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::control;

TEST_CASE("a request over the socket arrives with its sender as the kernel knows him") {
    const test::Folder folder;
    const auto socket = folder / "control.sock";
    CHECK(*ask(socket, "GET", "/", "") == std::nullopt);
    Request seen;
    auto server = Server::on_socket(socket, [&](const Request& request) {
        seen = request;
        return Response{418, "short"};
    });
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
        CHECK(Server::on_socket(socket, [](const Request&) { return Response{}; }).error().code ==
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
        auto server = *Server::on_socket(folder / "other.sock", [](const Request&) { return Response{}; });
        std::filesystem::rename(folder / "other.sock", socket);
    }
    CHECK(std::filesystem::exists(socket));
    CHECK(*ask(socket, "GET", "/", "") == std::nullopt);
    CHECK(Server::on_socket(socket, [](const Request&) { return Response{}; }));
}

TEST_CASE("a body beyond any reason is not kept") {
    const test::Folder folder;
    auto server = *Server::on_socket(folder / "s", [](const Request&) { return Response{200, "taken"}; });
    const auto answer = ask(folder / "s", "POST", "/", std::string((22U << 20) + 1, 'x'));
    REQUIRE((answer && *answer));
    CHECK((*answer)->status == 413);
}

TEST_CASE("an address that is none is refused with a reason") {
    const Handler handler = [](const Request&) { return Response{}; };
    CHECK(!Server::on_address("localhost", handler));
    CHECK(!Server::on_address("127.0.0.1:notaport", handler));
    const auto server = Server::on_address("127.0.0.1:0", handler);
    REQUIRE(server);
    CHECK((*server)->port() > 0);
}

TEST_CASE("a handler that fails is an answer, not the end of the server") {
    const test::Folder folder;
    auto server = *Server::on_socket(folder / "s", [](const Request& request) -> Response {
        if (request.path == "/bad") throw std::runtime_error("it \"failed\"");
        return {200, "well"};
    });
    const auto bad = ask(folder / "s", "GET", "/bad", "");
    REQUIRE((bad && *bad));
    CHECK((*bad)->status == 500);
    CHECK((*bad)->body == "{\"error\":\"it \\\"failed\\\"\"}\n");
    CHECK((*ask(folder / "s", "GET", "/", "")).value().body == "well");
}
