#pragma once
// Source rows in strictly ascending key order, with their digests: the left side of the comparison.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "jobs/runtime/job_context.h"
#include "mapping/reader.h"
#include "registration/comparison.h"
#include "spec/validate.h"

namespace kaigo::jobs {

/// One row, ready to be compared. Its bytes stay valid through one more call of next().
struct OrderedRow {
    std::string_view key;
    registration::SourceRow source;
    std::string_view canonical;  ///< of a usable row
    std::optional<Digest> my_number;
    std::optional<std::int64_t> consent;  ///< registration::ConsentVerdict::packed
};

class OrderedRows {
  public:
    virtual ~OrderedRows() = default;
    /// The next row by key; null after the last.
    virtual Result<OrderedRow*> next() = 0;
    struct Counts {
        std::int64_t unreadable = 0;  ///< rows whose key cannot be read: they have no place in the order
        std::int64_t my_numbers_read = 0;
        // Whole after the last row:
        std::vector<mapping::ChildCount> children;
        std::map<std::string, std::int64_t> items;  ///< usable records that have an optional item, by path
    };
    Counts counts;
    /// Set when the database gave a row out of order: nothing that follows can be used.
    bool out_of_order = false;
};

/// Of the same state of the source, for a thread each.
struct SourceViews {
    source::Snapshot& rows;      ///< read ahead
    source::Snapshot& children;  ///< for the thread that maps
};

/// Maps, validates and digests, ahead of the caller. Rows come straight from the database when it gives them
/// in key order. Otherwise they are sorted on disk: each row's content is sealed in a nameless file, under a
/// key of this process.
Result<std::unique_ptr<OrderedRows>> open_ordered_rows(JobContext& context, const mapping::KindPlan& plan,
                                                       const SourceViews& source,
                                                       const config::Insurer& insurer, bool sort);

/// The first error of a record, as it is stored: "validation:survey.items.1-3:code".
std::string validation_reason(const spec::Finding& finding);

}  // namespace kaigo::jobs
