#include "jobs/sync/before_setup/validation.h"

#include <algorithm>
#include <cstring>

#include "audit/audit_log.h"
#include "base/i18n.h"
#include "jobs/runtime/stores.h"
#include "mapping/evidence.h"
#include "spec/validate.h"

namespace kaigo::jobs {

namespace {

constexpr std::size_t kExamples = 5;

void add_example(Breach& breach, const std::string& key) {
    if (breach.examples.size() < kExamples) breach.examples.push_back(key);
}

/// Finds rows that share a key, in whatever order they come. Takes 16 bytes per row.
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
class RowsOfKind {
  public:
    RowsOfKind(const OpenSource& source, const mapping::KindPlan& plan, const config::Insurer& insurer,
               const config::Config& config, const Environment& environment, std::int64_t sample)
        : source_(source),
          plan_(plan),
          insurer_(insurer),
          sample_(sample),
          consent_(consent_policy_of(insurer, japan_date(environment.clock.now()))),
          settings_{japan_date(environment.clock.now()), config.my_number_check, true},
          secret_(32, '\0') {
        environment.random.fill({reinterpret_cast<std::uint8_t*>(secret_.data()), secret_.size()});
        keys_.emplace(secret_);
        result_.insurer = insurer.number.value();
        result_.kind = plan.kind->id;
    }

    Result<KindValidation> run() {
        // One state for two threads: this one, and the one that reads the main rows ahead of it.
        KAIGO_TRY(const auto snapshots, source_.source->snapshots(2));
        KAIGO_TRY(const auto reader, open(snapshots));
        if (plan_.kind->my_number) forecaster_.emplace(secret_);
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
            Breach& breach = result_.breaches[{"", breach::kFormUnknown}];
            breach.count = result_.form_unknown;
            breach.warning = true;
        }
        KAIGO_CHECK(tell_duplicates(snapshots));
        if (forecaster_) {
            std::unique_ptr<mapping::EvidenceReader> evidence;
            if (const mapping::KindPlan* facts = source_.plan->evidence()) {
                KAIGO_TRY(evidence, mapping::EvidenceReader::open(*facts, *snapshots[1], insurer_.number,
                                                                  settings_.today));
            }
            KAIGO_TRY(result_.forecast, forecaster_->finish(evidence.get()));
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
        if (forecaster_ && has_key) forecaster_->take(record, key_, findings_);
        for (const spec::Finding& finding : findings_) {
            Breach& breach = result_.breaches[{finding.path, std::string(finding.rule)}];
            ++breach.count;
            breach.warning = finding.severity == spec::Severity::warning;
            usable = usable && breach.warning;
            add_example(breach,
                        has_key ? spec::describe_key(*plan_.kind, key_) : tr("row {}", reader.position()));
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
        if (result_.rows == 0) result_.breaches[{"", breach::kNoRows}].count = 1;
        for (const mapping::ChildCount& child : result_.children) {
            if (child.rows == 0 && result_.rows > 0) {
                Breach& breach = result_.breaches[{child.name, breach::kNoRows}];
                breach.count = 1;
                breach.warning = true;
            }
            if (child.orphans == 0) continue;
            Breach& breach = result_.breaches[{child.name, breach::kOrphan}];
            breach.count = child.orphans;
            for (const std::string& key : child.examples) add_example(breach, key);
        }
    }

    /// Names the keys of several rows; that takes a second reading, where there are any.
    Status tell_duplicates(const Snapshots& snapshots) {
        auto groups = keys_->groups();
        if (groups.empty()) return {};
        for (const auto& [digest, group] : groups) {
            Breach& breach =
                result_.breaches[{"", group.same_content ? breach::kRepeated : breach::kDuplicate}];
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
            add_example(
                result_.breaches[{"", found->second.same_content ? breach::kRepeated : breach::kDuplicate}],
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
    std::optional<SetupForecaster> forecaster_;  ///< of the kind with the マイナンバー
    KindValidation result_;
    std::vector<spec::Finding> findings_;
    std::string key_, canonical_;
};

}  // namespace

Result<Validation> validate_rows(const config::Config& config, const Environment& environment,
                                 const spec::Specification& specification, const ValidationScope& scope) {
    Validation out;
    std::map<std::string, OpenSource> sources;
    for (const auto& [name, settings] : config.sources) {
        KAIGO_TRY(auto opened, open_mapped_source(settings, read_mapping(settings), specification, out.faults,
                                                  environment.connect));
        if (const std::string note = opened.source->note(); !note.empty()) out.notes.push_back(note);
        sources.emplace(name, std::move(opened));
    }
    if (!out.faults.empty()) return out;
    for (const config::Insurer& insurer : config.insurers) {
        const OpenSource& source = sources.at(insurer.source);
        for (const auto& kind : specification.kinds()) {
            if (!insurer.wants(kind->id) || (!scope.kind.empty() && scope.kind != kind->id)) continue;
            const mapping::KindPlan* plan = source.plan->kind(kind->id);
            if (plan == nullptr) {
                out.faults.add(
                    Fault{source.plan->file(), 0, 0, tr("the mapping has no record kind \"{}\"", kind->id)});
                continue;
            }
            KAIGO_TRY(auto result,
                      RowsOfKind(source, *plan, insurer, config, environment, scope.sample).run());
            result.needed = std::ranges::any_of(
                specification.kinds(), [&](const auto& other) { return other->requires_kind == kind->id; });
            // Perhaps nobody has given consent outside an application yet: that is no fault of the mapping.
            if (const auto none = result.breaches.find({"", breach::kNoRows}); none != result.breaches.end())
                none->second.warning = !result.needed;
            out.kinds.push_back(std::move(result));
        }
    }
    return out;
}

Status audit_validation(const config::Config& config, const Environment& environment,
                        const std::vector<KindValidation>& kinds) {
    std::int64_t my_numbers = 0;
    for (const KindValidation& kind : kinds) my_numbers += kind.my_numbers;
    if (my_numbers == 0) return {};
    KAIGO_TRY(auto log, audit::AuditLog::open(config.audit, kAuditPatience));
    return log.append(environment.clock.now(), "validate-mapping", environment.actor,
                      {{"my-numbers-read", std::to_string(my_numbers)}});
}

}  // namespace kaigo::jobs
