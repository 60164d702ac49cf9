#include "control/client.h"

#include <curl/curl.h>
#include <unistd.h>

#include <memory>

#include "base/i18n.h"

namespace kaigo::control {
namespace {

constexpr std::size_t kLargestBody = 256U << 20;
constexpr long kConnectTimeoutMs = 5'000;

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
    auto& body = *static_cast<std::string*>(user);
    if (body.size() + size * count > kLargestBody) return 0;
    body.append(data, size * count);
    return size * count;
}

}  // namespace

Result<std::optional<Response>> ask(const std::filesystem::path& socket, const std::string& method,
                                    const std::string& path, const std::string& body) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (ready != CURLE_OK) return fail(ErrorCode::internal, "libcurl");
    std::error_code missing;
    if (!std::filesystem::exists(socket, missing)) return std::optional<Response>();
    if (::access(socket.c_str(), W_OK) != 0)
        return fail(ErrorCode::permission_denied, tr("you may not speak to the daemon"))
            .at(socket.string())
            .remedy(tr("ask for membership in the group of its operators or viewers"));
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(), curl_easy_cleanup);
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
        curl_slist_append(curl_slist_append(nullptr, "Content-Type: application/json"), "Expect:"),
        curl_slist_free_all);
    Response out;
    const std::string url = "http://localhost" + path;
    curl_easy_setopt(easy.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
    curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    if (!body.empty()) {
        curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, body.data());
        curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    }
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &out.body);
    const CURLcode code = curl_easy_perform(easy.get());
    // The socket of a daemon that died.
    if (code == CURLE_COULDNT_CONNECT) return std::optional<Response>();
    if (code != CURLE_OK)
        return fail(ErrorCode::platform_unreachable,
                    tr("the daemon does not answer: {}", curl_easy_strerror(code)))
            .at(socket.string())
            .remedy(tr("look at it with: systemctl status kaigo-gatewayd"));
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    out.status = static_cast<int>(status);
    return std::optional(std::move(out));
}

}  // namespace kaigo::control
