#include "mapping/evidence.h"

#include <algorithm>

#include "base/i18n.h"
#include "base/text.h"
#include "domain/identifiers.h"

namespace kaigo::mapping {

using registration::Evidence;
using registration::Fact;
using spec::Item;
using spec::ItemType;

namespace fact = registration::fact;

namespace {

Item item(const char* key, const char* name, ItemType type, bool required = false) {
    Item out;
    out.key = key;
    out.name = name;
    out.type = type;
    if (required) out.requirement.when = spec::Requirement::When::always;
    return out;
}

std::string text_of(const spec::Value& value) {
    return value.kind == spec::Value::Kind::text ? std::string(value.text) : std::string();
}

}  // namespace

const spec::RecordKind& evidence_kind() {
    static const spec::RecordKind kind = [] {
        spec::RecordKind out;
        out.id = "evidence";
        out.items = {item("insurerNumber", "介護保険者番号", ItemType::digits, true),
                     item("insuredNumber", "介護保険被保険者番号", ItemType::alphanumeric, true),
                     item("exemptFrom", "適用除外 開始日", ItemType::date),
                     item("exemptTo", "適用除外 終了日", ItemType::date),
                     item("enrolment", "医療保険加入状況", ItemType::text),
                     item("enrolmentConfirmedOn", "医療保険加入状況 確認日", ItemType::date),
                     item("residenceInsurer", "居住地の保険者番号 (住所地特例)", ItemType::digits)};
        out.key = {kEvidenceInsurer, kEvidenceInsured};
        return out;
    }();
    return kind;
}

Result<std::unique_ptr<EvidenceReader>> EvidenceReader::open(const KindPlan& plan, source::Snapshot& snapshot,
                                                             const InsurerNumber& insurer,
                                                             const Date& today) {
    std::unique_ptr<EvidenceReader> reader(new EvidenceReader(plan, today));
    KAIGO_TRY(reader->rows_, RecordReader::open(plan, snapshot, insurer, {}));
    KAIGO_CHECK(reader->advance());
    return reader;
}

Status EvidenceReader::advance() {
    constexpr std::size_t kInsurerNumberWidth = 6;
    for (;;) {
        KAIGO_TRY(has_row_, rows_->next());
        if (!has_row_) return {};
        const spec::Record& row = rows_->record();
        std::optional<std::size_t> fault;
        for (std::size_t i = 0; i < evidence_kind().items.size() && !fault; ++i)
            if (row.items[i].kind == spec::Value::Kind::malformed) fault = i;
        const std::string residence = text_of(row.items[kResidenceInsurer]);
        if (!residence.empty() && (residence.size() != kInsurerNumberWidth || !is_digits(residence)))
            fault = kResidenceInsurer;
        std::string next = text_of(row.items[kEvidenceInsured]);
        const bool has_key = InsuredNumber::parse(next).has_value();
        if (!has_key) fault = kEvidenceInsured;
        if (fault && unreadable_.empty())
            unreadable_ = tr("evidence: row {}: \"{}\" cannot be read", rows_->position(),
                             evidence_kind().items[*fault].key);
        if (!has_key) continue;  // nobody's
        row_readable_ = !fault;
        if (next < insured_)
            return fail(ErrorCode::bad_mapping,
                        tr("evidence: its rows are not in the order of the insuredNumber"))
                .remedy(tr("add ORDER BY with that column to the evidence's select"));
        insured_ = std::move(next);
        return {};
    }
}

void EvidenceReader::take_row(Evidence& evidence, std::string& exempt_until) const {
    const spec::Value* items = rows_->record().items;
    const std::string today = today_.iso();
    const auto text = [&](EvidenceItem at) { return text_of(items[at]); };
    if (plan_->items[kExemptFrom] != nullptr) {
        const std::string from = text(kExemptFrom);
        const std::string to = text(kExemptTo);
        const bool now = !from.empty() && from <= today && (to.empty() || to >= today);
        // Of several periods the first to begin, so that the order of the rows does not matter.
        const bool earlier = evidence.exemption.value != fact::kExempt || from < evidence.exemption.date;
        if (now && earlier)
            evidence.exemption = {std::string(fact::kExempt), from};
        else if (!now && !from.empty() && !to.empty() && to < today)
            exempt_until = std::max(exempt_until, to);
        if (!now && evidence.exemption.value != fact::kExempt)
            evidence.exemption = {std::string(fact::kNotExempt), exempt_until};
    }
    const Fact enrolment{text(kEnrolment), text(kEnrolmentConfirmedOn)};
    const auto rank = [](const Fact& fact) { return std::pair(fact.date, fact.value); };
    if (enrolment.known() && (!evidence.enrolment.known() || rank(enrolment) > rank(evidence.enrolment)))
        evidence.enrolment = enrolment;
    if (const std::string residence = text(kResidenceInsurer); !residence.empty())
        evidence.residence = residence;
}

Result<std::optional<Evidence>> EvidenceReader::of(std::string_view insured) {
    Evidence evidence;
    std::string exempt_until;
    bool readable = true;
    while (has_row_ && insured_ < insured) KAIGO_CHECK(advance());
    while (has_row_ && insured_ == insured) {
        readable = readable && row_readable_;
        take_row(evidence, exempt_until);
        KAIGO_CHECK(advance());
    }
    if (!readable) return std::optional<Evidence>();
    return std::optional(std::move(evidence));
}

Result<std::int64_t> EvidenceReader::count_to_the_end() {
    while (has_row_) KAIGO_CHECK(advance());
    return rows_->position();
}

}  // namespace kaigo::mapping
