#pragma once
// A database in this process: the rows of each SELECT, as a test gives them.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "source/source.h"

namespace kaigo::test {

/// What each SELECT of a mapping returns, by its text. A snapshot keeps seeing what was there when it was
/// taken.
struct MemoryTable {
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows;
    std::optional<std::size_t> breaks_after;  ///< the connection is lost behind so many rows
};
using MemoryTables = std::map<std::string, MemoryTable>;

class MemorySource : public source::Source {
  public:
    /// @param tables  the test's own, which it may change between two readings
    explicit MemorySource(const MemoryTables& tables) : tables_(tables) {}

    Result<std::vector<std::unique_ptr<source::Snapshot>>> snapshots(std::size_t count) override {
        const auto state = std::make_shared<const MemoryTables>(tables_);
        std::vector<std::unique_ptr<source::Snapshot>> out;
        while (out.size() < count) out.push_back(std::make_unique<View>(state));
        return out;
    }

  private:
    class Rows : public source::RowStream {
      public:
        Rows(std::shared_ptr<const MemoryTables> state, const MemoryTable& table)
            : state_(std::move(state)), table_(table) {}
        Result<bool> next() override {
            if (at_ == table_.breaks_after)
                return fail(ErrorCode::source_unavailable, "the connection was lost");
            if (at_ == table_.rows.size()) return false;
            cells_.clear();
            for (const std::string& value : table_.rows[at_]) cells_.push_back(source::Cell::of_text(value));
            ++at_;
            return true;
        }
        std::span<const source::Cell> row() const override { return cells_; }
        const std::vector<std::string>& columns() const override { return table_.columns; }

      private:
        std::shared_ptr<const MemoryTables> state_;
        const MemoryTable& table_;
        std::size_t at_ = 0;
        std::vector<source::Cell> cells_;
    };

    class View : public source::Snapshot {
      public:
        explicit View(std::shared_ptr<const MemoryTables> state) : state_(std::move(state)) {}
        tl::expected<source::QueryShape, source::QueryFault> inspect(const std::string& sql) override {
            const auto found = state_->find(sql);
            if (found == state_->end())
                return tl::unexpected(source::QueryFault{"no such table: " + sql, std::nullopt});
            return source::QueryShape{found->second.columns};
        }
        Result<std::unique_ptr<source::RowStream>> rows(const std::string& sql,
                                                        const InsurerNumber&) override {
            return std::make_unique<Rows>(state_, state_->at(sql));
        }
        Result<std::int64_t> count(const std::string& sql, const InsurerNumber&) override {
            return static_cast<std::int64_t>(state_->at(sql).rows.size());
        }

      private:
        std::shared_ptr<const MemoryTables> state_;
    };

    const MemoryTables& tables_;
};

}  // namespace kaigo::test
