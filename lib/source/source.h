#pragma once
// Read-only, ordered row streams of a 介護保険事務システム database.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/identifiers.h"

namespace kaigo::source {

/// One value of a row.
struct Cell {
    enum class Type : std::uint8_t { null, integer, real, text, blob };
    Type type = Type::null;
    union {
        std::int64_t integer = 0;
        double real;  ///< only of a cell of the type `real`
    };
    std::string_view text;  ///< of texts and blobs; lives until the stream moves on

    static Cell of_text(std::string_view text) { return {.type = Type::text, .text = text}; }
};

/// Rows of one SELECT in the order the database gives them; memory does not grow with their number.
class RowStream {
  public:
    virtual ~RowStream() = default;
    /// @return false after the last row
    virtual Result<bool> next() = 0;
    /// All cells of the row at hand.
    virtual std::span<const Cell> row() const = 0;
    /// Names of its columns, as this reading has them.
    virtual const std::vector<std::string>& columns() const = 0;
};

/// The same rows, read ahead by a thread of their own.
std::unique_ptr<RowStream> read_ahead(std::unique_ptr<RowStream> rows);

/// What a SELECT would give, found without running it.
struct QueryShape {
    std::vector<std::string> columns;
};

/// What is wrong with the text of a SELECT.
struct QueryFault {
    std::string message;
    std::optional<std::size_t> offset;  ///< byte of the text at which it is wrong, where that is known
};

/// One state of the database: all streams of one snapshot see the same data. For one thread at a time.
class Snapshot {
  public:
    virtual ~Snapshot() = default;
    /// Checks that `sql` is one reading statement which binds :insurer and nothing else.
    virtual tl::expected<QueryShape, QueryFault> inspect(const std::string& sql) = 0;
    virtual Result<std::unique_ptr<RowStream>> rows(const std::string& sql, const InsurerNumber& insurer) = 0;
    /// Rows of the very statement, not of one that was built around it.
    virtual Result<std::int64_t> count(const std::string& sql, const InsurerNumber& insurer) = 0;
    /// Whether what was read so far belongs to one state. If the database cannot promise that, it is checked
    /// afterwards: do not use what was read since the last check before the next one.
    virtual Status verify() { return {}; }
};

class Source {
  public:
    virtual ~Source() = default;
    /// Several that see the same state, for a thread each.
    virtual Result<std::vector<std::unique_ptr<Snapshot>>> snapshots(std::size_t count) = 0;
    Result<std::unique_ptr<Snapshot>> snapshot();
    /// What a person should know of how it is read; empty: nothing.
    virtual std::string note() const { return {}; }
};

/// @param driver    "sqlite"
/// @param database  a file
Result<std::unique_ptr<Source>> open_source(const std::string& driver, const std::string& database);

}  // namespace kaigo::source
