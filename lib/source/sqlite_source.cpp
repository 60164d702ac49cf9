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

class SqliteRows : public RowStream {
  public:
    SqliteRows(Statement statement, std::string path)
        : statement_(std::move(statement)), path_(std::move(path)) {}

    Result<bool> next() override {
        try {
            return statement_.step();
        } catch (const sqlite::Failure& failure) {
            return unavailable(path_, failure);
        }
    }

    Cell cell(std::size_t index) const override {
        const int column = static_cast<int>(index);
        switch (statement_.type(column)) {
            case Statement::Type::null:
                return {};
            case Statement::Type::integer:
                return {Cell::Type::integer, statement_.integer(column), 0, {}};
            case Statement::Type::real:
                return {Cell::Type::real, 0, statement_.real(column), {}};
            case Statement::Type::text:
                return {Cell::Type::text, 0, 0, statement_.text(column)};
            case Statement::Type::blob:
                return {Cell::Type::blob, 0, 0, statement_.blob(column)};
        }
        return {};
    }

  private:
    Statement statement_;
    std::string path_;
};

class SqliteSnapshot : public Snapshot {
  public:
    explicit SqliteSnapshot(const std::string& path) : path_(path), database_(path, sqlite::Open::read_only) {
        // A read transaction begins with its first read.
        database_.execute("BEGIN");
        database_.integer("SELECT count(*) FROM sqlite_schema");
    }

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
        return stream->cell(0).integer;
    }

  private:
    std::string path_;
    sqlite::Database database_;
};

class SqliteSource : public Source {
  public:
    explicit SqliteSource(std::string path) : path_(std::move(path)) {}

    Result<std::unique_ptr<Snapshot>> snapshot() override {
        try {
            return std::make_unique<SqliteSnapshot>(path_);
        } catch (const sqlite::Failure& failure) {
            return unavailable(path_, failure);
        }
    }

  private:
    std::string path_;
};

}  // namespace

Result<std::unique_ptr<Source>> open_sqlite_source(const std::string& path) {
    auto source = std::make_unique<SqliteSource>(path);
    KAIGO_CHECK(source->snapshot());
    return source;
}

}  // namespace kaigo::source
