#pragma once
// The configuration file: every key, its default and its bounds.

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/date.h"
#include "base/result.h"
#include "domain/identifiers.h"
#include "domain/job_name.h"

namespace kaigo::config {

/// Minutes since midnight in Japan, [from, to). from > to runs over midnight.
struct ServiceWindow {
    int from = 0;
    int to = 24 * 60;
    bool contains(int minute_of_day) const;
};

/// What must be settled before the first record of an initial setup leaves (facts of the field: PIA, notified
/// date, method). What is not given here is asked.
struct Preconditions {
    std::optional<bool> pia_done;       ///< 特定個人情報保護評価
    std::optional<Date> setup_date;     ///< the day that was notified for 初期セットアップ
    std::optional<std::string> method;  ///< batch (方式①) | file (方式②)
};

struct ScheduleEntry {
    JobName job = JobName::daily_sync;
    std::optional<int> at;  ///< minute of the day
    std::optional<std::chrono::milliseconds> every;
    std::vector<unsigned> days;  ///< of the week, 0 Sunday … 6 Saturday; empty: every day
};

struct Insurer {
    InsurerNumber number;
    std::string name;
    std::string source;
    std::optional<Date> go_live;
    Preconditions preconditions;
    bool consent_before_go_live = true;
    std::optional<Date> new_form_from;
    std::vector<std::string> record_kinds;  ///< empty: all
    std::string certificate_file;           ///< as the platform section's unless overridden
    std::string private_key_file;
    ServiceWindow service_window;
    std::vector<ScheduleEntry> schedule;  ///< its own, or that of all

    bool wants(const std::string& kind) const;
};

struct SourceSettings {
    std::string driver;
    std::string database;
    std::filesystem::path mapping;
};

struct PlatformSettings {
    std::string url;
    std::string ca_file;
    int connections = 4;
    std::size_t max_records = 1000;
    std::size_t max_bytes = 8U << 20;
    bool gzip = false;
    std::chrono::milliseconds request_timeout{60'000};
    std::chrono::milliseconds retry_initial{2'000};
    std::chrono::milliseconds retry_maximum{900'000};
};

/// How much may change before a run asks for a person's word.
struct Safety {
    int drop_percent = 10;    ///< of rows compared with the last run, of records that no longer have a row
    int change_percent = 5;   ///< of records that change, or lose what they had
    int orphan_percent = 1;   ///< of the rows of a child query
    int resend_percent = 5;   ///< of rows, after mapping, specification or digest key changed
    std::int64_t floor = 10;  ///< fewer records than this never hold a run
};

/// Who may speak to the daemon, beside root and its own user: names of groups of this host.
struct ControlSettings {
    std::filesystem::path socket;  ///< empty: none
    std::string operators = "kaigo-operators";
    std::string viewers = "kaigo-viewers";
    std::string administrators = "root";
};

/// How long what is past is kept.
struct Retention {
    std::chrono::milliseconds history = std::chrono::days(730);  ///< of records, requests, closed cases, runs
    std::chrono::milliseconds polls = std::chrono::days(7);      ///< runs that only looked for answers
};

struct Config {
    std::filesystem::path file;
    std::string language = "ja";
    std::filesystem::path interface_spec;
    MyNumberCheck my_number_check = MyNumberCheck::real;
    std::vector<Insurer> insurers;
    std::map<std::string, SourceSettings> sources;
    PlatformSettings platform;
    Safety safety;
    std::uint32_t unanswered_tries = 40;  ///< after so many 中間サーバー応答なし, an operator is asked
    std::filesystem::path ledger;
    std::filesystem::path spool;
    std::string spool_key;
    std::string former_spool_key;  ///< of ledger rotate-key; empty: none
    std::uint64_t spool_quota = std::uint64_t{4} << 30;
    std::filesystem::path audit;
    ControlSettings control;
    std::string http_listen;
    int jobs_at_once = 4;  ///< of the daemon; jobs that wait do not count
    Retention retention;

    const Insurer* insurer(const std::string& number) const;
};

/// Reads and checks the whole file; the error lists every fault with line and column.
Result<Config> load(const std::filesystem::path& file);

}  // namespace kaigo::config
