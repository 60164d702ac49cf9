#include "ledger/store.h"

#include "base/i18n.h"
#include "ledger/sql/session.h"
#include "ledger/sqlite/schema.h"

namespace kaigo::ledger {

using sql::Session;

namespace {

std::unique_ptr<Session> open_to_write(const std::filesystem::path& file) {
    sqlite::Database database(file, sqlite::Open::create);
    database.execute("PRAGMA journal_mode = WAL");
    database.execute("PRAGMA synchronous = FULL");
    database.execute("PRAGMA foreign_keys = ON");
    database.execute("PRAGMA cache_size = -32768");
    // Checkpoint rarely: a page that is written twice in a short time goes into the file only once.
    database.checkpoint_every(4'000);
    // What was deleted is overwritten where that costs no page of its own.
    database.execute("PRAGMA secure_delete = FAST");
    migrate(database);
    std::error_code ignored;
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, ignored);
    return std::make_unique<Session>(std::move(database));
}

std::unique_ptr<Session> open_to_read(const std::filesystem::path& file) {
    return std::make_unique<Session>(sqlite::Database(file, sqlite::Open::read_only));
}

}  // namespace

Result<std::unique_ptr<Ledger>> Store::open(Instant now) const {
    std::error_code ignored;
    std::filesystem::create_directories(file_.parent_path(), ignored);
    KAIGO_TRY(auto lock, FileLock::acquire(file_.string() + ".lock"));
    try {
        auto ledger = std::make_unique<Ledger>(std::move(lock), open_to_write(file_));
        ledger->recover(now);
        return ledger;
    } catch (const StoreFailure& failure) {
        return fail(ErrorCode::cannot_write, failure.what())
            .at(file_.string())
            .remedy(tr("check the folder, its permissions and the free space; keep the file as it is"));
    }
}

Result<LedgerView> Store::view() const {
    std::error_code ignored;
    if (!std::filesystem::exists(file_, ignored))
        return fail(ErrorCode::needs_person, tr("there is no ledger yet: no job has run"))
            .at(file_.string())
            .remedy(tr("start with: kaigo-gateway run initial-setup"));
    try {
        auto session = open_to_read(file_);
        if (static_cast<std::size_t>(session->database().integer("PRAGMA user_version")) != current_version())
            return fail(ErrorCode::needs_person, tr("the ledger is of another version of this program"))
                .at(file_.string())
                .remedy(tr("run any job once with this program, which brings it up to date"));
        return LedgerView(std::move(session));
    } catch (const StoreFailure& failure) {
        return fail(ErrorCode::cannot_read, failure.what()).at(file_.string());
    }
}

LedgerReader Store::records(InsurerId insurer, KindId kind) const {
    return {open_to_read(file_), insurer, kind};
}

PrerequisiteReader Store::prerequisites(InsurerId insurer, KindId kind) const {
    return {open_to_read(file_), insurer, kind};
}

Result<std::vector<std::string>> Store::faults() const {
    try {
        KAIGO_TRY(auto view, this->view());
        sqlite::Database database(file_, sqlite::Open::read_only);
        std::vector<std::string> out;
        auto rows = database.prepare("PRAGMA integrity_check");
        while (rows.step())
            if (rows.text(0) != "ok") out.emplace_back(rows.text(0));
        if (out.empty()) out = view.contradictions();
        return out;
    } catch (const StoreFailure& failure) {
        return std::vector<std::string>{failure.what()};
    }
}

Status Store::copy_to(const std::filesystem::path& file) const {
    if (const auto readable = view(); !readable) return tl::unexpected(readable.error());
    try {
        sqlite::Database database(file_, sqlite::Open::read_only);
        auto copy = database.prepare("VACUUM INTO ?1");
        copy.bind(1, file.string()).run();
    } catch (const StoreFailure& failure) {
        return fail(ErrorCode::cannot_write, failure.what())
            .at(file.string())
            .remedy(tr("check the folder, its permissions and the free space"));
    }
    return sync_file(file);
}

std::string engine_version() { return std::string("SQLite ") + sqlite::version(); }

}  // namespace kaigo::ledger
