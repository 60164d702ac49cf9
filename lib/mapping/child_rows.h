#pragma once
// A child query beside the main one: which of its rows belong to the main row at hand, and which to none.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mapping/plan.h"
#include "spec/record.h"

namespace kaigo::mapping {

/// What became of the rows of a child query.
struct ChildCount {
    std::string name;
    std::int64_t rows = 0;
    std::int64_t orphans = 0;           ///< that belong to no main row
    std::vector<std::string> examples;  ///< keys of the first of them; long digits left out
};

/// Bytes that compare as the database compares its columns: numbers by value, before texts; texts by their
/// bytes.
class JoinKey {
  public:
    void clear() { bytes_.clear(); }
    void add(std::int64_t number);
    void add(std::string_view text);
    auto operator<=>(const JoinKey&) const = default;

  private:
    std::string bytes_;
};

/// A child stream that follows the main one. Every row of it is given to the main rows of its key, however
/// many they are, or counted as an orphan.
class ChildRows {
  public:
    static Result<std::unique_ptr<ChildRows>> open(const Child& child, source::Snapshot& snapshot,
                                                   const InsurerNumber& insurer);

    /// Moves to the rows of this main row. Main rows come in the order of the key.
    Status follow(std::span<const source::Cell> parent);
    /// Rows of the main row at hand, in an order that does not depend on the database: by the columns that
    /// the mapping names, then by all columns from left to right.
    const std::vector<std::span<const source::Cell>>& group() const { return group_; }
    /// After the last main row: what is left belongs to none.
    Status finish();
    const ChildCount& count() const { return count_; }

  private:
    explicit ChildRows(const Child& child) : child_(&child) { count_.name = child.name; }
    /// @return false when a part is NULL: that joins with nothing
    Result<bool> read_key(std::span<const source::Cell> row, const std::vector<std::size_t>& columns,
                          JoinKey& key) const;
    Status advance();
    void orphan();
    void take_row();
    void sort_group();

    const Child* child_;
    std::unique_ptr<source::RowStream> stream_;
    bool has_row_ = false;
    bool has_parent_ = false;  ///< parent_key_ is that of a main row
    JoinKey row_key_, parent_key_, found_;
    spec::Arena arena_;  ///< of the group
    std::vector<std::span<const source::Cell>> group_;
    ChildCount count_;
};

}  // namespace kaigo::mapping
