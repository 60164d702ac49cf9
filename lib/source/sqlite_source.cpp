#include "source/sqlite_source.h"

#include "base/i18n.h"
#include "base/sqlite.h"

namespace kaigo::source {
namespace {

using sqlite::Statement;

Failure unavailable(const std::string& path, const sqlite::Failure& failure) {
    return fail(ErrorCode::source_unavailable, tr("the source database cannot be read: {}", failure.what()))
        .at(path)
        .remedy(
            tr("check that the file is there and that this user may read it; then run the command again"));
}

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
    SqliteRows(Statement statement, std::string path)
        : statement_(std::move(statement)),
          path_(std::move(path)),
          row_(static_cast<std::size_t>(statement_.column_count())) {}

    Result<bool> next() override {
        try {
            if (!statement_.step()) return false;
        } catch (const sqlite::Failure& failure) {
            return unavailable(path_, failure);
        }
        for (std::size_t i = 0; i < row_.size(); ++i) {
            const Statement::Value value = statement_.value(static_cast<int>(i));
            row_[i] = {.type = type_of(value.type), .integer = value.integer, .text = value.bytes};
            if (value.type == Statement::Type::real) row_[i].real = value.real;
        }
        return true;
    }

    std::span<const Cell> row() const override { return row_; }

  private:
    Statement statement_;
    std::string path_;
    std::vector<Cell> row_;
};

class SqliteSnapshot : public Snapshot {
  public:
    explicit SqliteSnapshot(const std::string& path) : path_(path), database_(path, sqlite::Open::read_only) {
        begin();
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

    Result<QueryShape> inspect(const std::string& sql) override {
        try {
            const Statement statement = database_.prepare(sql);
            if (!statement.read_only()) return fail(ErrorCode::bad_mapping, tr("only a SELECT is accepted"));
            if (statement.parameter(":insurer") == 0 || statement.parameter_count() != 1)
                return fail(ErrorCode::bad_mapping, tr("a SELECT binds :insurer, and nothing else"));
            QueryShape shape;
            for (int i = 0; i < statement.column_count(); ++i)
                shape.columns.push_back(statement.column_name(i));
            return shape;
        } catch (const sqlite::Failure& failure) {
            return fail(ErrorCode::bad_mapping, failure.what());
        }
    }

    Result<std::unique_ptr<RowStream>> rows(const std::string& sql, const InsurerNumber& insurer) override {
        try {
            Statement statement = database_.prepare(sql);
            statement.bind(statement.parameter(":insurer"), insurer.value());
            return std::make_unique<SqliteRows>(std::move(statement), path_);
        } catch (const sqlite::Failure& failure) {
            return unavailable(path_, failure);
        }
    }

    Result<std::int64_t> count(const std::string& sql, const InsurerNumber& insurer) override {
        KAIGO_TRY(auto stream, rows("SELECT count(*) FROM (" + sql + ")", insurer));
        KAIGO_CHECK(stream->next());
        return stream->row()[0].integer;
    }

  private:
    std::string path_;
    sqlite::Database database_;
};

class SqliteSource : public Source {
  public:
    explicit SqliteSource(std::string path) : path_(std::move(path)) {}

    Result<std::vector<std::unique_ptr<Snapshot>>> snapshots(std::size_t count) override {
        try {
            std::vector<std::unique_ptr<SqliteSnapshot>> all;
            for (std::size_t i = 0; i < count; ++i) all.push_back(std::make_unique<SqliteSnapshot>(path_));
            if (!same_state(all))
                return fail(ErrorCode::source_unavailable,
                            tr("the source database is being written all the time: no common state to read"))
                    .at(path_)
                    .remedy(tr("try again when its own night jobs are done"));
            return std::vector<std::unique_ptr<Snapshot>>(std::make_move_iterator(all.begin()),
                                                          std::make_move_iterator(all.end()));
        } catch (const sqlite::Failure& failure) {
            return unavailable(path_, failure);
        }
    }

  private:
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
