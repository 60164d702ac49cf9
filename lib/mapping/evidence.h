#pragma once
// Evidence: facts of the source that are not sent, but move PMHキー cases (厚生労働省 第3回自治体説明会,
// quoting IF仕様書 2.02 §5.1.4(2)): 適用除外 (生活保護), 医療保険加入状況, 住所地特例. A mapping's
// `evidence:` section says where they stand.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "mapping/reader.h"
#include "registration/pmh_case.h"

namespace kaigo::mapping {

/// Items of the evidence section, in this order. All but the two numbers are optional.
const spec::RecordKind& evidence_kind();

/// Places of the items of evidence_kind().
enum EvidenceItem : std::size_t {
    kEvidenceInsurer,
    kEvidenceInsured,
    kExemptFrom,
    kExemptTo,
    kEnrolment,
    kEnrolmentConfirmedOn,
    kResidenceInsurer,
};

/// Evidence of the persons of one insurer. The rows must come in the order of their 被保険者番号.
class EvidenceReader {
  public:
    static Result<std::unique_ptr<EvidenceReader>> open(const KindPlan& plan, source::Snapshot& snapshot,
                                                        const InsurerNumber& insurer, const Date& today);

    /// Evidence of a person, asked in ascending order. Several rows of one person are taken together: exempt
    /// when one period holds today, enrolment as last confirmed.
    /// @return nothing when one of the person's rows cannot be read; an error when the database fails or
    /// gives rows out of order
    Result<std::optional<registration::Evidence>> of(std::string_view insured);
    /// Reads on to the end.
    /// @return rows in all
    Result<std::int64_t> count_to_the_end();
    /// What could not be read so far: of the first row, in words; empty: everything could.
    const std::string& unreadable() const { return unreadable_; }

  private:
    EvidenceReader(const KindPlan& plan, const Date& today) : plan_(&plan), today_(today) {}
    Status advance();
    void take_row(registration::Evidence& evidence, std::string& exempt_until) const;

    const KindPlan* plan_;
    Date today_;
    std::unique_ptr<RecordReader> rows_;
    std::string insured_;  ///< of the row at hand
    bool has_row_ = false;
    bool row_readable_ = true;
    std::string unreadable_;
};

}  // namespace kaigo::mapping
