// doctor: is this host able to do its work? Each line with its remedy.

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "audit/audit_log.h"
#include "base/files.h"
#include "base/i18n.h"
#include "control/client.h"
#include "jobs/commands.h"
#include "jobs/host.h"
#include "jobs/json_text.h"
#include "ledger/view.h"
#include "platform/certificate.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

enum class Level : std::uint8_t { ok, warning, error };

struct Line {
    Level level;
    std::string check;
    std::string text;
    std::string remedy;
};

constexpr std::int64_t kCertificateWarningDays = 60;
constexpr int kForbidden = 403;

class Examination {
  public:
    Examination(const config::Config& config, World& world, bool connections)
        : config_(config), world_(world), connections_(connections) {}

    std::vector<Line> run() {
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
                if (!connections_) continue;
                certificate(insurer);
                platform(insurer);
            }
        }
        return std::move(lines_);
    }

  private:
    void ok(const std::string& check, const std::string& text) {
        lines_.push_back({Level::ok, check, text, ""});
    }
    void warn(const std::string& check, const std::string& text, const std::string& remedy) {
        lines_.push_back({Level::warning, check, text, remedy});
    }
    void error(const std::string& check, const std::string& text, const std::string& remedy) {
        lines_.push_back({Level::error, check, text, remedy});
    }
    void error(const std::string& check, const Error& e) {
        error(check, e.place.empty() ? e.message : e.place + ": " + e.message, e.remedy);
    }

    void clock() {
        if (!clock_is_plausible(world_.clock.now()))
            error("clock", tr("the clock is wrong: {}", format_instant(world_.clock.now())),
                  tr("set the clock; check chrony or systemd-timesyncd"));
        else
            ok("clock", format_instant(world_.clock.now()));
    }

    bool load_specification() {
        Faults faults;
        specification_ = spec::Specification::load(config_.interface_spec, faults);
        for (const Fault& fault : faults.list()) error("spec", fault.text(), tr("correct the file"));
        if (specification_) ok("spec", specification_->profile());
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
        const auto faults = ledger::faults_of(config_.ledger);
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
            if (auto view = ledger::LedgerView::open(config_.ledger)) head = view->meta("audit-head");
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

    void certificate(const config::Insurer& insurer) {
        const std::string number = insurer.number.value();
        const auto loaded = platform::load_credentials(insurer.certificate_file, insurer.private_key_file);
        if (!loaded) return error("certificate", loaded.error());
        const platform::CertificateInfo* const found = &loaded->info;
        if (!found->key_fits)
            error("certificate", tr("{}: the private key does not fit the certificate", number),
                  tr("install the pair that was issued together"));
        const Instant now = world_.clock.now();
        const auto days = std::chrono::floor<std::chrono::days>(found->not_after - now).count();
        if (now > found->not_after || now < found->not_before)
            error("certificate", tr("{}: not valid today", number), tr("install the renewed certificate"));
        else if (days < kCertificateWarningDays)
            warn("certificate", tr("{}: {} days left", number, days), tr("have the certificate renewed"));
        else
            ok("certificate", tr("{}: {} days left", number, days));
        if (std::find(found->insurers.begin(), found->insurers.end(), number) == found->insurers.end())
            warn("certificate", tr("{}: the certificate does not name this insurer", number),
                 tr("ask the platform's operator for the right certificate"));
        if (others_may_read(insurer.private_key_file))
            warn("certificate", tr("{} can be read by others", insurer.private_key_file),
                 "chmod 600 " + insurer.private_key_file);
    }

    void platform(const config::Insurer& insurer) {
        auto credentials = platform::load_credentials(insurer.certificate_file, insurer.private_key_file);
        if (!credentials) return;  // told above
        const auto ca_file = secret_path(config_.platform.ca_file);
        auto ca = ca_file ? read_file(*ca_file, 4U << 20) : tl::unexpected(ca_file.error());
        if (!ca) return error("platform", ca.error());
        platform::HttpsSettings settings;
        settings.url = config_.platform.url;
        settings.ca = std::move(*ca);
        settings.credentials = std::move(*credentials);
        settings.request_timeout = std::min(config_.platform.request_timeout, Duration(10'000));
        auto client = platform::open_https_client(settings, specification_->wire(), insurer.number.value());
        if (!client) return error("platform", client.error());
        const auto status = (*client)->service_status();
        if (!status) return error("platform", status.error());
        if (status->open)
            ok("platform", tr("{}: open", settings.url));
        else
            warn("platform", tr("{}: closed until {}", settings.url, status->reopens_at),
                 tr("wait; nothing is lost"));
    }

    const config::Config& config_;
    World& world_;
    bool connections_;
    bool sound_ = false;  ///< the ledger: it can be read
    std::unique_ptr<spec::Specification> specification_;
    std::vector<Line> lines_;
};

std::string level_name(Level level) {
    switch (level) {
        case Level::ok:
            return "ok";
        case Level::warning:
            return "warning";
        case Level::error:
            return "error";
    }
    return {};
}

}  // namespace

int doctor(const config::Config& config, World& world, bool json_format, bool connections) {
    const auto lines = Examination(config, world, connections).run();
    Level worst = Level::ok;
    json::array list;
    for (const Line& line : lines) {
        worst = std::max(worst, line.level);
        if (json_format) {
            list.push_back(json::object{{"level", level_name(line.level)},
                                        {"check", line.check},
                                        {"text", line.text},
                                        {"remedy", json_text(line.remedy)}});
            continue;
        }
        world.out << fmt::format("{:<8} {:<14} {}\n", level_name(line.level), line.check, line.text);
        if (!line.remedy.empty()) world.out << fmt::format("{:<24} → {}\n", "", line.remedy);
    }
    if (json_format) write_json(world.out, json::object{{"checks", std::move(list)}});
    switch (worst) {
        case Level::ok:
            return 0;
        case Level::warning:
            return 1;
        case Level::error:
            return info(ErrorCode::bad_configuration).exit_status;
    }
    return 0;
}

}  // namespace kaigo::jobs
