#pragma once
// An HTTP server: on a Unix socket, where it knows who asks, or on an address of this host, there with TLS
// too. Sockets are served on the engine's thread, handlers on threads of the server.

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "http/engine.h"

namespace kaigo::http {

/// Who asks, as the kernel says.
struct Peer {
    uid_t uid = 0;
    std::string user;                 ///< its name, else "uid N"
    std::vector<std::string> groups;  ///< names of its groups
};

struct Request {
    std::string method;
    std::string path;  ///< decoded, begins with a slash, without the query
    std::map<std::string, std::string> query;
    std::string body;
    std::optional<Peer> peer;  ///< of a Unix socket alone
};

struct Response {
    int status = 200;
    std::string body;
    std::string type = "application/json";
};

struct ServerSettings {
    /// Called by several threads at once. May take its time.
    std::function<Response(const Request&)> handle;
    /// Asked first, on the engine's thread: must not block. Nothing: the request goes to a thread.
    std::function<std::optional<Response>(const Request&)> handle_at_once = {};
    /// Of a Unix socket: judges who connects, before a byte is read. A response refuses.
    std::function<std::optional<Response>(const Peer&)> refuse = {};
    std::optional<Identity> tls = std::nullopt;  ///< of an address

    std::size_t threads = 4;
    std::size_t connections = 64;            ///< in all
    std::size_t connections_of_a_peer = 16;  ///< of one user, or of one address
    std::uint64_t largest_body = 22U << 20;  ///< a file of 16 MiB in base64
    Duration header_time{10'000};            ///< from the connection, or the last response, to a whole header
    Duration body_time{60'000};
    Duration response_time{60'000};
};

class Server {
  public:
    virtual ~Server() = default;  ///< answers what is under way, then listens no more

    /// Everyone may connect: `refuse` judges the peer. A socket that a dead process left is replaced.
    static Result<std::unique_ptr<Server>> on_socket(const std::filesystem::path& path,
                                                     ServerSettings settings,
                                                     std::shared_ptr<Engine> engine = Engine::shared());
    /// @param address  HOST:PORT or [HOST]:PORT; host is an address, port 0 takes a free one
    static Result<std::unique_ptr<Server>> on_address(const std::string& address, ServerSettings settings,
                                                      std::shared_ptr<Engine> engine = Engine::shared());
    /// Of on_address().
    virtual int port() const = 0;
};

}  // namespace kaigo::http
