#pragma once
// A small HTTP server: on a Unix socket, where it knows who asks, or on an address of this host.

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace kaigo::control {

/// Who asks, as the kernel says.
struct Peer {
    uid_t uid = 0;
    std::string user;                 ///< its name, else "uid N"
    std::vector<std::string> groups;  ///< names of its groups
};

struct Request {
    std::string method;
    std::string path;  ///< begins with a slash, without the query
    std::map<std::string, std::string> query;
    std::string body;
    std::optional<Peer> peer;  ///< of a Unix socket alone
};

struct Response {
    int status = 200;
    std::string body;
    std::string type = "application/json";
};

/// Called by several threads at once.
using Handler = std::function<Response(const Request&)>;

class Server {
  public:
    virtual ~Server() = default;  ///< answers what is under way, then listens no more

    /// Everyone may connect: the handler judges the peer. A socket that a dead process left is replaced.
    static Result<std::unique_ptr<Server>> on_socket(const std::filesystem::path& path, Handler handler);
    /// @param address  HOST:PORT; host is an address, port 0 takes a free one
    static Result<std::unique_ptr<Server>> on_address(const std::string& address, Handler handler);
    /// Of on_address().
    virtual int port() const = 0;
};

}  // namespace kaigo::control
