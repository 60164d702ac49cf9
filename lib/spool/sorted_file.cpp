#include "spool/sorted_file.h"

#include <unistd.h>

#include <optional>

#include "sqlite/sqlite.h"

namespace kaigo::spool {

struct SortedFile::Table {
    explicit Table(const std::filesystem::path& path) : database(fresh(path), sqlite::Open::create) {
        database.execute("PRAGMA journal_mode = OFF");
        database.execute("PRAGMA synchronous = OFF");
        database.execute("CREATE TABLE item (key BLOB, sealed BLOB)");
        ::unlink(path.c_str());
        database.execute("BEGIN");
        insert.emplace(database.prepare("INSERT INTO item VALUES (?1, ?2)"));
    }
    static std::filesystem::path fresh(const std::filesystem::path& path) {
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
        return path;
    }

    sqlite::Database database;
    std::optional<sqlite::Statement> insert, select;
};

namespace {

void wipe(std::string& text) { SecretBytes::wipe(text.data(), text.size()); }

}  // namespace

SortedFile::SortedFile(std::unique_ptr<Table> table) : table_(std::move(table)) {}

SortedFile::~SortedFile() {
    for (Owned& each : owned_) wipe(each.content);
}

Result<std::unique_ptr<SortedFile>> SortedFile::make(const std::filesystem::path& folder,
                                                     RandomSource& random) {
    const auto path = folder / "sort.tmp";
    try {
        std::unique_ptr<SortedFile> out(new SortedFile(std::make_unique<Table>(path)));
        std::string key(32, '\0');
        random.fill({reinterpret_cast<std::uint8_t*>(key.data()), key.size()});
        out->key_ = SecretBytes(std::move(key));
        return out;
    } catch (const StoreFailure& failure) {
        return fail(ErrorCode::cannot_write, failure.what()).at(path.string());
    }
}

Status SortedFile::add(std::string_view key, std::string_view content) {
    try {
        table_->insert->bind_blob(1, key).bind_blob(2, seal(key_.view(), key, content)).run();
        return {};
    } catch (const StoreFailure& failure) {
        return fail(ErrorCode::cannot_write, failure.what());
    }
}

Status SortedFile::sort() {
    try {
        table_->insert.reset();
        table_->database.execute("COMMIT");
        table_->select.emplace(table_->database.prepare("SELECT key, sealed FROM item ORDER BY key, rowid"));
        return {};
    } catch (const StoreFailure& failure) {
        return fail(ErrorCode::cannot_write, failure.what());
    }
}

Result<bool> SortedFile::next() {
    try {
        if (!table_->select->step()) return false;
        slot_ = 1 - slot_;
        Owned& owned = owned_[slot_];
        wipe(owned.content);
        owned.key = table_->select->blob(0);
        KAIGO_TRY(owned.content, unseal(key_.view(), owned.key, table_->select->blob(1)));
        return true;
    } catch (const StoreFailure& failure) {
        return fail(ErrorCode::cannot_read, failure.what());
    }
}

}  // namespace kaigo::spool
