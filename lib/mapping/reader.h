#pragma once
// Rows of the source as records of the specification.

#include <memory>
#include <string>
#include <vector>

#include "mapping/child_rows.h"
#include "mapping/plan.h"
#include "registration/consent.h"
#include "spec/record.h"

namespace kaigo::mapping {

/// Streams the records of one kind of one insurer out of one snapshot. The record lives until the next call.
class RecordReader {
  public:
    static Result<std::unique_ptr<RecordReader>> open(const KindPlan& plan, source::Snapshot& snapshot,
                                                      const InsurerNumber& insurer,
                                                      const registration::ConsentPolicy& consent);
    /// The same with a thread that reads the main rows ahead.
    /// @param ahead   a snapshot of its own for that thread
    /// @param beside  of the same state, for the child rows
    static Result<std::unique_ptr<RecordReader>> open_ahead(const KindPlan& plan, source::Snapshot& ahead,
                                                            source::Snapshot& beside,
                                                            const InsurerNumber& insurer,
                                                            const registration::ConsentPolicy& consent);
    ~RecordReader();

    /// @return false after the last row; an error when the database fails or gives rows of another insurer
    Result<bool> next();
    const spec::Record& record() const { return record_; }
    /// Whether the row is one that the platform itself is the origin of.
    bool platform_owned() const { return platform_owned_; }
    /// Why the row's consent is told as it is; nothing for kinds that carry none.
    const std::optional<registration::ConsentVerdict>& consent() const { return verdict_; }
    /// Rows read so far.
    std::int64_t position() const { return position_; }
    /// What became of the rows of the child queries; whole after the last row.
    std::vector<ChildCount> child_counts() const;

  private:
    class Evaluation;
    RecordReader(const KindPlan& plan, const InsurerNumber& insurer,
                 const registration::ConsentPolicy& consent);

    Status open_children(source::Snapshot& snapshot);

    const KindPlan& plan_;
    InsurerNumber insurer_;
    registration::ConsentPolicy consent_;
    std::unique_ptr<source::RowStream> rows_;
    std::vector<std::unique_ptr<ChildRows>> children_;
    spec::Arena arena_;
    spec::Record record_;
    bool platform_owned_ = false;
    std::optional<registration::ConsentVerdict> verdict_;
    std::int64_t position_ = 0;
};

}  // namespace kaigo::mapping
