#include "control/client.h"

#include <unistd.h>

#include "base/i18n.h"
#include "http/local_client.h"

namespace kaigo::control {

Result<std::optional<http::ClientResponse>> ask(const std::filesystem::path& socket,
                                                const std::string& method, const std::string& path,
                                                const std::string& body) {
    std::error_code missing;
    if (!std::filesystem::exists(socket, missing)) return std::optional<http::ClientResponse>();
    if (::access(socket.c_str(), W_OK) != 0)
        return fail(ErrorCode::permission_denied, tr("you may not speak to the daemon"))
            .at(socket.string())
            .remedy(tr("ask for membership in the group of its operators or viewers"));
    auto answer = http::ask_locally(socket, {method, path, body});
    // The socket of a daemon that died.
    if (!answer && answer.error().why == http::NoResponse::Why::not_sent)
        return std::optional<http::ClientResponse>();
    if (!answer)
        return fail(ErrorCode::platform_unreachable,
                    tr("the daemon does not answer: {}", answer.error().detail))
            .at(socket.string())
            .remedy(tr("look at it with: systemctl status kaigo-gatewayd"));
    return std::optional(std::move(*answer));
}

}  // namespace kaigo::control
