// The platform's HTTPS interface over the pooled client.

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/i18n.h"
#include "base/mutex.h"
#include "http/client.h"
#include "platform/answers.h"
#include "platform/client.h"
#include "platform/wire.h"

namespace kaigo::platform {
namespace {

using http::ClientRequest;
using http::ClientResponse;
using http::NoResponse;

class HttpsClient : public PlatformClient {
  public:
    HttpsClient(std::string url, const WireNames& wire, std::string insurer,
                std::unique_ptr<http::Client> client)
        : url_(std::move(url)), wire_(wire), insurer_(std::move(insurer)), client_(std::move(client)) {}

    void submit(Submission submission) override {
        ++submissions_;
        ClientRequest request{"POST", target("submit", submission.record_kind, ""),
                              std::move(submission.body)};
        submission.body.clear();
        client_->send(std::move(request),
                      [this, submission = std::move(submission)](const http::Client::Answer& answer) {
                          failpoint("answer-read");
                          SubmitResult result = classify(answer, submission);
                          const Lock lock(mutex_);
                          outcomes_.emplace_back(submission.ticket, std::move(result));
                          changed_.notify_all();
                      });
    }

    std::vector<std::pair<std::int64_t, SubmitResult>> wait(Duration limit) override {
        const auto until = std::chrono::steady_clock::now() + limit;
        Lock lock(mutex_);
        while (submissions_ > 0 && outcomes_.empty())
            if (changed_.wait_until(lock, until) == std::cv_status::timeout) break;
        submissions_ -= outcomes_.size();
        return std::exchange(outcomes_, {});
    }

    std::size_t in_flight() const override { return submissions_; }

    Result<ServiceStatus> service_status() override {
        KAIGO_TRY(const ClientResponse response, get(wire_.path("service_status")));
        return parse_service_status(wire_, response.body);
    }

    Result<ReceptionPage> completed(const std::string& cursor) override {
        std::string address =
            fmt::format("{}?{}={}", target("list", "", ""), wire_.key("limit"), wire_.limit("list_page"));
        if (!cursor.empty())
            address += fmt::format("&{}={}", wire_.key("completed_after"), http::escape(cursor));
        KAIGO_TRY(const ClientResponse response, get(address));
        return parse_receptions(wire_, response.body);
    }

    Result<std::optional<Reception>> find(const std::string& request_id) override {
        KAIGO_TRY(const ClientResponse response,
                  get(fmt::format("{}?{}={}", target("list", "", ""), wire_.key("request_id"),
                                  http::escape(request_id))));
        KAIGO_TRY(const ReceptionPage page, parse_receptions(wire_, response.body));
        for (const Reception& reception : page.receptions)
            if (reception.request_id == request_id) return reception;
        return std::optional<Reception>();
    }

    Result<std::optional<Reception>> progress(const std::string& reception_number) override {
        auto response = get(target("progress", "", reception_number));
        if (!response && response.error().code == ErrorCode::platform_refused)
            return std::optional<Reception>();
        if (!response) return tl::unexpected(std::move(response).error());
        KAIGO_TRY(auto reception, parse_reception(wire_, response->body));
        return std::optional(std::move(reception));
    }

    std::future<Result<ResultPage>> results(const std::string& reception_number,
                                            std::int64_t offset) override {
        const std::string address =
            fmt::format("{}?{}={}&{}={}", target("results", "", reception_number), wire_.key("offset"),
                        offset, wire_.key("limit"), wire_.limit("result_page"));
        auto promise = std::make_shared<std::promise<Result<ResultPage>>>();
        client_->send({"GET", address, ""}, [this, address, promise](http::Client::Answer answer) {
            auto checked = check(std::move(answer), address);
            promise->set_value(checked ? parse_results(wire_, checked->body)
                                       : Result<ResultPage>(tl::unexpected(std::move(checked).error())));
        });
        return promise->get_future();
    }

  private:
    std::string target(const std::string& role, const std::string& kind, const std::string& reception) const {
        std::string path = wire_.path(role);
        const auto replace = [&](const std::string& name, const std::string& value) {
            const std::size_t at = path.find("{" + name + "}");
            if (at != std::string::npos) path.replace(at, name.size() + 2, http::escape(value));
        };
        replace("insurerNumber", insurer_);
        replace("recordKind", kind);
        replace("receptionNumber", reception);
        return path;
    }

    SubmitResult classify(const http::Client::Answer& answer, const Submission& submission) const {
        using Outcome = SubmitResult::Outcome;
        SubmitResult out;
        if (!answer) {
            out.detail = answer.error().detail;
            switch (answer.error().why) {
                case NoResponse::Why::not_sent:
                    out.outcome = Outcome::not_sent;
                    break;
                case NoResponse::Why::no_answer:
                    out.outcome = Outcome::no_answer;
                    break;
                case NoResponse::Why::certificate:
                    out.outcome = Outcome::certificate;
                    break;
            }
            return out;
        }
        const ClientResponse& response = *answer;
        if (response.status / 100 != 2) return refused_submission(wire_, response);
        auto parsed =
            parse_submit_answer(wire_, response.body, submission.request_id, submission.record_count);
        if (!parsed) {
            // Something was answered, but not what became of the batch.
            out.detail = fmt::format("{}: {}", in_words(response), parsed.error().message);
            return out;
        }
        if (parsed->outcome == Outcome::accepted) return *std::move(parsed);
        out.retry_after = response.retry_after;
        out.error_code = out.detail = parsed->error_code;
        out.outcome = outcome_of_error(wire_, out.error_code, response.status);
        return out;
    }

    /// One GET, waited for. Submissions in flight go on meanwhile.
    Result<ClientResponse> get(const std::string& address) {
        std::promise<http::Client::Answer> promise;
        auto answer = promise.get_future();
        client_->send({"GET", address, ""},
                      [&promise](http::Client::Answer told) { promise.set_value(std::move(told)); });
        return check(answer.get(), address);
    }

    /// The response of a GET, when it is one that can be used.
    Result<ClientResponse> check(http::Client::Answer answer, const std::string& address) const {
        if (!answer && answer.error().why == NoResponse::Why::certificate)
            return fail(ErrorCode::certificate_refused, answer.error().detail)
                .at(url_)
                .remedy(tr("check the certificate, its key and the CA file with: kaigo-gateway doctor"));
        if (!answer)
            return fail(ErrorCode::platform_unreachable, answer.error().detail)
                .at(url_)
                .remedy(tr("check the network and the platform's state; nothing is lost, it is tried again"));
        if (answer->status == 200) return *std::move(answer);
        return tl::unexpected(unusable_answer(wire_, *answer, url_ + address, insurer_));
    }

    std::string url_;
    const WireNames& wire_;
    std::string insurer_;
    std::size_t submissions_ = 0;  ///< whose outcomes nobody has taken yet
    Mutex mutex_;
    Condition changed_;
    std::vector<std::pair<std::int64_t, SubmitResult>> outcomes_ KAIGO_GUARDED_BY(mutex_);
    std::unique_ptr<http::Client> client_;  ///< last: it calls back
};

}  // namespace

Result<std::unique_ptr<PlatformClient>> open_https_client(const HttpsSettings& settings,
                                                          const WireNames& wire, const std::string& insurer) {
    http::ClientSettings to;
    to.url = settings.url;
    to.ca = settings.ca;
    to.identity = {settings.credentials.certificate, settings.credentials.key, settings.credentials.key_uri};
    to.connections = static_cast<std::size_t>(settings.connections);
    to.gzip = settings.gzip;
    to.timeout = settings.request_timeout;
    KAIGO_TRY(auto client, http::Client::open(to));
    return std::make_unique<HttpsClient>(settings.url, wire, insurer, std::move(client));
}

}  // namespace kaigo::platform
