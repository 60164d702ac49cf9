#include "jobs/checks/host_checks.h"

#include <grp.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "audit/audit_log.h"
#include "base/files.h"
#include "base/i18n.h"
#include "control/client.h"
#include "jobs/checks/certificate_days.h"
#include "jobs/runtime/host.h"
#include "jobs/runtime/job_context.h"
#include "jobs/runtime/ledger_store.h"
#include "platform/certificate.h"

namespace kaigo::jobs {

namespace {

constexpr int kForbidden = 403;
constexpr std::size_t kLargestCa = 4U << 20;
constexpr Duration kPatience{10'000};
constexpr Duration kShortPatience{5'000};

class Examination {
  public:
    Examination(const config::Config& config, Instant now) : config_(config), now_(now) {}

    std::vector<Check> whole(bool connections) {
        ok("configuration", config_.file.string());
        clock();
        const bool specification = load_specification();
        files();
        ledger();
        audit_log();
        disk();
        daemon();
        if (specification) {
            for (const auto& [name, settings] : config_.sources) source(name, settings);
            for (const config::Insurer& insurer : config_.insurers) {
                if (!connections) continue;
                const auto credentials =
                    platform::load_credentials(insurer.certificate_file, insurer.private_key_file);
                certificate(insurer, credentials);
                if (credentials) platform(insurer, *credentials);
            }
        }
        return std::move(checks_);
    }

    std::vector<Check> readiness(const Installation& installation) {
        if (const auto view = ledger_store(config_).view())
            ok("ledger", config_.ledger.string());
        else
            error("ledger", view.error());
        clock();
        any_platform(installation);
        for (const auto& [name, settings] : config_.sources) {
            subject_ = name;
            const auto source = source::open_source(settings.driver, settings.database);
            const auto snapshot = source ? (*source)->snapshot() : tl::unexpected(source.error());
            if (snapshot)
                ok("source", settings.driver);
            else
                error("source", snapshot.error());
        }
        for (const config::Insurer& insurer : config_.insurers)
            certificate(insurer, installation.credentials(insurer));
        return std::move(checks_);
    }

  private:
    void ok(const std::string& name, const std::string& text) {
        checks_.push_back({Check::Level::ok, name, subject_, text, ""});
    }
    void warn(const std::string& name, const std::string& text, const std::string& remedy) {
        checks_.push_back({Check::Level::warning, name, subject_, text, remedy});
    }
    void error(const std::string& name, const std::string& text, const std::string& remedy) {
        checks_.push_back({Check::Level::error, name, subject_, text, remedy});
    }
    void error(const std::string& name, const Error& e) {
        error(name, e.place.empty() ? e.message : e.place + ": " + e.message, e.remedy);
    }

    void clock() {
        if (!clock_is_plausible(now_))
            error("clock", tr("the clock is wrong: {}", format_instant(now_)),
                  tr("set the clock; check chrony or systemd-timesyncd"));
        else
            ok("clock", format_instant(now_));
    }

    bool load_specification() {
        Faults faults;
        specification_ = spec::Specification::load(config_.interface_spec, faults);
        for (const Fault& fault : faults.list()) error("spec", fault.text(), tr("correct the file"));
        if (specification_) {
            ok("spec", specification_->profile());
            wire_ = &specification_->wire();
        }
        return specification_ != nullptr;
    }

    void files() {
        if (const auto keys = Keys::load(config_.spool_key))
            ok("key", tr("spool key {}", keys->id));
        else
            error("key", keys.error());
        std::error_code missing;
        if (!std::filesystem::is_directory(config_.spool, missing))
            ok("spool", tr("{} is made by the first run", config_.spool.string()));
        else if (others_may_read(config_.spool))
            warn("spool", tr("{} can be read by others", config_.spool.string()),
                 "chmod 700 " + config_.spool.string());
        else
            ok("spool", config_.spool.string());
    }

    static bool others_may_read(const std::filesystem::path& path) {
        struct stat status {};
        return ::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0;
    }

    void ledger() {
        std::error_code missing;
        if (!std::filesystem::exists(config_.ledger, missing)) {
            ok("ledger", tr("{} is made by the first run", config_.ledger.string()));
            return;
        }
        const auto faults = ledger_store(config_).faults();
        if (!faults) return error("ledger", faults.error());
        sound_ = faults->empty();
        if (sound_)
            ok("ledger", config_.ledger.string());
        else
            error("ledger", tr("{} is damaged", config_.ledger.string()),
                  tr("stop all jobs, keep the file, and restore the last backup"));
        if (others_may_read(config_.ledger))
            warn("ledger", tr("{} can be read by others", config_.ledger.string()),
                 "chmod 600 " + config_.ledger.string());
    }

    /// The whole chain, and that its end is where the ledger says it was.
    void audit_log() {
        std::error_code missing;
        if (!std::filesystem::exists(config_.audit, missing)) {
            ok("audit", tr("{} is made by the first run", config_.audit.string()));
            return;
        }
        std::string head;
        if (sound_)
            if (auto view = ledger_store(config_).view()) head = view->meta("audit-head");
        const auto verified = audit::verify(config_.audit, head);
        if (!verified) return error("audit", verified.error());
        if (!head.empty() && !verified->anchor_seen)
            return error(
                "audit", tr("{}: lines are missing at its end", config_.audit.string()),
                tr("keep the file as it is and report it to the person in charge of information security"));
        ok("audit", config_.audit.string());
    }

    void daemon() {
        if (config_.control.socket.empty()) {
            const bool scheduled = std::ranges::any_of(
                config_.insurers, [](const config::Insurer& insurer) { return !insurer.schedule.empty(); });
            if (scheduled)
                warn("daemon", tr("commands cannot reach the daemon"),
                     tr("add \"control:\" to the configuration"));
            return;
        }
        const auto answer = control::ask(config_.control.socket, "GET", "/v1/status", "");
        if (!answer) return error("daemon", answer.error());
        if (!*answer)
            warn("daemon", tr("the daemon is not running: jobs run by command or cron alone"),
                 "systemctl start kaigo-gatewayd");
        else if ((*answer)->status == kForbidden)
            warn("daemon", tr("you may not speak to the daemon"),
                 tr("ask for membership in the group {} (operators) or {} (viewers)",
                    config_.control.operators, config_.control.viewers));
        else
            ok("daemon", tr("it is running, and answers"));
        for (const std::string& group : {config_.control.operators, config_.control.viewers})
            if (getgrnam(group.c_str()) == nullptr)
                warn("daemon", tr("there is no group {}: nobody has a right by it", group),
                     "groupadd --system " + group);
    }

    void disk() {
        std::filesystem::path folder = config_.ledger.parent_path();
        std::error_code missing;
        while (!std::filesystem::exists(folder, missing) && folder.has_parent_path() &&
               folder != folder.parent_path())
            folder = folder.parent_path();
        const auto free = free_bytes(folder);
        if (!free) return;
        const std::string text = tr("{} MiB free", *free >> 20);
        if (*free < kLittleRoom)
            warn("disk", text, tr("make room: a full disk stops every job"));
        else
            ok("disk", text);
    }

    void source(const std::string& name, const config::SourceSettings& settings) {
        subject_ = name;
        Faults faults;
        const auto opened = open_mapped_source(settings, read_mapping(settings), *specification_, faults);
        for (const Fault& fault : faults.list()) error("mapping", fault.text(), tr("correct the mapping"));
        if (!opened) return error("source", opened.error());
        ok("source", name + ": " + settings.driver);
        if (const std::string note = opened->source->note(); !note.empty()) ok("source", note);
        if (!faults.empty()) return;
        ok("mapping", settings.mapping.string());
        for (const config::Insurer& insurer : config_.insurers)
            if (insurer.source == name) rows(*opened, insurer);
    }

    /// What makes a linkage empty without an error.
    void rows(const OpenSource& source, const config::Insurer& insurer) {
        const std::string number = insurer.number.value();
        const auto snapshot = source.source->snapshot();
        if (!snapshot) return error("source", snapshot.error());
        for (const auto& kind : specification_->kinds()) {
            const mapping::KindPlan* plan = source.plan->kind(kind->id);
            if (plan == nullptr || !insurer.wants(kind->id)) continue;
            if (!plan->knows_form && !insurer.new_form_from)
                warn("mapping",
                     tr("{}, {}: no consent is told as あり, for nobody says on which form it was given",
                        number, kind->name),
                     tr("map \"form\", or set new_form_from for the insurer"));
            const auto first = (*snapshot)->rows(plan->query.sql, insurer.number);
            const auto some = first ? (*first)->next() : tl::unexpected(first.error());
            if (!some)
                error("source", some.error());
            else if (!*some)
                warn("source", tr("{}, {}: the source has no row", number, kind->name),
                     tr("compare the insurer's number in the source with the configuration"));
        }
    }

    void certificate(const config::Insurer& insurer, const Result<platform::Credentials>& loaded) {
        const std::string number = insurer.number.value();
        subject_ = number;
        if (!loaded) return error("certificate", loaded.error());
        const platform::CertificateInfo& found = loaded->info;
        if (!found.key_fits)
            error("certificate", tr("{}: the private key does not fit the certificate", number),
                  found.key_fits_another
                      ? tr("put the private key's own certificate first in the file, its issuers behind it")
                      : tr("install the pair that was issued together"));
        const std::int64_t days = platform::days_left(found, now_);
        if (now_ > found.not_after || now_ < found.not_before)
            error("certificate", tr("{}: not valid today", number), tr("install the renewed certificate"));
        else if (days < kCertificateWarningDays)
            warn("certificate", tr("{}: {} days left", number, days),
                 found.chain_ends < found.not_after
                     ? tr("a certificate behind it in the file ends first: have the chain renewed")
                     : tr("have the certificate renewed"));
        else
            ok("certificate", tr("{}: {} days left", number, days));
        if (std::ranges::find(found.insurers, number) == found.insurers.end())
            warn("certificate", tr("{}: the certificate does not name this insurer", number),
                 tr("ask the platform's operator for the right certificate"));
        if (others_may_read(insurer.private_key_file))
            warn("certificate", tr("{} can be read by others", insurer.private_key_file),
                 "chmod 600 " + insurer.private_key_file);
    }

    void platform(const config::Insurer& insurer, const platform::Credentials& credentials) {
        const auto ca_file = secret_path(config_.platform.ca_file);
        auto ca = ca_file ? read_file(*ca_file, kLargestCa) : tl::unexpected(ca_file.error());
        if (!ca) return error("platform", ca.error());
        authorities(*ca);
        platform::HttpsSettings settings;
        settings.url = config_.platform.url;
        settings.ca = std::move(*ca);
        settings.credentials = credentials;
        settings.request_timeout = config_.platform.request_timeout;
        const auto status = ask_platform(settings, insurer, kPatience);
        if (!status) return error("platform", without_doctor(status.error()));
        if (status->open)
            ok("platform", tr("{}: open", settings.url));
        else
            warn("platform", tr("{}: closed until {}", settings.url, status->reopens_at),
                 tr("wait; nothing is lost"));
    }

    /// Whom the platform's certificate is believed by. Told once, whatever the number of insurers.
    void authorities(const std::string& pem) {
        if (std::exchange(authorities_told_, true)) return;
        const auto found = platform::authorities_of(pem);
        if (!found) return error("ca", found.error());
        for (const platform::Authority& each : *found) {
            const std::int64_t days = platform::whole_days(each.ends - now_);
            if (days < 0)
                warn("ca", tr("{} of ca_file has ended", each.name),
                     tr("take it out of the file, when its successor stands there too"));
            else if (days < kCertificateWarningDays)
                warn("ca", tr("{} of ca_file: {} days left", each.name, days),
                     tr("ask the platform's operator for its successor, and put it beside it"));
            else
                ok("ca", tr("{} of ca_file: {} days left", each.name, days));
        }
    }

    /// Whoever reads this has asked the doctor already.
    static Error without_doctor(Error error) {
        if (error.remedy.find("kaigo-gateway doctor") != std::string::npos)
            error.remedy =
                tr("compare certificate, private key and CA file with what the platform's operator issued");
        return error;
    }

    /// One insurer's answer stands for the platform.
    void any_platform(const Installation& installation) {
        Error last{ErrorCode::platform_unreachable, tr("no insurer has a certificate"), "", ""};
        wire_ = &installation.specification().wire();
        for (const config::Insurer& insurer : config_.insurers) {
            const auto settings = installation.https_settings(insurer);
            if (!settings) continue;
            const auto status = ask_platform(*settings, insurer, kShortPatience);
            if (status && status->open) return ok("platform", config_.platform.url);
            if (status)
                return warn("platform", tr("the platform is closed {}", status->reopens_at),
                            tr("wait; nothing is lost"));
            last = status.error();
            // Another insurer's certificate may be good.
            if (last.code != ErrorCode::certificate_refused) break;
        }
        error("platform", last);
    }

    Result<platform::ServiceStatus> ask_platform(platform::HttpsSettings settings,
                                                 const config::Insurer& insurer, Duration patience) const {
        settings.request_timeout = std::min(settings.request_timeout, patience);
        KAIGO_TRY(const auto client, platform::open_https_client(settings, *wire_, insurer.number.value()));
        return client->service_status();
    }

    const config::Config& config_;
    Instant now_;
    bool authorities_told_ = false;
    bool sound_ = false;  ///< the ledger: it can be read
    std::unique_ptr<spec::Specification> specification_;
    const WireNames* wire_ = nullptr;
    std::string subject_;  ///< of the checks that are made now
    std::vector<Check> checks_;
};

}  // namespace

std::vector<Check> check_host(const config::Config& config, Instant now, bool connections) {
    return Examination(config, now).whole(connections);
}

std::vector<Check> check_readiness(const Installation& installation, Instant now) {
    return Examination(installation.config(), now).readiness(installation);
}

bool is_ready(const std::vector<Check>& checks, const config::Config& config) {
    std::set<std::pair<std::string, std::string>> faulty;
    for (const Check& check : checks)
        if (check.level == Check::Level::error) faulty.emplace(check.name, check.subject);
    // What has no subject is needed for everyone.
    if (std::ranges::any_of(faulty, [](const auto& fault) { return fault.second.empty(); })) return false;
    return std::ranges::any_of(config.insurers, [&](const config::Insurer& insurer) {
        return !faulty.contains({"certificate", insurer.number.value()}) &&
               !faulty.contains({"source", insurer.source});
    });
}

}  // namespace kaigo::jobs
