// libmicrohttpd behind it.

#include "control/server.h"

#include <arpa/inet.h>
#include <grp.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/i18n.h"
#include "base/text.h"

namespace kaigo::control {
namespace {

constexpr std::size_t kLargestBody = 22U << 20;  // a file of 16 MiB in base64
constexpr unsigned kThreads = 2;
constexpr unsigned kIdleSeconds = 30;
constexpr unsigned kConnections = 64;
constexpr int kBacklog = 64;

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

std::optional<Peer> peer_at(int descriptor) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        address.ss_family != AF_UNIX)
        return std::nullopt;
    ucred credentials{};
    size = sizeof credentials;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return peer_of(credentials);
}

/// One request while it arrives.
struct Arriving {
    Request request;
    bool too_large = false;
};

class HttpServer : public Server {
  public:
    HttpServer(Handler handler, std::filesystem::path socket)
        : handler_(std::move(handler)), socket_(std::move(socket)) {}
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer() override {
        if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
        std::error_code ignored;
        if (!socket_.empty()) std::filesystem::remove(socket_, ignored);
    }

    /// Takes the listening descriptor over.
    Status start(int descriptor) {
        daemon_ = MHD_start_daemon(
            MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, nullptr, nullptr, &HttpServer::on_request,
            this, MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_THREAD_POOL_SIZE, kThreads,
            MHD_OPTION_CONNECTION_TIMEOUT, kIdleSeconds, MHD_OPTION_CONNECTION_LIMIT, kConnections,
            MHD_OPTION_NOTIFY_COMPLETED, &HttpServer::on_completed, nullptr, MHD_OPTION_END);
        if (daemon_ == nullptr) {
            ::close(descriptor);
            return fail(ErrorCode::internal, "libmicrohttpd");
        }
        descriptor_ = descriptor;
        return {};
    }

    int port() const override {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        if (getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
        return ntohs(address.sin_port);
    }

  private:
    static MHD_Result keep(void* user, MHD_ValueKind, const char* name, const char* value) {
        static_cast<Request*>(user)->query[name] = value == nullptr ? "" : value;
        return MHD_YES;
    }

    static MHD_Result on_request(void* user, MHD_Connection* connection, const char* url, const char* method,
                                 const char*, const char* data, std::size_t* size, void** state) {
        auto& self = *static_cast<HttpServer*>(user);
        if (*state == nullptr) {
            auto* arriving = new Arriving;
            *state = arriving;
            arriving->request.method = method;
            arriving->request.path = url;
            MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, keep, &arriving->request);
            const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
            if (info != nullptr) arriving->request.peer = peer_at(info->connect_fd);
            return MHD_YES;
        }
        auto& arriving = *static_cast<Arriving*>(*state);
        if (*size > 0) {
            arriving.too_large = arriving.too_large || arriving.request.body.size() + *size > kLargestBody;
            if (!arriving.too_large) arriving.request.body.append(data, *size);
            *size = 0;
            return MHD_YES;
        }
        return self.answer(connection, arriving);
    }

    static void on_completed(void*, MHD_Connection*, void** state, MHD_RequestTerminationCode) {
        delete static_cast<Arriving*>(*state);
        *state = nullptr;
    }

    /// No exception passes the C library's frames.
    Response handle(const Request& request) const {
        try {
            return handler_(request);
        } catch (const std::exception& failure) {
            std::string body = R"({"error":)";
            append_json_string(body, failure.what());
            return {MHD_HTTP_INTERNAL_SERVER_ERROR, body + "}\n"};
        }
    }

    MHD_Result answer(MHD_Connection* connection, const Arriving& arriving) const {
        Response response;
        // However long the answer takes: the peer's silence meanwhile is no idleness.
        MHD_set_connection_option(connection, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
        if (arriving.too_large)
            response = {MHD_HTTP_CONTENT_TOO_LARGE,
                        "{\"error\":\"the request is too large\",\"exitStatus\":65}\n"};
        else
            response = handle(arriving.request);
        MHD_Response* out = MHD_create_response_from_buffer(response.body.size(), response.body.data(),
                                                            MHD_RESPMEM_MUST_COPY);
        MHD_add_response_header(out, MHD_HTTP_HEADER_CONTENT_TYPE, response.type.c_str());
        const MHD_Result queued = MHD_queue_response(connection, static_cast<unsigned>(response.status), out);
        MHD_destroy_response(out);
        return queued;
    }

    Handler handler_;
    std::filesystem::path socket_;
    MHD_Daemon* daemon_ = nullptr;
    int descriptor_ = -1;
};

Failure system_failure(const std::string& place) {
    return fail(ErrorCode::bad_configuration, std::strerror(errno)).at(place);
}

bool someone_listens(const sockaddr_un& address) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return false;
    const bool listens = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    return listens;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::on_socket(const std::filesystem::path& path, Handler handler) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path.string();
    if (name.size() >= sizeof address.sun_path)
        return fail(ErrorCode::bad_configuration,
                    tr("the path of a socket has at most {} bytes", sizeof address.sun_path - 1))
            .at(name);
    std::memcpy(address.sun_path, name.data(), name.size());
    std::error_code ignored;
    std::filesystem::create_directories(path.parent_path(), ignored);
    if (someone_listens(address))
        return fail(ErrorCode::busy, tr("another process is working here")).at(name);
    std::filesystem::remove(path, ignored);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return system_failure(name);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(name.c_str(), 0666) != 0 || ::listen(descriptor, kBacklog) != 0) {
        const auto failure = system_failure(name);
        ::close(descriptor);
        return failure;
    }
    auto server = std::make_unique<HttpServer>(std::move(handler), path);
    KAIGO_CHECK(server->start(descriptor));
    return server;
}

Result<std::unique_ptr<Server>> Server::on_address(const std::string& address, Handler handler) {
    const std::size_t colon = address.rfind(':');
    sockaddr_in where{};
    where.sin_family = AF_INET;
    int port = -1;
    if (colon != std::string::npos)
        std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
    if (port < 0 || port > 65535 ||
        ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &where.sin_addr) != 1)
        return fail(ErrorCode::bad_configuration, tr("an address is written 127.0.0.1:9464")).at(address);
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return system_failure(address);
    const int yes = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 ||
        ::listen(descriptor, kBacklog) != 0) {
        const auto failure = system_failure(address);
        ::close(descriptor);
        return failure;
    }
    auto server = std::make_unique<HttpServer>(std::move(handler), std::filesystem::path());
    KAIGO_CHECK(server->start(descriptor));
    return server;
}

}  // namespace kaigo::control
