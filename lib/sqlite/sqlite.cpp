#include "sqlite/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <utility>

#include "base/i18n.h"

namespace kaigo::sqlite {
namespace {

constexpr int kBusyMilliseconds = 10'000;

/// A path as SQLite takes it with parameters.
std::string immutable_uri(const std::filesystem::path& path) {
    std::string uri = "file:";
    for (const char c : std::filesystem::absolute(path).string()) {
        const bool plain =
            std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("/._-", c) != nullptr;
        uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return uri + "?immutable=1";
}

/// Functions that compute from their arguments or the date, and nothing else; sorted. random() is left out: a
/// row must be the same at each reading.
constexpr std::array<std::string_view, 84> kFunctions = {"abs",
                                                         "acos",
                                                         "acosh",
                                                         "asin",
                                                         "asinh",
                                                         "atan",
                                                         "atan2",
                                                         "atanh",
                                                         "avg",
                                                         "ceil",
                                                         "ceiling",
                                                         "char",
                                                         "coalesce",
                                                         "cos",
                                                         "cosh",
                                                         "count",
                                                         "cume_dist",
                                                         "date",
                                                         "datetime",
                                                         "degrees",
                                                         "dense_rank",
                                                         "exp",
                                                         "first_value",
                                                         "floor",
                                                         "format",
                                                         "glob",
                                                         "group_concat",
                                                         "hex",
                                                         "ifnull",
                                                         "iif",
                                                         "instr",
                                                         "json",
                                                         "json_array",
                                                         "json_array_length",
                                                         "json_extract",
                                                         "json_group_array",
                                                         "json_group_object",
                                                         "json_object",
                                                         "json_quote",
                                                         "json_type",
                                                         "json_valid",
                                                         "julianday",
                                                         "lag",
                                                         "last_value",
                                                         "lead",
                                                         "length",
                                                         "like",
                                                         "likelihood",
                                                         "likely",
                                                         "ln",
                                                         "log",
                                                         "log10",
                                                         "log2",
                                                         "lower",
                                                         "ltrim",
                                                         "max",
                                                         "min",
                                                         "mod",
                                                         "nth_value",
                                                         "ntile",
                                                         "nullif",
                                                         "percent_rank",
                                                         "pi",
                                                         "pow",
                                                         "power",
                                                         "printf",
                                                         "quote",
                                                         "radians",
                                                         "rank",
                                                         "replace",
                                                         "round",
                                                         "row_number",
                                                         "rtrim",
                                                         "sign",
                                                         "sin",
                                                         "sqrt",
                                                         "strftime",
                                                         "substr",
                                                         "substring",
                                                         "sum",
                                                         "time",
                                                         "total",
                                                         "trim",
                                                         "trunc"};
constexpr std::array<std::string_view, 7> kMoreFunctions = {"typeof", "unicode", "unixepoch", "unlikely",
                                                            "upper",  "->",      "->>"};

int authorize_reading(void*, int action, const char* first, const char* second, const char*, const char*) {
    switch (action) {
        case SQLITE_SELECT:
        case SQLITE_READ:
        case SQLITE_RECURSIVE:
        case SQLITE_TRANSACTION:
            return SQLITE_OK;
        case SQLITE_FUNCTION: {
            std::string name = second == nullptr ? "" : second;
            std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
            const bool known = std::ranges::binary_search(kFunctions, name) ||
                               std::ranges::find(kMoreFunctions, name) != kMoreFunctions.end();
            return known ? SQLITE_OK : SQLITE_DENY;
        }
        case SQLITE_PRAGMA:
            return first != nullptr && std::string_view(first) == "data_version" && second == nullptr
                       ? SQLITE_OK
                       : SQLITE_DENY;
        default:
            return SQLITE_DENY;
    }
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Statement::Statement(sqlite3_stmt* statement) : statement_(statement) {}

void Statement::fail(int code) const {
    sqlite3* handle = sqlite3_db_handle(statement_.get());
    // The message names tables and constraints, never values.
    throw Failure(code, sqlite3_errmsg(handle));
}

Statement& Statement::bind(int parameter, std::int64_t value) {
    if (const int code = sqlite3_bind_int64(statement_.get(), parameter, value); code != SQLITE_OK)
        fail(code);
    return *this;
}
Statement& Statement::bind(int parameter, std::string_view text) {
    const int code = sqlite3_bind_text64(statement_.get(), parameter, text.empty() ? "" : text.data(),
                                         text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    if (code != SQLITE_OK) fail(code);
    return *this;
}
Statement& Statement::bind_blob(int parameter, std::string_view bytes) {
    // A null pointer would bind NULL; an empty blob is a value of its own.
    const char* data = bytes.empty() ? "" : bytes.data();
    const int code = sqlite3_bind_blob64(statement_.get(), parameter, data, bytes.size(), SQLITE_TRANSIENT);
    if (code != SQLITE_OK) fail(code);
    return *this;
}
Statement& Statement::bind_view(int parameter, std::string_view text) {
    const int code = sqlite3_bind_text64(statement_.get(), parameter, text.empty() ? "" : text.data(),
                                         text.size(), SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK) fail(code);
    return *this;
}
Statement& Statement::bind_blob_view(int parameter, std::string_view bytes) {
    const int code = sqlite3_bind_blob64(statement_.get(), parameter, bytes.empty() ? "" : bytes.data(),
                                         bytes.size(), SQLITE_STATIC);
    if (code != SQLITE_OK) fail(code);
    return *this;
}
Statement& Statement::bind_null(int parameter) {
    if (const int code = sqlite3_bind_null(statement_.get(), parameter); code != SQLITE_OK) fail(code);
    return *this;
}
int Statement::parameter(const char* name) const {
    return sqlite3_bind_parameter_index(statement_.get(), name);
}
int Statement::parameter_count() const { return sqlite3_bind_parameter_count(statement_.get()); }

bool Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    fail(sqlite3_extended_errcode(sqlite3_db_handle(statement_.get())));
}
void Statement::rewind() { sqlite3_reset(statement_.get()); }
void Statement::reset() {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
}
void Statement::run() {
    while (step()) {
    }
    reset();
}

int Statement::column_count() const { return sqlite3_column_count(statement_.get()); }
std::string Statement::column_name(int column) const { return sqlite3_column_name(statement_.get(), column); }
Statement::Type Statement::type(int column) const {
    switch (sqlite3_column_type(statement_.get(), column)) {
        case SQLITE_INTEGER:
            return Type::integer;
        case SQLITE_FLOAT:
            return Type::real;
        case SQLITE_TEXT:
            return Type::text;
        case SQLITE_BLOB:
            return Type::blob;
        default:
            return Type::null;
    }
}
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }
std::string_view Statement::text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    return {data == nullptr ? "" : data,
            static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}
std::string_view Statement::blob(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    return {data == nullptr ? "" : data,
            static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}
Statement::Value Statement::value(int column) const {
    // Fetched once and asked directly: a call by column each for type, bytes and length costs three times as
    // much.
    sqlite3_value* found = sqlite3_column_value(statement_.get(), column);
    const auto bytes_of = [found](const void* data) {
        return std::string_view(data == nullptr ? "" : static_cast<const char*>(data),
                                static_cast<std::size_t>(sqlite3_value_bytes(found)));
    };
    switch (sqlite3_value_type(found)) {
        case SQLITE_INTEGER:
            return {Type::integer, sqlite3_value_int64(found), 0, {}};
        case SQLITE_FLOAT:
            return {Type::real, 0, sqlite3_value_double(found), {}};
        case SQLITE_TEXT:
            return {Type::text, 0, 0, bytes_of(sqlite3_value_text(found))};
        case SQLITE_BLOB:
            return {Type::blob, 0, 0, bytes_of(sqlite3_value_blob(found))};
        default:
            return {};
    }
}
bool Statement::read_only() const { return sqlite3_stmt_readonly(statement_.get()) != 0; }

Database::Database(const std::filesystem::path& path, Open how) {
    // Counting every allocation under one lock would make the threads wait for each other.
    [[maybe_unused]] static const int configured = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const bool reads = how == Open::read_only || how == Open::immutable;
    flags |= reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (how == Open::create) flags |= SQLITE_OPEN_CREATE;
    if (how == Open::immutable) flags |= SQLITE_OPEN_URI;
    sqlite3* handle = nullptr;
    const std::string name = how == Open::immutable ? immutable_uri(path) : path.string();
    const int code = sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK) throw Failure(code, sqlite3_errmsg(handle));
    sqlite3_busy_timeout(handle, kBusyMilliseconds);
}

Statement Database::prepare(std::string_view sql) {
    // SQLite would ignore what follows a NUL.
    if (const std::size_t nul = sql.find('\0'); nul != std::string_view::npos)
        throw Failure(SQLITE_MISUSE, tr("a NUL character in the statement"), nul);
    const auto prepare_first = [&](std::size_t from, const char*& tail) {
        sqlite3_stmt* statement = nullptr;
        const int code = sqlite3_prepare_v2(handle_.get(), sql.data() + from,
                                            static_cast<int>(sql.size() - from), &statement, &tail);
        if (code == SQLITE_OK) return Statement(statement);
        const int offset = sqlite3_error_offset(handle_.get());
        throw Failure(code, sqlite3_errmsg(handle_.get()),
                      offset < 0 ? std::nullopt : std::optional(from + static_cast<std::size_t>(offset)));
    };
    const char* tail = nullptr;
    Statement statement = prepare_first(0, tail);
    if (statement.statement_ == nullptr) throw Failure(SQLITE_MISUSE, tr("there is no statement"), 0);
    while (tail < sql.data() + sql.size()) {
        const auto from = static_cast<std::size_t>(tail - sql.data());
        bool nothing = false;
        try {
            nothing = prepare_first(from, tail).statement_ == nullptr;
        } catch (const Failure&) {  // NOLINT(bugprone-empty-catch): something that is no statement is told
                                    // the same
        }
        if (!nothing)
            throw Failure(SQLITE_MISUSE, tr("only one statement is accepted; something follows it"), from);
    }
    return statement;
}

void Database::execute(const std::string& sql) {
    const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
        throw Failure(sqlite3_extended_errcode(handle_.get()), sqlite3_errmsg(handle_.get()));
}

std::int64_t Database::integer(std::string_view sql) {
    Statement statement = prepare(sql);
    statement.step();
    return statement.integer(0);
}

void Database::checkpoint_every(int pages) {
    // SQLite's own checkpoints hide their failures. The system reports a failed sync only once: whoever
    // misses the report takes the next sync for a success.
    const auto checkpoint = [](void* enough, sqlite3* handle, const char* name, int pages_in_log) {
        if (pages_in_log < *static_cast<const int*>(enough)) return SQLITE_OK;
        const int code = sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
        return code == SQLITE_BUSY ? SQLITE_OK : code;
    };
    checkpoint_pages_ = std::make_unique<int>(pages);
    sqlite3_wal_hook(handle_.get(), checkpoint, checkpoint_pages_.get());
}

int Database::changes() const { return sqlite3_changes(handle_.get()); }
std::int64_t Database::last_rowid() const { return sqlite3_last_insert_rowid(handle_.get()); }

void Database::restrict_to_reading() {
    sqlite3* const handle = handle_.get();
    for (const auto& [setting, value] : {std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                         {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                         {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
                                         {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                                         {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}})
        if (const int code = sqlite3_db_config(handle, setting, value, nullptr); code != SQLITE_OK)
            throw Failure(code, sqlite3_errmsg(handle));
    constexpr int kLongestValue = 64 << 20;
    constexpr int kLongestStatement = 1 << 20;
    constexpr int kDeepestExpression = 200;
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, kLongestValue);
    sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, kLongestStatement);
    sqlite3_limit(handle, SQLITE_LIMIT_EXPR_DEPTH, kDeepestExpression);
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_set_authorizer(handle, authorize_reading, nullptr);
}

bool Database::file_moved() const {
    int moved = 0;
    const int code = sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return code != SQLITE_OK || moved != 0;
}

std::string Database::file_header(std::size_t size) const {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        file->pMethods == nullptr)
        return {};
    std::string out(size, '\0');
    const int code = file->pMethods->xRead(file, out.data(), static_cast<int>(size), 0);
    return code == SQLITE_OK || code == SQLITE_IOERR_SHORT_READ ? out : std::string();
}

Strictness::Strictness(Database& database, Synced synced)
    : database_(database), lowered_(synced == Synced::with_the_next) {
    if (lowered_) database_.execute("PRAGMA synchronous = NORMAL");
}

// A connection that cannot become strict again must not go on: what is thrown here ends the process.
Strictness::~Strictness() {
    if (lowered_) database_.execute("PRAGMA synchronous = FULL");
}

Transaction::Transaction(Database& database, Synced synced)
    : database_(database), strictness_(database, synced) {
    database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (!open_) return;
    try {
        database_.execute("ROLLBACK");
    } catch (const Failure&) {  // NOLINT(bugprone-empty-catch): SQLite has rolled back by itself already
    }
}

void Transaction::commit() {
    database_.execute("COMMIT");
    open_ = false;
}

const char* version() { return sqlite3_libversion(); }

}  // namespace kaigo::sqlite
