#pragma once
// SQLite's C interface with owners and errors. Failures throw: to the ledger they are fatal (an fsync error
// must end the process), and the source turns them into values at its border.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

#include "base/store_failure.h"

namespace kaigo::sqlite {

class Failure : public StoreFailure {
  public:
    Failure(int code, const std::string& message, std::optional<std::size_t> offset = std::nullopt)
        : StoreFailure(message), code_(code), offset_(offset) {}
    /// SQLite's extended result code.
    int code() const { return code_; }
    /// Byte of the statement's text at which it is wrong, where that is known.
    std::optional<std::size_t> offset() const { return offset_; }

  private:
    int code_;
    std::optional<std::size_t> offset_;
};

/// `immutable`: without locks and without a file beside it; nobody may write the file meanwhile.
enum class Open { read_only, read_write, create, immutable };

class Database;

/// One prepared statement. Parameters count from 1, columns from 0. Views live until the next step or reset.
class Statement {
  public:
    enum class Type { null, integer, real, text, blob };

    Statement(Statement&&) noexcept = default;
    Statement& operator=(Statement&&) noexcept = default;

    Statement& bind(int parameter, std::int64_t value);
    Statement& bind(int parameter, std::string_view text);
    Statement& bind(int parameter, const char* text) { return bind(parameter, std::string_view(text)); }
    Statement& bind_blob(int parameter, std::string_view bytes);
    Statement& bind_null(int parameter);
    /// Without a copy: the bytes must live until run() or reset().
    Statement& bind_view(int parameter, std::string_view text);
    Statement& bind_blob_view(int parameter, std::string_view bytes);
    /// Number of a named parameter such as ":insurer"; 0 when the statement has none.
    int parameter(const char* name) const;
    int parameter_count() const;

    /// @return false when there are no more rows
    bool step();
    /// Ready to be bound and stepped anew, without what was bound.
    void reset();
    /// Ready to be stepped anew; what was bound stays.
    void rewind();
    /// For statements without rows: step to the end and reset.
    void run();

    int column_count() const;
    std::string column_name(int column) const;
    Type type(int column) const;
    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string_view text(int column) const;
    std::string_view blob(int column) const;
    /// One column at once.
    struct Value {
        Type type = Type::null;
        std::int64_t integer = 0;
        double real = 0;
        std::string_view bytes;  ///< of text and blobs
    };
    Value value(int column) const;
    bool is_null(int column) const { return type(column) == Type::null; }
    bool read_only() const;

  private:
    friend class Database;
    explicit Statement(sqlite3_stmt* statement);
    [[noreturn]] void fail(int code) const;
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
  public:
    Database(const std::filesystem::path& path, Open how);

    /// @param sql  exactly one statement: what stood behind it would be left out without a word
    Statement prepare(std::string_view sql);
    void execute(const std::string& sql);
    /// First column of the first row, of a query that always has one.
    std::int64_t integer(std::string_view sql);
    /// Replaces SQLite's own checkpoints: one follows every commit that leaves so many pages in the
    /// write-ahead log. If it fails, that commit's statement throws.
    void checkpoint_every(int pages);
    int changes() const;
    std::int64_t last_rowid() const;
    /// From now on this connection reads, and does nothing else: neither what a statement says nor what
    /// stands in the file itself (views, triggers, virtual tables) can write, attach, load, or call a
    /// function that does more than compute.
    void restrict_to_reading();
    /// Whether the file that is open no longer stands under its name: it was replaced or removed.
    bool file_moved() const;
    /// The first bytes of the file, zeros after its end; empty when they cannot be read. Read through SQLite:
    /// to open and close the file in any other way ends every lock that this process has on it
    /// (https://www.sqlite.org/howtocorrupt.html, 2.2).
    std::string file_header(std::size_t size) const;

  private:
    struct Close {
        void operator()(sqlite3* handle) const;
    };
    std::unique_ptr<int> checkpoint_pages_;  ///< the handle's hook looks at it
    std::unique_ptr<sqlite3, Close> handle_;
};

/// When a commit is safe on disk. `with_the_next` (write-ahead log only): a power loss before the next synced
/// commit undoes it, as a whole and in its order, and nothing else.
enum class Synced : std::uint8_t { at_once, with_the_next };

/// Sets how strictly a connection commits while this object lives; otherwise the connection is strict.
class Strictness {
  public:
    Strictness(Database& database, Synced synced);
    Strictness(const Strictness&) = delete;
    Strictness& operator=(const Strictness&) = delete;
    ~Strictness();

  private:
    Database& database_;
    bool lowered_;
};

/// BEGIN IMMEDIATE … COMMIT; rolled back unless commit() was reached.
class Transaction {
  public:
    explicit Transaction(Database& database, Synced synced = Synced::at_once);
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();
    void commit();

  private:
    Database& database_;
    Strictness strictness_;
    bool open_ = true;
};

/// Of the library that is linked: "3.40.1".
const char* version();

}  // namespace kaigo::sqlite
