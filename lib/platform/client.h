#pragma once
// The platform as the gateway sees it: a port, and its HTTPS implementation (open_https_client).

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "domain/vocabulary.h"
#include "platform/certificate.h"

namespace kaigo::platform {

/// What became of one request to register a batch.
struct SubmitResult {
    enum class Outcome : std::uint8_t {
        accepted,          ///< newly, or before under this very request
        refused,           ///< nothing accepted; `error_code` says why
        too_large,         ///< over a limit of the platform
        conflict,          ///< this requestId was used for another content
        busy,              ///< closed or too many requests: later
        not_sent,          ///< no byte of the request left
        no_answer,         ///< it may have been accepted
        certificate,       ///< this certificate may not do this, or the platform's own is not trusted
        not_the_platform,  ///< something on the way answered in its place: nothing was accepted
    };
    Outcome outcome = Outcome::no_answer;
    std::string reception_number;
    std::string error_code;
    std::optional<Duration> retry_after;
    std::string detail;  ///< for people; no personal data
};

struct Reception {
    std::string reception_number;
    std::string request_id;
    std::string processing_status;
    std::int64_t total = 0;
};

struct ReceptionPage {
    std::vector<Reception> receptions;
    std::string cursor;
};

struct RecordResult {
    std::string record_id;
    bool ok = false;
    bool stored = false;
    std::string error_id;
};

struct ResultPage {
    std::int64_t total = 0;
    std::vector<RecordResult> results;
};

struct ServiceStatus {
    bool open = false;
    std::string reopens_at;
};

/// One batch on its way.
struct Submission {
    std::int64_t ticket = 0;  ///< the caller's name for it
    std::string record_kind;
    std::string request_id;
    std::size_t record_count = 0;
    std::string body;
};

/// The platform for one insurer, whose certificate it carries. Used from one thread.
class PlatformClient {
  public:
    virtual ~PlatformClient() = default;
    /// Sends while the caller goes on; the outcome comes from wait().
    virtual void submit(Submission submission) = 0;
    /// Outcomes that have arrived; waits for one at most `limit` when none has.
    virtual std::vector<std::pair<std::int64_t, SubmitResult>> wait(Duration limit) = 0;
    /// Submissions whose outcome was not taken yet.
    virtual std::size_t in_flight() const = 0;

    virtual Result<ServiceStatus> service_status() = 0;
    /// Receptions completed since `cursor` (empty: from the start).
    virtual Result<ReceptionPage> completed(const std::string& cursor) = 0;
    /// The reception of a request, if the platform knows it.
    virtual Result<std::optional<Reception>> find(const std::string& request_id) = 0;
    /// Nothing when the platform does not know the reception.
    virtual Result<std::optional<Reception>> progress(const std::string& reception_number) = 0;
    /// Asked for at once, while the caller goes on.
    virtual std::future<Result<ResultPage>> results(const std::string& reception_number,
                                                    std::int64_t offset) = 0;
};

struct HttpsSettings {
    std::string url;
    std::string ca;  ///< PEM: whom to trust
    Credentials credentials;
    int connections = 4;
    bool gzip = false;
    Duration request_timeout{60'000};
};

/// TLS 1.3 only, host and CA verified, client certificate sent, no redirects, bounded headers and bodies.
Result<std::unique_ptr<PlatformClient>> open_https_client(const HttpsSettings& settings,
                                                          const WireNames& wire, const std::string& insurer);

/// One record of a request.
struct WireRecord {
    std::string_view record_id;
    UpdateKind update_kind = UpdateKind::create;
    std::string_view canonical;  ///< its canonical bytes, before which recordId and updateKind are put
};

/// The request's body: envelope and records, as the interface names them.
std::string compose_body(const WireNames& wire, const std::string& request_id, const std::string& mode,
                         const std::optional<std::string>& base_date, const std::vector<WireRecord>& records);

}  // namespace kaigo::platform
