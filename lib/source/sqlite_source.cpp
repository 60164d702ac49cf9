#include "source/sqlite_source.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>

#include "base/i18n.h"
#include "sqlite/sqlite.h"

namespace kaigo::source {
namespace {

using sqlite::Statement;

// ---- The file and those beside it

constexpr std::size_t kHeader = 100;  // https://www.sqlite.org/fileformat.html, 1.3
constexpr std::size_t kWriteVersion = 18, kReadVersion = 19;
constexpr char kWriteAhead = 2;

bool exists(const std::string& path) {
    std::error_code failed;
    return std::filesystem::exists(path, failed);
}

/// What tells one state of a file from another: which file it is, when and how large it was written, and its
/// header, where SQLite counts changes.
struct FileState {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{}, changed{};
    std::string header;

    bool operator==(const FileState& other) const {
        const auto same = [](const timespec& a, const timespec& b) {
            return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
        };
        return device == other.device && inode == other.inode && size == other.size &&
               same(modified, other.modified) && same(changed, other.changed) && header == other.header;
    }
    bool uses_write_ahead_log() const {
        return header[kWriteVersion] == kWriteAhead || header[kReadVersion] == kWriteAhead;
    }

    /// Nothing when it cannot be read.
    /// @param open  the file that should stand there
    static std::optional<FileState> of(const std::string& path, const sqlite::Database& open) {
        FileState out;
        struct stat status {};
        if (::stat(path.c_str(), &status) != 0) return std::nullopt;
        out.device = status.st_dev;
        out.inode = status.st_ino;
        out.size = status.st_size;
        out.modified = status.st_mtim;
        out.changed = status.st_ctim;
        out.header = open.file_header(kHeader);
        if (out.header.empty() || open.file_moved()) return std::nullopt;
        return out;
    }
    static std::optional<FileState> of(const std::string& path) {
        try {
            return of(path, sqlite::Database(path, sqlite::Open::read_only));
        } catch (const sqlite::Failure&) {
            return std::nullopt;
        }
    }
};

/// The right that this user lacks, in words; empty: none that could be seen.
std::string missing_right(const std::string& path) {
    const std::string folder = std::filesystem::absolute(path).parent_path().string();
    if (::access(folder.c_str(), X_OK) != 0 && errno == EACCES)
        return tr("this user may not enter the folder {} (right x)", folder);
    for (const std::string& file : {path, path + "-wal", path + "-shm", path + "-journal"})
        if (exists(file) && ::access(file.c_str(), R_OK) != 0)
            return tr("this user may not read {} (right r)", file);
    if (exists(path + "-shm") && ::access((path + "-shm").c_str(), W_OK) != 0)
        return tr(
            "this user may not write {}, which readers of a database with a write-ahead log (WAL) share "
            "(right w)",
            path + "-shm");
    return {};
}

Failure unavailable(const std::string& path, const sqlite::Failure& failure) {
    constexpr int kPrimary = 0xFF;
    switch (failure.code() & kPrimary) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return fail(ErrorCode::busy, tr("the source database is locked by another program"))
                .at(path)
                .remedy(tr("try again when the core system's own job is over"));
        case SQLITE_AUTH:
        case SQLITE_ERROR:
        case SQLITE_TOOBIG:
        case SQLITE_MISMATCH:
        case SQLITE_MISUSE:
        case SQLITE_RANGE:
            return fail(ErrorCode::bad_mapping, tr("the database cannot run it: {}", failure.what()))
                .remedy(tr("correct the select in the mapping; try it with: kaigo-gateway validate-mapping"));
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return fail(ErrorCode::source_unavailable,
                        tr("the source database is damaged, or is none: {}", failure.what()))
                .at(path)
                .remedy(tr("check that the configuration names the right file; if it does, tell the core "
                           "system's vendor"));
        default:
            break;
    }
    if (!exists(path))
        if (const std::string right = missing_right(path); right.empty())
            return fail(ErrorCode::source_unavailable, tr("there is no such source database"))
                .at(path)
                .remedy(tr("check that the configuration names the right file"));
    if (const std::string right = missing_right(path); !right.empty())
        return fail(ErrorCode::permission_denied, tr("the source database cannot be read: {}", right))
            .at(path)
            .remedy(tr("give this user that right; then run the command again"));
    return fail(ErrorCode::source_unavailable, tr("the source database cannot be read: {}", failure.what()))
        .at(path)
        .remedy(tr("check the disk that it lies on; then run the command again"));
}

Failure changing(const std::string& path) {
    return fail(ErrorCode::busy,
                tr("the source database is being written all the time, or replaced: there is "
                   "no common state to read"))
        .at(path)
        .remedy(tr("try again when its own night jobs are done"));
}

// ---- Rows

Cell::Type type_of(Statement::Type type) {
    switch (type) {
        case Statement::Type::integer:
            return Cell::Type::integer;
        case Statement::Type::real:
            return Cell::Type::real;
        case Statement::Type::text:
            return Cell::Type::text;
        case Statement::Type::blob:
            return Cell::Type::blob;
        case Statement::Type::null:
            break;
    }
    return Cell::Type::null;
}

class SqliteRows : public RowStream {
  public:
    /// @param failed  says why it cannot be read on
    SqliteRows(Statement statement, std::function<Failure(const sqlite::Failure&)> failed)
        : statement_(std::move(statement)),
          failed_(std::move(failed)),
          row_(static_cast<std::size_t>(statement_.column_count())) {
        for (int i = 0; i < statement_.column_count(); ++i) columns_.push_back(statement_.column_name(i));
    }

    Result<bool> next() override {
        try {
            if (!statement_.step()) return false;
        } catch (const sqlite::Failure& failure) {
            return failed_(failure);
        }
        for (std::size_t i = 0; i < row_.size(); ++i) {
            const Statement::Value value = statement_.value(static_cast<int>(i));
            row_[i] = {.type = type_of(value.type), .integer = value.integer, .text = value.bytes};
            if (value.type == Statement::Type::real) row_[i].real = value.real;
        }
        return true;
    }

    std::span<const Cell> row() const override { return row_; }
    const std::vector<std::string>& columns() const override { return columns_; }

  private:
    Statement statement_;
    std::function<Failure(const sqlite::Failure&)> failed_;
    std::vector<std::string> columns_;
    std::vector<Cell> row_;
};

class SqliteSnapshot : public Snapshot {
  public:
    /// @param unlocked  for a file that nobody has open: the state in which it is read, without locks
    SqliteSnapshot(const std::string& path, const std::optional<FileState>& unlocked)
        : path_(path),
          as_begun_(unlocked),
          database_(path, unlocked ? sqlite::Open::immutable : sqlite::Open::read_only) {
        database_.restrict_to_reading();
        begin();
        // In a file without a write-ahead log, the lock keeps every writer away, except one that ignores
        // locks.
        if (const auto state = FileState::of(path_, database_); state && !state->uses_write_ahead_log())
            as_begun_ = state;
    }

    void begin() {
        // A read transaction begins with its first read.
        database_.execute("BEGIN");
        database_.integer("SELECT count(*) FROM sqlite_schema");
    }
    void begin_again() {
        database_.execute("COMMIT");
        begin();
    }
    /// Another number when somebody else committed between two beginnings of this connection.
    std::int64_t version() { return database_.integer("PRAGMA data_version"); }
    bool file_moved() const { return database_.file_moved(); }

    tl::expected<QueryShape, QueryFault> inspect(const std::string& sql) override {
        const auto fault = [](std::string message, std::optional<std::size_t> offset = std::nullopt) {
            return tl::unexpected(QueryFault{std::move(message), offset});
        };
        try {
            const Statement statement = database_.prepare(sql);
            if (!statement.read_only()) return fault(tr("only a SELECT is accepted"));
            if (statement.parameter(":insurer") == 0 || statement.parameter_count() != 1)
                return fault(tr("a SELECT binds :insurer, and nothing else"));
            QueryShape shape;
            for (int i = 0; i < statement.column_count(); ++i)
                shape.columns.push_back(statement.column_name(i));
            return shape;
        } catch (const sqlite::Failure& failure) {
            return fault(failure.what(), failure.offset());
        }
    }

    Result<std::unique_ptr<RowStream>> rows(const std::string& sql, const InsurerNumber& insurer) override {
        try {
            return std::make_unique<SqliteRows>(
                bound(sql, insurer), [this](const sqlite::Failure& failure) { return failed(failure); });
        } catch (const sqlite::Failure& failure) {
            return failed(failure);
        }
    }

    Result<std::int64_t> count(const std::string& sql, const InsurerNumber& insurer) override {
        try {
            Statement statement = bound(sql, insurer);
            std::int64_t rows = 0;
            while (statement.step()) ++rows;
            return rows;
        } catch (const sqlite::Failure& failure) {
            return failed(failure);
        }
    }

    Status verify() override {
        if (stands()) return {};
        return written_over();
    }

  private:
    bool stands() const { return !as_begun_ || FileState::of(path_, database_) == as_begun_; }
    Failure written_over() const {
        return fail(ErrorCode::busy, tr("the source database was written while it was read"))
            .at(path_)
            .remedy(tr("nothing that was read then is sent; try again when its own night jobs are done"));
    }
    /// A file that looks damaged may have been written over.
    Failure failed(const sqlite::Failure& failure) const {
        return stands() ? unavailable(path_, failure) : written_over();
    }

    Statement bound(const std::string& sql, const InsurerNumber& insurer) {
        Statement statement = database_.prepare(sql);
        statement.bind(statement.parameter(":insurer"), insurer.value());
        return statement;
    }

    std::string path_;
    std::optional<FileState> as_begun_;  ///< nothing: its log keeps what others write apart
    sqlite::Database database_;
};

class SqliteSource : public Source {
  public:
    explicit SqliteSource(std::string path) : path_(std::move(path)) {}

    Result<std::vector<std::unique_ptr<Snapshot>>> snapshots(std::size_t count) override {
        constexpr int kAttempts = 5;
        try {
            for (int attempt = 0; attempt < kAttempts; ++attempt) {
                const auto unlocked = unlocked_state();
                KAIGO_CHECK(has_shared_memory(unlocked));
                std::vector<std::unique_ptr<SqliteSnapshot>> all;
                for (std::size_t i = 0; i < count; ++i)
                    all.push_back(std::make_unique<SqliteSnapshot>(path_, unlocked));
                if (!same_state(all)) return changing(path_);
                // A file that was put in the place of the first one meanwhile is another database.
                const bool one_file = unlocked ? FileState::of(path_) == unlocked
                                               : std::none_of(all.begin(), all.end(), [](const auto& each) {
                                                     return each->file_moved();
                                                 });
                if (!one_file) continue;
                return std::vector<std::unique_ptr<Snapshot>>(std::make_move_iterator(all.begin()),
                                                              std::make_move_iterator(all.end()));
            }
            return changing(path_);
        } catch (const sqlite::Failure& failure) {
            return unavailable(path_, failure);
        }
    }

    std::string note() const override {
        if (!unlocked_state()) return {};
        return tr(
            "{} has a write-ahead log (WAL) and nobody has it open: it is read as it stands, without "
            "locks, and no -wal or -shm file is made",
            path_);
    }

  private:
    /// Of a database with a write-ahead log that nobody has open. Opening it the usual way would leave -wal
    /// and -shm files of this user behind, and the core system could not write any more.
    std::optional<FileState> unlocked_state() const {
        if (exists(path_ + "-wal") || exists(path_ + "-shm")) return std::nullopt;
        auto state = FileState::of(path_);
        if (state && !state->uses_write_ahead_log()) return std::nullopt;
        return state;
    }

    /// Refuses a log without its shared-memory file: reading would create that file as this user's.
    Status has_shared_memory(const std::optional<FileState>& unlocked) const {
        if (unlocked || !exists(path_ + "-wal") || exists(path_ + "-shm")) return {};
        return fail(ErrorCode::busy,
                    tr("the core system ended in the middle of its work: there is {} without {}",
                       path_ + "-wal", path_ + "-shm"))
            .at(path_)
            .remedy(tr("have the core system open and close its database once; then run the command again"));
    }

    /// The others began between two beginnings of the first: when nobody committed in between, all see the
    /// same.
    static bool same_state(std::vector<std::unique_ptr<SqliteSnapshot>>& all) {
        constexpr int kAttempts = 1'000;
        for (int attempt = 0; all.size() > 1 && attempt < kAttempts; ++attempt) {
            SqliteSnapshot& first = *all.front();
            const std::int64_t before = first.version();
            for (std::size_t i = 1; i < all.size(); ++i) all[i]->begin_again();
            first.begin_again();
            if (first.version() == before) return true;
        }
        return all.size() <= 1;
    }

    std::string path_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_sqlite_source(const std::string& path) {
    auto source = std::make_unique<SqliteSource>(path);
    KAIGO_CHECK(source->snapshots(1));
    return source;
}

}  // namespace kaigo::source
