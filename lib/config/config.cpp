#include "config/config.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/i18n.h"
#include "base/units.h"
#include "base/yaml.h"

namespace kaigo::config {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

std::optional<ServiceWindow> parse_window(const std::string& text) {
    if (text.size() != 11 || text[5] != '-') return std::nullopt;
    const auto from = parse_time_of_day(text.substr(0, 5));
    const auto to = parse_time_of_day(text.substr(6));
    if (!from || !to || *from == *to) return std::nullopt;
    return ServiceWindow{*from, *to};
}

class Reader {
  public:
    explicit Reader(const std::filesystem::path& file) { config_.file = file; }

    Result<Config> run() {
        const auto node = load_yaml(config_.file, faults_);
        if (node) {
            YamlMap root(*node, config_.file.string(), faults_);
            read_root(root);
        }
        if (!faults_.empty()) return faults_.as_failure(ErrorCode::bad_configuration);
        return std::move(config_);
    }

  private:
    std::string path(const std::string& text) const {
        if (text.empty() || text.starts_with("credential:") || text.starts_with("pkcs11:")) return text;
        return (std::filesystem::absolute(config_.file).parent_path() / text).lexically_normal().string();
    }

    static auto date_of(const std::string& text) { return Date::parse_iso(text); }

    /// A required section. If it is missing, an empty one takes its place, so that the section's own faults
    /// are reported as well.
    static YamlMap section(YamlMap& root, const std::string& key) {
        if (auto map = root.map(key)) return std::move(*map);
        root.fault(root.self(), tr("\"{}\" is missing", key));
        return {YAML::Node(YAML::NodeType::Map), root.file(), root.faults()};
    }

    void read_root(YamlMap& root) {
        if (const auto language = root.text("language")) {
            config_.language = *language;
            if (*language != "ja" && *language != "en") root.fault("language", tr("language is ja or en"));
        }
        config_.interface_spec = path(root.required_text("interface_spec"));
        if (const auto check = root.text("my_number_check")) {
            if (*check == "test")
                config_.my_number_check = MyNumberCheck::test;
            else if (*check != "real")
                root.fault("my_number_check", tr("my_number_check is real or test"));
        }
        read_sources(root);
        read_platform(root);
        schedule_ = read_schedule(root);
        read_insurers(root);
        read_safety(root);
        read_cases(root);
        read_files(root);
        root.finish();
    }

    void read_sources(YamlMap& root) {
        if (!root.has("sources")) root.fault(root.self(), tr("\"{}\" is missing", "sources"));
        auto sources = root.map("sources");
        if (!sources) return;
        for (const std::string& name : sources->keys()) {
            auto map = sources->map(name);
            if (!map) continue;
            SourceSettings source;
            source.driver = map->required_text("driver");
            if (!source.driver.empty() && source.driver != "sqlite" && source.driver != "postgresql" &&
                source.driver != "odbc")
                map->fault("driver", tr("driver is sqlite, postgresql or odbc"));
            source.database = map->required_text("database");
            if (source.driver == "sqlite") source.database = path(source.database);
            source.mapping = path(map->required_text("mapping"));
            map->finish();
            config_.sources[name] = source;
        }
    }

    void read_platform(YamlMap& root) {
        YamlMap map = section(root, "platform");
        PlatformSettings& out = config_.platform;
        out.url = map.required_text("url");
        if (!out.url.empty() && !out.url.starts_with("https://"))
            map.fault("url", tr("the platform is reached by https:// only"));
        while (out.url.ends_with('/')) out.url.pop_back();
        out.ca_file = path(map.required_text("ca_file"));
        certificate_ = path(map.required_text("certificate_file"));
        private_key_ = path(map.required_text("private_key_file"));
        if (const auto n = map.integer("connections", 1, 64)) out.connections = static_cast<int>(*n);
        if (const auto n = map.integer("max_records", 1, 100'000))
            out.max_records = static_cast<std::size_t>(*n);
        const std::string size = tr("a size is an integer and B, KiB, MiB or GiB");
        if (const auto n = map.parsed("max_bytes", parse_size, size)) {
            out.max_bytes = *n;
            if (*n < (16U << 10)) map.fault("max_bytes", tr("max_bytes is at least 16KiB"));
        }
        if (const auto gzip = map.boolean("gzip")) out.gzip = *gzip;
        const std::string duration = tr("a duration is an integer and ms, s, m, h or d");
        if (const auto d = map.parsed("request_timeout", parse_duration, duration)) out.request_timeout = *d;
        if (auto retry = map.map("retry")) {
            if (const auto d = retry->parsed("initial", parse_duration, duration)) out.retry_initial = *d;
            if (const auto d = retry->parsed("maximum", parse_duration, duration)) out.retry_maximum = *d;
            if (out.retry_initial.count() < 1 || out.retry_maximum < out.retry_initial)
                retry->fault(retry->self(), tr("retry: initial is at least 1ms and at most maximum"));
            retry->finish();
        }
        if (const auto window = read_window(map)) window_ = *window;
        map.finish();
    }

    static std::optional<ServiceWindow> read_window(YamlMap& map) {
        return map.parsed("service_window", parse_window, tr("a window is written HH:MM-HH:MM"));
    }

    void read_insurers(YamlMap& root) {
        if (!root.has("insurers")) root.fault(root.self(), tr("\"{}\" is missing", "insurers"));
        std::set<std::string> seen;
        const std::string date = tr("a date is written YYYY-MM-DD");
        for (const YAML::Node& node : root.sequence("insurers")) {
            YamlMap map(node, root.file(), faults_);
            const std::string text = map.required_text("number");
            const auto number = InsurerNumber::parse(text);
            if (!number && !text.empty()) map.fault("number", number.error().message);
            if (!seen.insert(text).second) map.fault("number", tr("insurer {} is given twice", text));
            Insurer insurer{.number = number ? *number : *InsurerNumber::parse("000000")};
            insurer.name = map.text("name").value_or("");
            insurer.source = map.required_text("source");
            if (!insurer.source.empty() && !config_.sources.contains(insurer.source))
                map.fault("source", tr("there is no source \"{}\"", insurer.source));
            insurer.go_live = map.parsed("go_live", date_of, date);
            if (auto preconditions = map.map("preconditions")) {
                insurer.preconditions.pia_done = preconditions->boolean("pia_done");
                insurer.preconditions.setup_date = preconditions->parsed("setup_date", date_of, date);
                insurer.preconditions.method = preconditions->text("method");
                if (insurer.preconditions.method && *insurer.preconditions.method != "batch" &&
                    *insurer.preconditions.method != "file")
                    preconditions->fault("method", tr("the method is \"batch\" or \"file\""));
                preconditions->finish();
            }
            if (const auto before = map.boolean("consent_before_go_live"))
                insurer.consent_before_go_live = *before;
            insurer.new_form_from = map.parsed("new_form_from", date_of, date);
            insurer.record_kinds = map.texts("record_kinds");
            insurer.certificate_file = path(map.text("certificate_file").value_or(""));
            insurer.private_key_file = path(map.text("private_key_file").value_or(""));
            if (insurer.certificate_file.empty() != insurer.private_key_file.empty())
                map.fault(map.self(), tr("certificate_file and private_key_file are given together"));
            if (insurer.certificate_file.empty()) {
                insurer.certificate_file = certificate_;
                insurer.private_key_file = private_key_;
            }
            insurer.service_window = read_window(map).value_or(window_);
            insurer.schedule = map.has("schedule") ? read_schedule(map) : schedule_;
            map.finish();
            config_.insurers.push_back(std::move(insurer));
        }
    }

    void read_safety(YamlMap& root) {
        auto map = root.map("safety");
        if (!map) return;
        if (const auto n = map->integer("drop_percent", 0, 100))
            config_.safety.drop_percent = static_cast<int>(*n);
        if (const auto n = map->integer("change_percent", 0, 100))
            config_.safety.change_percent = static_cast<int>(*n);
        if (const auto n = map->integer("orphan_percent", 0, 100))
            config_.safety.orphan_percent = static_cast<int>(*n);
        if (const auto n = map->integer("resend_percent", 0, 100))
            config_.safety.resend_percent = static_cast<int>(*n);
        constexpr std::int64_t kLargestFloor = 1'000'000;
        if (const auto n = map->integer("floor", 0, kLargestFloor)) config_.safety.floor = *n;
        map->finish();
    }

    void read_cases(YamlMap& root) {
        auto map = root.map("cases");
        if (!map) return;
        if (const auto n = map->integer("unanswered_tries", 1, 10'000))
            config_.unanswered_tries = static_cast<std::uint32_t>(*n);
        map->finish();
    }

    void read_files(YamlMap& root) {
        YamlMap ledger = section(root, "ledger");
        config_.ledger = path(ledger.required_text("path"));
        ledger.finish();
        YamlMap spool = section(root, "spool");
        config_.spool = path(spool.required_text("directory"));
        config_.spool_key = path(spool.required_text("key_file"));
        config_.former_spool_key = path(spool.text("former_key_file").value_or(""));
        if (const auto quota =
                spool.parsed("quota", parse_size, tr("a size is an integer and B, KiB, MiB or GiB")))
            config_.spool_quota = *quota;
        spool.finish();
        YamlMap audit = section(root, "audit");
        config_.audit = path(audit.required_text("path"));
        audit.finish();
        if (auto control = root.map("control")) {
            config_.control.socket = path(control->required_text("socket"));
            if (const auto group = control->text("operators")) config_.control.operators = *group;
            if (const auto group = control->text("viewers")) config_.control.viewers = *group;
            if (const auto group = control->text("administrators")) config_.control.administrators = *group;
            control->finish();
        }
        if (auto daemon = root.map("daemon")) {
            if (const auto n = daemon->integer("jobs_at_once", 1, 64))
                config_.jobs_at_once = static_cast<int>(*n);
            daemon->finish();
        }
        if (auto retention = root.map("retention")) {
            const std::string duration = tr("a duration is an integer and ms, s, m, h or d");
            if (const auto d = retention->parsed("history", parse_duration, duration))
                config_.retention.history = *d;
            if (const auto d = retention->parsed("polls", parse_duration, duration))
                config_.retention.polls = *d;
            retention->finish();
        }
        if (auto http = root.map("http")) {
            config_.http_listen = http->required_text("listen");
            http->finish();
        }
    }

    std::vector<ScheduleEntry> read_schedule(YamlMap& parent) {
        std::vector<ScheduleEntry> out;
        for (const YAML::Node& node : parent.sequence("schedule")) {
            YamlMap map(node, parent.file(), faults_);
            ScheduleEntry entry;
            const std::string job = map.required_text("job");
            if (const auto known = value_of(kJobNames, job))
                entry.job = *known;
            else if (!job.empty())
                map.fault("job", tr("there is no job \"{}\"", job));
            entry.at = map.parsed("at", parse_time_of_day, tr("a time is written HH:MM"));
            entry.every =
                map.parsed("every", parse_duration, tr("a duration is an integer and ms, s, m, h or d"));
            if (entry.every && *entry.every < std::chrono::seconds(1))
                map.fault("every", tr("\"every\" is at least 1s"));
            if (map.has("at") == map.has("every"))
                map.fault(map.self(), tr("give one of \"at\" and \"every\""));
            for (const std::string& day : map.texts("days")) {
                const auto found = std::ranges::find(kDays, day);
                if (found == kDays.end())
                    map.fault("days", tr("days are sun, mon, tue, wed, thu, fri, sat"));
                else
                    entry.days.push_back(static_cast<unsigned>(found - kDays.begin()));
            }
            if (!entry.days.empty() && entry.every) map.fault("days", tr("\"days\" goes with \"at\""));
            map.finish();
            out.push_back(entry);
        }
        return out;
    }

    Config config_;
    Faults faults_;
    std::string certificate_;
    std::string private_key_;
    ServiceWindow window_;
    std::vector<ScheduleEntry> schedule_;
};

}  // namespace

bool ServiceWindow::contains(int minute_of_day) const {
    if (from < to) return minute_of_day >= from && minute_of_day < to;
    return minute_of_day >= from || minute_of_day < to;
}

bool Insurer::wants(const std::string& kind) const {
    return record_kinds.empty() ||
           std::find(record_kinds.begin(), record_kinds.end(), kind) != record_kinds.end();
}

const Insurer* Config::insurer(const std::string& number) const {
    for (const Insurer& each : insurers)
        if (each.number.value() == number) return &each;
    return nullptr;
}

Result<Config> load(const std::filesystem::path& file) { return Reader(file).run(); }

}  // namespace kaigo::config
