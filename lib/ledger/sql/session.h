#pragma once
// One connection to the engine that keeps the ledger. The files of this folder know the engine by these names
// alone.

#include <type_traits>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "ledger/sql/text.h"
#include "sqlite/sqlite.h"

namespace kaigo::ledger::sql {

using sqlite::Statement;
using sqlite::Synced;

/// Bytes where a text would be bound otherwise: keys of records.
struct Bytes {
    std::string_view bytes;
};
/// To select one person's records, or all records if no person is named.
inline std::optional<Bytes> bytes_or_all(const std::string& key) {
    return key.empty() ? std::nullopt : std::optional(Bytes{key});
}

inline void put(Statement& statement, int parameter, std::string_view text) {
    statement.bind(parameter, text);
}
inline void put(Statement& statement, int parameter, Bytes value) {
    statement.bind_blob(parameter, value.bytes);
}
inline void put(Statement& statement, int parameter, Instant instant) {
    statement.bind(parameter, to_milliseconds(instant));
}
/// The digest must live until the statement has run.
inline void put(Statement& statement, int parameter, const Digest& digest) {
    statement.bind_blob_view(parameter, {reinterpret_cast<const char*>(digest.data()), digest.size()});
}
/// Numbers, and what stands as one: states, flags, yes and no.
template <class Value>
    requires std::is_enum_v<Value> || std::is_integral_v<Value>
void put(Statement& statement, int parameter, Value value) {
    statement.bind(parameter, static_cast<std::int64_t>(value));
}
template <class Value>
void put(Statement& statement, int parameter, const std::optional<Value>& value) {
    if (value)
        put(statement, parameter, *value);
    else
        statement.bind_null(parameter);
}

class Session {
  public:
    explicit Session(sqlite::Database database) : database_(std::move(database)) {}

    /// With its parameters ?1, ?2 … bound; kept ready, by the address of its text.
    template <class... Values>
    Statement& statement(Text text, const Values&... values) {
        return bound(kept(text.get()), values...);
    }
    /// One that is put together at run time.
    /// @param text  lives as long as the session
    Statement& statement(const std::string& text) { return kept(text.c_str()); }
    template <class... Values>
    void run(Text text, const Values&... values) {
        statement(text, values...).run();
    }
    /// The value of a statement that always gives one row.
    template <class... Values>
    std::int64_t integer(Text text, const Values&... values) {
        Statement& row = statement(text, values...);
        if (!row.step()) throw StoreFailure("a statement that always has a row had none");
        const std::int64_t value = row.integer(0);
        // Step to the end: only then is what it wrote committed, or its failure known.
        while (row.step()) {
        }
        return value;
    }
    template <class... Values>
    bool is_true(Text text, const Values&... values) {
        return integer(text, values...) != 0;
    }
    /// First column of every row.
    template <class... Values>
    std::vector<std::int64_t> integers(Text text, const Values&... values) {
        Statement& rows = statement(text, values...);
        std::vector<std::int64_t> out;
        while (rows.step()) out.push_back(rows.integer(0));
        return out;
    }
    template <class... Values>
    std::vector<std::string> keys(Text text, const Values&... values) {
        Statement& rows = statement(text, values...);
        std::vector<std::string> out;
        while (rows.step()) out.emplace_back(rows.blob(0));
        return out;
    }
    /// A statement that belongs to the caller, who need not step it to its end.
    template <class... Values>
    Statement prepare(Text text, const Values&... values) {
        Statement out = database_.prepare(expanded(text.get()));
        bound(out, values...);
        return out;
    }
    /// Rows that the last statement wrote.
    std::int64_t changes() const { return database_.changes(); }
    sqlite::Database& database() { return database_; }

  private:
    Statement& kept(const char* text) {
        auto found = statements_.find(text);
        if (found == statements_.end())
            found = statements_.emplace(text, database_.prepare(expanded(text))).first;
        found->second.reset();
        return found->second;
    }
    template <class... Values>
    static Statement& bound(Statement& statement, const Values&... values) {
        int parameter = 0;
        (put(statement, ++parameter, values), ...);
        return statement;
    }

    sqlite::Database database_;
    std::unordered_map<const char*, Statement> statements_;
};

/// Rolled back unless commit() was reached.
class Transaction : public sqlite::Transaction {
  public:
    explicit Transaction(Session& session, Synced synced = Synced::at_once)
        : sqlite::Transaction(session.database(), synced) {}
};

}  // namespace kaigo::ledger::sql
