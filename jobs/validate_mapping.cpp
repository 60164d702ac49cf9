// validate-mapping: reads the real source, maps, validates; sends nothing and writes no ledger.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <ostream>
#include <sstream>

#include "audit/audit_log.h"
#include "base/i18n.h"
#include "jobs/books.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"
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
    std::vector<std::string> examples;  ///< keys of records; never values
};

struct KindResult {
    std::string insurer, kind;
    std::int64_t rows = 0;
    std::int64_t usable = 0;
    std::int64_t my_numbers = 0;
    std::map<std::pair<std::string, std::string>, Breach> breaches;  ///< by item path and rule
    std::unique_ptr<SetupForecast> forecast;  ///< of the kind with the マイナンバー
};

/// The evidence of persons in the order of the rows; nothing where they do not come in order, or none is
/// mapped.
class EvidenceBeside {
  public:
    static Result<EvidenceBeside> open(const mapping::KindPlan* plan, source::Snapshot& snapshot,
                                       const InsurerNumber& insurer, const Date& today) {
        EvidenceBeside out;
        if (plan != nullptr) {
            KAIGO_TRY(out.reader_, mapping::EvidenceReader::open(*plan, snapshot, insurer, today));
        }
        return out;
    }

    Result<registration::Evidence> of(const std::string& key) {
        if (!reader_ || key < last_) return registration::Evidence{};
        last_ = key;
        KAIGO_TRY(const auto facts, reader_->of(spec::insured_number_of(key)));
        return facts.value_or(registration::Evidence{});
    }

  private:
    std::unique_ptr<mapping::EvidenceReader> reader_;
    std::string last_;
};

Result<KindResult> validate_kind(const OpenSource& source, const mapping::KindPlan& plan,
                                 const config::Insurer& insurer, const config::Config& config, World& world,
                                 std::int64_t sample) {
    // One state for two threads: this one, and the one that reads the main rows ahead of it.
    KAIGO_TRY(const auto snapshots, source.source->snapshots(2));
    KAIGO_TRY(const auto reader,
              mapping::RecordReader::open_ahead(plan, *snapshots[0], *snapshots[1], insurer.number,
                                                consent_policy_of(insurer, japan_date(world.clock.now()))));
    const spec::ValidationSettings settings{japan_date(world.clock.now()), config.my_number_check, true};
    KindResult result{insurer.number.value(), plan.kind->id, 0, 0, 0, {}, nullptr};
    EvidenceBeside evidence;
    if (plan.kind->my_number) {
        std::string secret(32, '\0');
        world.random.fill({reinterpret_cast<std::uint8_t*>(secret.data()), secret.size()});
        result.forecast = std::make_unique<SetupForecast>(secret);
        KAIGO_TRY(evidence, EvidenceBeside::open(source.plan->evidence(), *snapshots[1], insurer.number,
                                                 settings.today));
    }
    std::vector<spec::Finding> findings;
    std::string key;
    while (sample == 0 || result.rows < sample) {
        KAIGO_TRY(const bool more, reader->next());
        if (!more) break;
        ++result.rows;
        if (plan.kind->my_number && reader->record().items[*plan.kind->my_number].present())
            ++result.my_numbers;
        if (reader->platform_owned()) {
            ++result.usable;
            continue;
        }
        findings.clear();
        spec::validate(reader->record(), settings, findings);
        key.clear();
        const bool has_key = spec::append_key(key, reader->record());
        bool usable = has_key;
        if (result.forecast && has_key) {
            KAIGO_TRY(const auto facts, evidence.of(key));
            result.forecast->take(reader->record(), key, findings, facts);
        }
        for (const spec::Finding& finding : findings) {
            Breach& breach = result.breaches[{finding.path, std::string(finding.rule)}];
            ++breach.count;
            breach.warning = finding.severity == spec::Severity::warning;
            usable = usable && breach.warning;
            if (breach.examples.size() < kExamples)
                breach.examples.push_back(has_key ? spec::describe_key(*plan.kind, key)
                                                  : tr("row {}", reader->position()));
        }
        if (usable) ++result.usable;
    }
    return result;
}

void write_text(std::ostream& out, const std::vector<KindResult>& results) {
    for (const KindResult& result : results) {
        out << fmt::format("{} {}\n  ", result.insurer, result.kind)
            << tr("rows {}, usable {}, not usable {}", result.rows, result.usable,
                  result.rows - result.usable)
            << '\n';
        for (const auto& [where, breach] : result.breaches) {
            out << fmt::format("  {:>8}  {}{} {}", breach.count,
                               breach.warning ? tr("warning: ") : std::string(), where.first,
                               rule_in_words(where.second));
            for (std::size_t i = 0; i < breach.examples.size(); ++i)
                out << (i == 0 ? "  (" : ", ") << breach.examples[i];
            out << (breach.examples.empty() ? "\n" : ")\n");
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
            findings.push_back(json::object{{"item", where.first},
                                            {"rule", where.second},
                                            {"severity", breach.warning ? "warning" : "error"},
                                            {"count", breach.count},
                                            {"examples", std::move(examples)}});
        }
        json::object kind{{"insurer", result.insurer},
                          {"kind", result.kind},
                          {"rows", result.rows},
                          {"usable", result.usable},
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
            KAIGO_TRY(auto result, validate_kind(source, *plan, insurer, config, world, options.sample));
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
        sum.usable += result.usable;
        sum.my_numbers += result.my_numbers;
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
    const bool all_usable = std::all_of(results->begin(), results->end(), [](const KindResult& result) {
        return result.rows == result.usable;
    });
    return all_usable ? 0 : 1;
}

}  // namespace kaigo::jobs
