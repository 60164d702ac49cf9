#pragma once
// Requests to one origin over TLS 1.3: a pool of connections that are kept, several requests in flight, one
// deadline for each.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "http/engine.h"

namespace kaigo::http {

/// The certificate and key that this side presents.
struct Identity {
    std::string certificate;                 ///< PEM, with the chain
    std::shared_ptr<const SecretBytes> key;  ///< PEM; null: the key is in a token
    std::string key_uri;                     ///< pkcs11:…
};

struct ClientSettings {
    std::string url;  ///< https://HOST[:PORT][/BASE]
    std::string ca;   ///< PEM: whom to trust
    Identity identity;
    std::size_t connections = 4;
    bool gzip = false;  ///< bodies are packed
    Duration timeout{60'000};
    Duration connect_timeout{10'000};  ///< name, connection and handshake
};

struct ClientRequest {
    std::string method;
    std::string target;  ///< path and query, escaped, without the base
    std::string body;    ///< JSON; wiped when it has gone
};

struct ClientResponse {
    int status = 0;
    std::string body;
    std::optional<Duration> retry_after = std::nullopt;  ///< of seconds or of a date; at most a day
    std::string content_type = "";
};

/// Why there is no response.
struct NoResponse {
    enum class Why : std::uint8_t {
        not_sent,     ///< no byte of the request left
        no_answer,    ///< the request may have arrived
        certificate,  ///< one side does not believe the other: nothing was taken in
    };
    Why why = Why::not_sent;
    std::string detail;  ///< for people; nothing of the request
};

class Client {
  public:
    using Answer = tl::expected<ClientResponse, NoResponse>;
    /// Called on the engine's thread, once for every request, at the end of the client too. Must not block.
    using Done = std::function<void(Answer)>;

    /// Fails for a URL, certificate or key that cannot be used; connects later.
    static Result<std::unique_ptr<Client>> open(const ClientSettings& settings,
                                                std::shared_ptr<Engine> engine = Engine::shared());
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ~Client();  ///< breaks off what is in flight; afterwards nothing is called any more

    /// From any thread.
    void send(ClientRequest request, Done done);

  private:
    class Pool;
    Client(std::shared_ptr<Engine> engine, std::shared_ptr<Pool> pool)
        : engine_(std::move(engine)), pool_(std::move(pool)) {}
    std::shared_ptr<Engine> engine_;
    std::shared_ptr<Pool> pool_;
};

/// Percent-encoded as a segment of a path or a value of a query.
std::string escape(std::string_view text);

}  // namespace kaigo::http
