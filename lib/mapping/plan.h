#pragma once
// A mapping file, checked against the specification and the database before the first row is read.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/yaml.h"
#include "mapping/convert.h"
#include "source/source.h"
#include "spec/spec.h"

namespace kaigo::mapping {

/// Where something stands in the mapping file, for faults found later.
struct Place {
    YAML::Mark mark;
    std::optional<int> block;  ///< of a text behind "|": the column in which its lines begin
};

/// A test on one column of the row, without the spaces around its value.
struct Condition {
    std::size_t column = 0;
    bool present = false;             ///< the column has a value
    std::vector<std::string> values;  ///< otherwise: it is one of these
};

/// How one value of a record comes from a row.
struct Expression {
    enum class Source : std::uint8_t {
        column,
        constant,
        object,  ///< members: one per item of the specification; null when not mapped
        list,    ///< an array of fixed elements
        flags,   ///< an array of the codes whose column holds `flag_set`; others hold one of `flag_unset`
        split,   ///< an array of the parts of one column's text
        rows,    ///< an array, one element per row of a child query
        consent_on_application,
        consent_outside_application,
    };
    Source source = Source::column;
    std::size_t column = 0;
    std::string constant;
    Conversion conversion;
    std::optional<Condition> when;
    std::unique_ptr<Expression> otherwise;
    std::vector<std::unique_ptr<Expression>> members;
    std::vector<std::pair<std::string, std::size_t>> flags;
    std::string flag_set;
    std::vector<std::string> flag_unset;
    std::string separator;  ///< empty: every character is a part
    std::size_t child = 0;
};

/// One SELECT and the names of its columns, resolved to positions.
struct Query {
    std::string title;  ///< for messages: the record kind, or kind/child
    std::string sql;
    Place place;
    std::vector<std::string> columns;
};

/// A second ordered stream beside the main one, joined by equal columns.
struct Child {
    std::string name;
    Query query;
    std::vector<std::size_t> key;     ///< columns of this query
    std::vector<std::size_t> parent;  ///< columns of the main query
    std::vector<std::size_t> order;   ///< columns of this query that order the rows of one key
};

/// The rows of a query, whose columns must still be those that the plan was resolved with.
Result<std::unique_ptr<source::RowStream>> open_rows(const Query& query, source::Snapshot& snapshot,
                                                     const InsurerNumber& insurer);
/// The stream's next row; an error names the query.
Result<bool> next_row(source::RowStream& rows, const Query& query);

struct KindPlan {
    const spec::RecordKind* kind = nullptr;
    Query query;
    std::vector<Child> children;
    std::vector<std::unique_ptr<Expression>> items;    ///< by item of the specification; null: never there
    std::vector<std::unique_ptr<Expression>> context;  ///< by context item
    std::optional<Condition> platform_owned;           ///< rows whose origin is the platform itself
    bool consent_on_application = false;               ///< its records tell one
    bool knows_form = true;  ///< every consent on an application comes with the form it was given on
    bool sort = false;       ///< the database does not give rows in key order: the gateway sorts on disk
};

class Plan {
  public:
    /// Reads and checks against the specification. Column names are checked by resolve().
    static std::unique_ptr<Plan> load(const std::filesystem::path& file,
                                      const spec::Specification& specification, Faults& faults);

    /// The same for text that was read already.
    /// @param file  whose text it is, for the faults
    static std::unique_ptr<Plan> parse(const std::string& text, const std::filesystem::path& file,
                                       const spec::Specification& specification, Faults& faults);
    static constexpr std::size_t kLargestFile = 8U << 20;  ///< bytes

    /// Checks every SELECT and column name against the database. Must have succeeded before rows are read.
    void resolve(source::Snapshot& snapshot, Faults& faults);

    const KindPlan* kind(std::string_view id) const;
    /// Facts of the source that move PMHキー cases (mapping/evidence.h); null when the mapping names none.
    const KindPlan* evidence() const { return evidence_.get(); }
    const std::string& fingerprint() const { return fingerprint_; }
    const std::string& file() const { return file_; }

  private:
    friend class PlanLoader;
    std::string file_;
    std::string fingerprint_;
    std::vector<std::unique_ptr<KindPlan>> kinds_;
    std::unique_ptr<KindPlan> evidence_;
    /// Every use of a column, filled in by resolve(): the expressions hold its result.
    struct ColumnUse {
        Query* query;
        std::string name;
        std::size_t* target;
        Place place;
    };
    std::vector<ColumnUse> uses_;
};

}  // namespace kaigo::mapping
