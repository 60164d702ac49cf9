// libcurl's multi interface, in a thread of its own: connections are kept and shared, several requests fly at
// once.

#include <curl/curl.h>
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/crypto.h"
#include "base/failpoint.h"
#include "base/files.h"
#include "base/i18n.h"
#include "platform/client.h"
#include "platform/wire.h"

namespace kaigo::platform {
namespace {

constexpr std::size_t kLargestHeader = 64U << 10;
constexpr std::size_t kLargestBody = 16U << 20;
constexpr long kConnectTimeoutMs = 10'000;
constexpr int kWakeMs = 1'000;
constexpr const char* kCiphers = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

struct Request {
    std::string url;
    std::string body;  ///< empty: GET
};

struct Response {
    CURLcode code = CURLE_OK;
    long status = 0;
    std::string body;
    std::string detail;
    bool request_began = false;
    std::optional<Duration> retry_after;
};

/// One transfer and everything that must live as long as it.
struct Transfer {
    CURL* easy = curl_easy_init();
    curl_slist* headers = nullptr;
    Request request;
    Response response;
    std::size_t header_bytes = 0;
    std::size_t sent = 0;
    std::array<char, CURL_ERROR_SIZE> error{};
    std::function<void(Response)> done;  ///< called on the network's thread

    Transfer() = default;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() {
        SecretBytes::wipe(request.body.data(), request.body.size());
        curl_slist_free_all(headers);
        curl_easy_cleanup(easy);
    }
};

std::size_t on_header(char*, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.header_bytes += size * count;
    return transfer.header_bytes > kLargestHeader ? 0 : size * count;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    if (transfer.response.body.size() + size * count > kLargestBody) return 0;
    transfer.response.body.append(data, size * count);
    return size * count;
}

/// Hands the body over in pieces, so that a test can stop the process between two of them.
std::size_t on_upload(char* out, std::size_t size, std::size_t count, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    const std::string& body = transfer.request.body;
    const std::size_t half = body.size() / 2;
    if (transfer.sent == 0) failpoint("body-begun");
    std::size_t n = std::min(size * count, body.size() - transfer.sent);
    if (transfer.sent < half) n = std::min(n, half - transfer.sent);
    std::copy_n(body.data() + transfer.sent, n, out);
    transfer.sent += n;
    if (transfer.sent == half) failpoint("body-half");
    if (transfer.sent == body.size()) failpoint("body-whole");
    return n;
}

/// A kept connection that the platform had closed makes libcurl begin again on a new one.
int on_rewind(void* user, curl_off_t offset, int) {
    static_cast<Transfer*>(user)->sent = static_cast<std::size_t>(offset);
    return CURL_SEEKFUNC_OK;
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

bool is_certificate_problem(const Response& response) {
    switch (response.code) {
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
            return true;
        default:
            break;
    }
    // With TLS 1.3 the server's refusal of our certificate arrives with the first read, after a good
    // handshake.
    std::string text = response.detail;
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text.find("alert") != std::string::npos &&
           (text.find("certificate") != std::string::npos || text.find("unknown ca") != std::string::npos);
}

class HttpsClient : public PlatformClient {
  public:
    HttpsClient(const HttpsSettings& settings, const WireNames& wire, std::string insurer)
        : settings_(settings), wire_(wire), insurer_(std::move(insurer)), multi_(curl_multi_init()) {
        curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(settings.connections));
        curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(settings.connections));
        thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
    }
    HttpsClient(const HttpsClient&) = delete;
    HttpsClient& operator=(const HttpsClient&) = delete;
    ~HttpsClient() override {
        thread_.request_stop();
        curl_multi_wakeup(multi_);
        thread_.join();
        for (auto& [easy, transfer] : transfers_) curl_multi_remove_handle(multi_, easy);
        transfers_.clear();
        curl_multi_cleanup(multi_);
    }

    void submit(Submission submission) override {
        auto transfer = prepare({url("submit", submission.record_kind, ""), std::move(submission.body)});
        submission.body.clear();
        transfer->done = [this, submission = std::move(submission)](const Response& response) {
            failpoint("answer-read");
            SubmitResult result = classify(response, submission);
            const std::lock_guard lock(mutex_);
            outcomes_.emplace_back(submission.ticket, std::move(result));
            changed_.notify_all();
        };
        ++submissions_;
        begin(std::move(transfer));
    }

    std::vector<std::pair<std::int64_t, SubmitResult>> wait(Duration limit) override {
        std::unique_lock lock(mutex_);
        if (submissions_ > 0) changed_.wait_for(lock, limit, [&] { return !outcomes_.empty(); });
        submissions_ -= outcomes_.size();
        return std::exchange(outcomes_, {});
    }

    std::size_t in_flight() const override { return submissions_; }

    Result<ServiceStatus> service_status() override {
        KAIGO_TRY(const Response response, get(settings_.url + wire_.path("service_status")));
        return parse_service_status(wire_, response.body);
    }

    Result<ReceptionPage> completed(const std::string& cursor) override {
        std::string address =
            fmt::format("{}?{}={}", url("list", "", ""), wire_.key("limit"), wire_.limit("list_page"));
        if (!cursor.empty()) address += fmt::format("&{}={}", wire_.key("completed_after"), escape(cursor));
        KAIGO_TRY(const Response response, get(address));
        return parse_receptions(wire_, response.body);
    }

    Result<std::optional<Reception>> find(const std::string& request_id) override {
        KAIGO_TRY(const Response response, get(fmt::format("{}?{}={}", url("list", "", ""),
                                                           wire_.key("request_id"), escape(request_id))));
        KAIGO_TRY(const ReceptionPage page, parse_receptions(wire_, response.body));
        for (const Reception& reception : page.receptions)
            if (reception.request_id == request_id) return reception;
        return std::optional<Reception>();
    }

    Result<std::optional<Reception>> progress(const std::string& reception_number) override {
        auto response = get(url("progress", "", reception_number));
        if (!response && response.error().code == ErrorCode::platform_refused)
            return std::optional<Reception>();
        if (!response) return tl::unexpected(std::move(response).error());
        KAIGO_TRY(auto reception, parse_reception(wire_, response->body));
        return std::optional(std::move(reception));
    }

    std::future<Result<ResultPage>> results(const std::string& reception_number,
                                            std::int64_t offset) override {
        const std::string address =
            fmt::format("{}?{}={}&{}={}", url("results", "", reception_number), wire_.key("offset"), offset,
                        wire_.key("limit"), wire_.limit("result_page"));
        auto transfer = prepare({address, ""});
        auto promise = std::make_shared<std::promise<Result<ResultPage>>>();
        transfer->done = [this, address, promise](Response response) {
            auto checked = check(std::move(response), address);
            promise->set_value(checked ? parse_results(wire_, checked->body)
                                       : Result<ResultPage>(tl::unexpected(std::move(checked).error())));
        };
        begin(std::move(transfer));
        return promise->get_future();
    }

  private:
    static std::string escape(const std::string& text) {
        char* escaped = curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size()));
        std::string out = escaped;
        curl_free(escaped);
        return out;
    }

    std::string url(const std::string& role, const std::string& kind, const std::string& reception) const {
        std::string path = wire_.path(role);
        const auto replace = [&](const std::string& name, const std::string& value) {
            const std::size_t at = path.find("{" + name + "}");
            if (at != std::string::npos) path.replace(at, name.size() + 2, escape(value));
        };
        replace("insurerNumber", insurer_);
        replace("recordKind", kind);
        replace("receptionNumber", reception);
        return settings_.url + path;
    }

    /// The bytes live as long as the client, which outlives its transfers.
    static void set_blob(CURL* easy, CURLoption option, std::string_view bytes) {
        curl_blob blob{const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_NOCOPY};
        curl_easy_setopt(easy, option, &blob);
    }

    std::unique_ptr<Transfer> prepare(Request request) const {
        auto owned = std::make_unique<Transfer>();
        Transfer& t = *owned;
        t.request = std::move(request);
        CURL* easy = t.easy;
        curl_easy_setopt(easy, CURLOPT_URL, t.request.url.c_str());
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &t);
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t.error.data());
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                         long{CURL_SSLVERSION_TLSv1_3} | long{CURL_SSLVERSION_MAX_TLSv1_3});
        curl_easy_setopt(easy, CURLOPT_TLS13_CIPHERS, kCiphers);
        set_blob(easy, CURLOPT_CAINFO_BLOB, settings_.ca);
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
        const Credentials& own = settings_.credentials;
        set_blob(easy, CURLOPT_SSLCERT_BLOB, own.certificate);
        if (own.key) {
            set_blob(easy, CURLOPT_SSLKEY_BLOB, own.key->view());
        } else {
            curl_easy_setopt(easy, CURLOPT_SSLENGINE, "pkcs11");
            curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "ENG");
            curl_easy_setopt(easy, CURLOPT_SSLKEY, own.key_uri.c_str());
        }
        curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.request_timeout.count()));
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, &t);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &t);
        if (!t.request.body.empty()) {
            if (settings_.gzip) {
                std::string packed = gzip(t.request.body);
                SecretBytes::wipe(t.request.body.data(), t.request.body.size());
                t.request.body = std::move(packed);
                t.headers = curl_slist_append(t.headers, "Content-Encoding: gzip");
            }
            t.headers = curl_slist_append(t.headers, "Content-Type: application/json");
            // Without this libcurl asks the server first whether it wants the body.
            t.headers = curl_slist_append(t.headers, "Expect:");
            curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t.headers);
            curl_easy_setopt(easy, CURLOPT_POST, 1L);
            curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
            curl_easy_setopt(easy, CURLOPT_READDATA, &t);
            curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
            curl_easy_setopt(easy, CURLOPT_SEEKDATA, &t);
            curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
            curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                             static_cast<curl_off_t>(t.request.body.size()));
        }
        return owned;
    }

    void begin(std::unique_ptr<Transfer> transfer) {
        {
            const std::lock_guard lock(mutex_);
            waiting_.push_back(std::move(transfer));
        }
        curl_multi_wakeup(multi_);
    }

    void work(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            std::vector<std::unique_ptr<Transfer>> begun;
            {
                const std::lock_guard lock(mutex_);
                begun.swap(waiting_);
            }
            for (auto& transfer : begun) {
                CURL* easy = transfer->easy;
                curl_multi_add_handle(multi_, easy);
                transfers_.emplace(easy, std::move(transfer));
            }
            int running = 0;
            curl_multi_perform(multi_, &running);
            int left = 0;
            while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
                if (message->msg != CURLMSG_DONE) continue;
                finish(message->easy_handle, message->data.result);
            }
            curl_multi_poll(multi_, nullptr, 0, kWakeMs, nullptr);
        }
    }

    void finish(CURL* easy, CURLcode code) {
        const auto found = transfers_.find(easy);
        const std::unique_ptr<Transfer> t = std::move(found->second);
        transfers_.erase(found);
        Response& response = t->response;
        response.code = code;
        response.detail = t->error[0] != '\0' ? t->error.data() : curl_easy_strerror(code);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response.status);
        long request_bytes = 0;
        curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes);
        response.request_began = request_bytes > 0;
        curl_off_t retry_after = 0;
        if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK && retry_after > 0)
            response.retry_after = std::chrono::seconds(std::min<curl_off_t>(retry_after, 86'400));
        curl_multi_remove_handle(multi_, easy);
        t->done(std::move(response));
    }

    SubmitResult classify(const Response& response, const Submission& submission) const {
        using Outcome = SubmitResult::Outcome;
        SubmitResult out;
        out.retry_after = response.retry_after;
        if (response.code != CURLE_OK) {
            out.detail = response.detail;
            if (is_certificate_problem(response))
                out.outcome = Outcome::certificate;
            else if (!response.request_began)
                out.outcome = Outcome::not_sent;
            else
                out.outcome = Outcome::no_answer;
            return out;
        }
        out.detail = fmt::format("HTTP {}", response.status);
        if (response.status / 100 == 2) {
            const auto answer =
                parse_submit_answer(wire_, response.body, submission.request_id, submission.record_count);
            if (!answer) {
                out.detail = answer.error().message;
                return out;  // something was answered, but not what became of the batch
            }
            if (answer->outcome == Outcome::accepted) return *answer;
            out.error_code = answer->error_code;
            out.detail = answer->error_code;
            out.outcome = by_error_class(out.error_code);
            return out;
        }
        out.error_code = parse_error_code(wire_, response.body);
        switch (response.status) {
            case 400:
                out.outcome = Outcome::refused;
                break;
            case 401:
            case 403:
                out.outcome = Outcome::certificate;
                break;
            case 404:
                out.outcome = Outcome::refused;
                break;
            case 409:
                out.outcome = Outcome::conflict;
                break;
            case 413:
                out.outcome = Outcome::too_large;
                break;
            case 429:
            case 503:
                out.outcome = Outcome::busy;
                break;
            default:
                out.outcome = Outcome::no_answer;
                break;
        }
        return out;
    }

    SubmitResult::Outcome by_error_class(const std::string& code) const {
        using Outcome = SubmitResult::Outcome;
        const auto found = wire_.request_errors.find(code);
        if (found == wire_.request_errors.end()) return Outcome::refused;
        switch (found->second) {
            case RequestErrorClass::certificate:
                return Outcome::certificate;
            case RequestErrorClass::conflict:
                return Outcome::conflict;
            case RequestErrorClass::too_large:
                return Outcome::too_large;
            case RequestErrorClass::busy:
                return Outcome::busy;
            case RequestErrorClass::malformed:
            case RequestErrorClass::unknown:
                break;
        }
        return Outcome::refused;
    }

    /// One GET, waited for. Submissions in flight go on meanwhile.
    Result<Response> get(const std::string& address) {
        auto transfer = prepare({address, ""});
        std::promise<Response> promise;
        transfer->done = [&promise](Response response) { promise.set_value(std::move(response)); };
        auto answer = promise.get_future();
        begin(std::move(transfer));
        return check(answer.get(), address);
    }

    /// The response of a GET, when it is one that can be used.
    Result<Response> check(Response response, const std::string& address) const {
        if (response.code != CURLE_OK) {
            if (is_certificate_problem(response))
                return fail(ErrorCode::certificate_refused, response.detail)
                    .at(settings_.url)
                    .remedy(tr("check the certificate, its key and the CA file with: kaigo-gateway doctor"));
            return fail(ErrorCode::platform_unreachable, response.detail)
                .at(settings_.url)
                .remedy(tr("check the network and the platform's state; nothing is lost, it is tried again"));
        }
        const std::string status = fmt::format("HTTP {}", response.status);
        switch (response.status) {
            case 200:
                return response;
            case 401:
            case 403:
                return fail(ErrorCode::certificate_refused, status)
                    .at(settings_.url)
                    .remedy(tr("this certificate is not entitled to insurer {}: ask the platform's operator",
                               insurer_));
            case 404:
                return fail(ErrorCode::platform_refused, status).at(address);
            case 409:
            case 429:
            case 503:
                return fail(ErrorCode::platform_closed, status).at(settings_.url);
            default:
                return fail(ErrorCode::platform_protocol, status).at(settings_.url);
        }
    }

    HttpsSettings settings_;
    const WireNames& wire_;
    std::string insurer_;
    CURLM* multi_;
    std::size_t submissions_ = 0;                           ///< whose outcomes nobody has taken yet
    std::map<CURL*, std::unique_ptr<Transfer>> transfers_;  ///< of the network's thread
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::unique_ptr<Transfer>> waiting_;  ///< to be begun
    std::vector<std::pair<std::int64_t, SubmitResult>> outcomes_;
    std::jthread thread_;
};

}  // namespace

Result<std::unique_ptr<PlatformClient>> open_https_client(const HttpsSettings& settings,
                                                          const WireNames& wire, const std::string& insurer) {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (ready != CURLE_OK) return fail(ErrorCode::internal, "libcurl");
    return std::make_unique<HttpsClient>(settings, wire, insurer);
}

}  // namespace kaigo::platform
