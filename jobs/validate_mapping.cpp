// validate-mapping: reads the real source, maps, validates; sends nothing and writes no ledger.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstring>
#include <fstream>
#include <ostream>
#include <sstream>

#include "audit/audit_log.h"
#include "base/i18n.h"
#include "jobs/books.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"
#include "jobs/judge.h"
#include "jobs/setup_forecast.h"
#include "jobs/words.h"
#include "mapping/evidence.h"
#include "spec/validate.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

constexpr std::size_t kExamples = 5;

struct Breach {
    std::int64_t count = 0;
    bool warning = false;
    std::vector<std::string> examples;  ///< keys of records; never values of persons
    std::vector<std::string> values;    ///< codes and the like that broke the rule

    void example(const std::string& key) {
        if (examples.size() < kExamples) examples.push_back(key);
    }
};

/// Findings that speak of rows, not of an item.
constexpr const char* kNoRows = "no-rows";
constexpr const char* kOrphan = "orphan";
constexpr const char* kDuplicate = "duplicate-key";
constexpr const char* kRepeated = "repeated-row";
constexpr const char* kFormUnknown = "form-unknown";

struct KindResult {
    std::string insurer, kind;
    bool needed = false;  ///< other kinds require its records
    std::int64_t rows = 0;
    std::int64_t usable = 0;
    std::int64_t my_numbers = 0;
    std::int64_t form_unknown = 0;              ///< consents told as なし for that reason
    std::vector<mapping::ChildCount> children;  ///< of a whole reading
    std::map<std::pair<std::string, std::string>, Breach> breaches;  ///< by item path and rule
    std::unique_ptr<SetupForecast> forecast;  ///< of the kind with the マイナンバー

    bool sound() const {
        return rows == usable && std::ranges::all_of(breaches, [](const auto& each) {
                   return each.second.warning && each.first.second != kFormUnknown;
               });
    }
};

/// Finds rows of one key, in whatever order they come: 16 bytes a row.
class Keys {
  public:
    explicit Keys(std::string_view secret) : digest_(secret) {}

    void take(std::string_view key, std::string_view canonical, bool usable) {
        rows_.push_back({number(key), number(canonical) << 1U | (usable ? 1U : 0U)});
    }

    struct Group {
        bool same_content = true;
        std::int64_t rows = 0, usable = 0;
    };
    /// Keys of several rows, by their digest.
    std::map<std::uint64_t, Group> groups() {
        std::ranges::sort(rows_);
        std::map<std::uint64_t, Group> out;
        for (std::size_t i = 0; i < rows_.size();) {
            std::size_t end = i;
            Group group;
            for (; end < rows_.size() && rows_[end].key == rows_[i].key; ++end) {
                ++group.rows;
                group.usable += static_cast<std::int64_t>(rows_[end].content & 1U);
                group.same_content = group.same_content && rows_[end].content == rows_[i].content;
            }
            if (group.rows > 1) out.emplace(rows_[i].key, group);
            i = end;
        }
        return out;
    }
    std::uint64_t number(std::string_view bytes) {
        const Digest digest = digest_.digest(bytes);
        std::uint64_t out = 0;
        std::memcpy(&out, digest.data(), sizeof out);
        return out;
    }

  private:
    struct Row {
        std::uint64_t key, content;
        auto operator<=>(const Row&) const = default;
    };
    Hmac digest_;
    std::vector<Row> rows_;
};

/// Reads, maps and validates the rows of one kind.
class KindValidation {
  public:
    KindValidation(const OpenSource& source, const mapping::KindPlan& plan, const config::Insurer& insurer,
                   const config::Config& config, World& world, std::int64_t sample)
        : source_(source),
          plan_(plan),
          insurer_(insurer),
          sample_(sample),
          consent_(consent_policy_of(insurer, japan_date(world.clock.now()))),
          settings_{japan_date(world.clock.now()), config.my_number_check, true},
          secret_(32, '\0') {
        world.random.fill({reinterpret_cast<std::uint8_t*>(secret_.data()), secret_.size()});
        keys_.emplace(secret_);
        result_.insurer = insurer.number.value();
        result_.kind = plan.kind->id;
    }

    Result<KindResult> run() {
        // One state for two threads: this one, and the one that reads the main rows ahead of it.
        KAIGO_TRY(const auto snapshots, source_.source->snapshots(2));
        KAIGO_TRY(const auto reader, open(snapshots));
        if (plan_.kind->my_number) result_.forecast = std::make_unique<SetupForecast>(secret_);
        bool whole = true;
        for (;;) {
            whole = sample_ == 0 || result_.rows < sample_;
            if (!whole) break;
            KAIGO_TRY(const bool more, reader->next());
            if (!more) break;
            take(*reader);
        }
        if (whole) {
            result_.children = reader->child_counts();
            tell_rows();
        }
        if (result_.form_unknown > 0) {
            Breach& breach = result_.breaches[{"", kFormUnknown}];
            breach.count = result_.form_unknown;
            breach.warning = true;
        }
        KAIGO_CHECK(tell_duplicates(snapshots));
        if (result_.forecast) {
            std::unique_ptr<mapping::EvidenceReader> evidence;
            if (const mapping::KindPlan* facts = source_.plan->evidence()) {
                KAIGO_TRY(evidence, mapping::EvidenceReader::open(*facts, *snapshots[1], insurer_.number,
                                                                  settings_.today));
            }
            KAIGO_CHECK(result_.forecast->ask(evidence.get()));
        }
        for (const auto& snapshot : snapshots) KAIGO_CHECK(snapshot->verify());
        return std::move(result_);
    }

  private:
    using Snapshots = std::vector<std::unique_ptr<source::Snapshot>>;
    Result<std::unique_ptr<mapping::RecordReader>> open(const Snapshots& snapshots) const {
        return mapping::RecordReader::open_ahead(plan_, *snapshots[0], *snapshots[1], insurer_.number,
                                                 consent_);
    }

    void take(const mapping::RecordReader& reader) {
        ++result_.rows;
        const spec::Record& record = reader.record();
        if (plan_.kind->my_number && record.items[*plan_.kind->my_number].present()) ++result_.my_numbers;
        if (reader.consent() && reader.consent()->reason == registration::ConsentReason::form_unknown)
            ++result_.form_unknown;
        key_.clear();
        const bool has_key = spec::append_key(key_, record);
        findings_.clear();
        if (!reader.platform_owned()) spec::validate(record, settings_, findings_);
        bool usable = has_key || reader.platform_owned();
        if (result_.forecast && has_key) result_.forecast->take(record, key_, findings_);
        for (const spec::Finding& finding : findings_) {
            Breach& breach = result_.breaches[{finding.path, std::string(finding.rule)}];
            ++breach.count;
            breach.warning = finding.severity == spec::Severity::warning;
            usable = usable && breach.warning;
            breach.example(has_key ? spec::describe_key(*plan_.kind, key_) : tr("row {}", reader.position()));
            const bool known = std::ranges::find(breach.values, finding.value) != breach.values.end();
            if (!finding.value.empty() && !known && breach.values.size() < kExamples)
                breach.values.push_back(finding.value);
        }
        if (usable) ++result_.usable;
        if (!has_key) return;
        canonical_.clear();
        if (usable) spec::append_canonical(canonical_, record);
        keys_->take(key_, canonical_, usable);
        SecretBytes::wipe(canonical_.data(), canonical_.size());
    }

    /// Rows that are not there, and child rows that belong to none.
    void tell_rows() {
        if (result_.rows == 0) result_.breaches[{"", kNoRows}].count = 1;
        for (const mapping::ChildCount& child : result_.children) {
            if (child.rows == 0 && result_.rows > 0) {
                Breach& breach = result_.breaches[{child.name, kNoRows}];
                breach.count = 1;
                breach.warning = true;
            }
            if (child.orphans == 0) continue;
            Breach& breach = result_.breaches[{child.name, kOrphan}];
            breach.count = child.orphans;
            for (const std::string& key : child.examples) breach.example(key);
        }
    }

    /// Names the keys of several rows; that takes a second reading, where there are any.
    Status tell_duplicates(const Snapshots& snapshots) {
        auto groups = keys_->groups();
        if (groups.empty()) return {};
        for (const auto& [digest, group] : groups) {
            Breach& breach = result_.breaches[{"", group.same_content ? kRepeated : kDuplicate}];
            breach.count += group.rows;
            breach.warning = group.same_content;
            // Different contents under one key: the run believes none of them.
            if (!group.same_content) result_.usable -= group.usable;
        }
        KAIGO_TRY(const auto reader, open(snapshots));
        for (std::int64_t row = 0; !groups.empty() && row < result_.rows; ++row) {
            KAIGO_TRY(const bool more, reader->next());
            if (!more) break;
            key_.clear();
            if (!spec::append_key(key_, reader->record())) continue;
            const auto found = groups.find(keys_->number(key_));
            if (found == groups.end()) continue;
            result_.breaches[{"", found->second.same_content ? kRepeated : kDuplicate}].example(
                spec::describe_key(*plan_.kind, key_));
            groups.erase(found);
        }
        return {};
    }

    const OpenSource& source_;
    const mapping::KindPlan& plan_;
    const config::Insurer& insurer_;
    std::int64_t sample_;
    registration::ConsentPolicy consent_;
    spec::ValidationSettings settings_;
    std::string secret_;
    std::optional<Keys> keys_;
    KindResult result_;
    std::vector<spec::Finding> findings_;
    std::string key_, canonical_;
};

/// A finding in words: of an item, or of rows.
std::string breach_in_words(const std::string& path, const std::string& rule) {
    if (rule == kNoRows)
        return path.empty() ? tr("no row: is the insurer's number written so in the source, and is the "
                                 "condition right?")
                            : tr("the child query \"{}\" gives no row", path);
    if (rule == kOrphan)
        return tr(
            "rows of the child query \"{}\" belong to no row of the main query: are the keys written the "
            "same "
            "way (blanks, dates, numbers and text), and the conditions the same?",
            path);
    if (rule == kDuplicate)
        return tr("rows have a key that comes several times with different contents: none of them is sent");
    if (rule == kRepeated) return tr("rows have a key that comes several times with the same content");
    if (rule == kFormUnknown)
        return tr(
            "consents are told as なし because nobody says on which form they were given: map \"form\", or "
            "set "
            "new_form_from for the insurer");
    return path + " " + rule_in_words(rule);
}

void write_text(std::ostream& out, const std::vector<KindResult>& results) {
    for (const KindResult& result : results) {
        out << fmt::format("{} {}\n  ", result.insurer, result.kind)
            << tr("rows {}, usable {}, not usable {}", result.rows, result.usable,
                  result.rows - result.usable)
            << '\n';
        for (const auto& [where, breach] : result.breaches) {
            out << fmt::format("  {:>8}  {}{}", breach.count,
                               breach.warning ? tr("warning: ") : std::string(),
                               breach_in_words(where.first, where.second));
            for (std::size_t i = 0; i < breach.values.size(); ++i)
                out << (i == 0 ? ": " : ", ") << '"' << breach.values[i] << '"';
            for (std::size_t i = 0; i < breach.examples.size(); ++i)
                out << (i == 0 ? "  (" : ", ") << breach.examples[i];
            const bool more = breach.count > static_cast<std::int64_t>(breach.examples.size());
            out << (breach.examples.empty() ? "\n" : more ? ", …)\n" : ")\n");
        }
        if (result.forecast) result.forecast->write(out, result.insurer);
    }
}

json::value as_json(const std::vector<KindResult>& results, const Faults& faults) {
    json::array kinds;
    for (const KindResult& result : results) {
        json::array findings;
        for (const auto& [where, breach] : result.breaches) {
            json::array examples;
            for (const std::string& example : breach.examples) examples.emplace_back(example);
            json::array values(breach.values.begin(), breach.values.end());
            findings.push_back(json::object{{"item", where.first},
                                            {"values", std::move(values)},
                                            {"rule", where.second},
                                            {"severity", breach.warning ? "warning" : "error"},
                                            {"count", breach.count},
                                            {"examples", std::move(examples)}});
        }
        json::array children;
        for (const mapping::ChildCount& child : result.children)
            children.push_back(
                json::object{{"query", child.name}, {"rows", child.rows}, {"orphans", child.orphans}});
        json::object kind{{"insurer", result.insurer},
                          {"kind", result.kind},
                          {"rows", result.rows},
                          {"usable", result.usable},
                          {"childQueries", std::move(children)},
                          {"findings", std::move(findings)}};
        if (result.forecast) kind["setupErrors"] = result.forecast->as_json();
        kinds.push_back(std::move(kind));
    }
    json::array list;
    for (const Fault& fault : faults.list())
        list.push_back(json::object{{"file", fault.file},
                                    {"line", fault.line},
                                    {"column", fault.column},
                                    {"message", fault.message}});
    return json::object{{"faults", std::move(list)}, {"kinds", std::move(kinds)}};
}

Result<std::vector<KindResult>> validate_all(const config::Config& config, World& world,
                                             const ValidateOptions& options,
                                             const spec::Specification& specification, Faults& faults) {
    std::map<std::string, OpenSource> sources;
    for (const auto& [name, settings] : config.sources) {
        KAIGO_TRY(auto opened, open_mapped_source(settings, read_mapping(settings), specification, faults));
        if (const std::string note = opened.source->note(); !note.empty())
            world.err << tr("note: {}", note) << '\n';
        sources.emplace(name, std::move(opened));
    }
    std::vector<KindResult> results;
    if (!faults.empty()) return results;
    for (const config::Insurer& insurer : config.insurers) {
        const OpenSource& source = sources.at(insurer.source);
        for (const auto& kind : specification.kinds()) {
            if (!insurer.wants(kind->id) || (!options.kind.empty() && options.kind != kind->id)) continue;
            const mapping::KindPlan* plan = source.plan->kind(kind->id);
            if (plan == nullptr) {
                faults.add(
                    Fault{source.plan->file(), 0, 0, tr("the mapping has no record kind \"{}\"", kind->id)});
                continue;
            }
            KAIGO_TRY(auto result,
                      KindValidation(source, *plan, insurer, config, world, options.sample).run());
            result.needed = std::ranges::any_of(
                specification.kinds(), [&](const auto& other) { return other->requires_kind == kind->id; });
            // That nobody took consent outside an application yet is no fault of the mapping.
            if (const auto none = result.breaches.find({"", kNoRows}); none != result.breaches.end())
                none->second.warning = !result.needed;
            results.push_back(std::move(result));
        }
    }
    return results;
}

/// Every use of マイナンバー is told, that of a trial too.
Status audit_reading(const config::Config& config, World& world, const std::vector<KindResult>& results) {
    std::int64_t my_numbers = 0;
    for (const KindResult& result : results) my_numbers += result.my_numbers;
    if (my_numbers == 0) return {};
    KAIGO_TRY(auto log, audit::AuditLog::open(config.audit, kAuditPatience));
    return log.append(world.clock.now(), "validate-mapping", world.actor,
                      {{"my-numbers-read", std::to_string(my_numbers)}});
}

}  // namespace

Result<Validation> validate_rows(const config::Config& config, World& world,
                                 const spec::Specification& specification, std::ostream& out) {
    Faults faults;
    KAIGO_TRY(const auto results, validate_all(config, world, {}, specification, faults));
    if (!faults.empty()) return faults.as_failure(ErrorCode::bad_mapping);
    write_text(out, results);
    Validation sum;
    for (const KindResult& result : results) {
        sum.rows += result.rows;
        sum.rows_of[result.kind] += result.rows;
        sum.usable += result.usable;
        sum.my_numbers += result.my_numbers;
        sum.form_unknown += result.form_unknown;
        if (result.needed && result.rows == 0) sum.empty_kinds.push_back(result.kind);
        for (const mapping::ChildCount& child : result.children) {
            if (holds(config.safety, child.orphans, child.rows, config.safety.orphan_percent))
                sum.orphans.push_back(orphans_in_words(child));
        }
    }
    return sum;
}

int validate_mapping(const config::Config& config, World& world, const ValidateOptions& options) {
    Faults faults;
    const auto specification = spec::Specification::load(config.interface_spec, faults);
    if (!specification)
        return refuse(world, Error{ErrorCode::bad_specification, faults.list().front().text(), "", ""});
    if (!options.kind.empty() && specification->kind(options.kind) == nullptr)
        return refuse(world, Error{ErrorCode::usage,
                                   tr("the specification has no record kind \"{}\"", options.kind), "", ""});
    const auto results = validate_all(config, world, options, *specification, faults);
    if (!results) return refuse(world, results.error());
    if (const auto audited = audit_reading(config, world, *results); !audited)
        return refuse(world, audited.error());

    std::ostringstream text;
    if (options.format == "json") {
        write_json(text, as_json(*results, faults));
    } else {
        for (const Fault& fault : faults.list()) text << fault.text() << '\n';
        write_text(text, *results);
    }
    if (options.output.empty()) {
        world.out << text.str();
    } else {
        std::ofstream file(options.output);
        file << text.str();
        if (!file.flush())
            return refuse(
                world, Error{ErrorCode::cannot_write, tr("the file cannot be written"), options.output, ""});
    }
    if (!faults.empty()) return info(ErrorCode::bad_mapping).exit_status;
    return std::ranges::all_of(*results, &KindResult::sound) ? 0 : 1;
}

}  // namespace kaigo::jobs
