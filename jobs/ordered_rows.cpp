#include "jobs/ordered_rows.h"

#include <unistd.h>

#include "base/i18n.h"
#include "base/sqlite.h"
#include "registration/record_state.h"

namespace kaigo::jobs {

using registration::SourceRow;

std::string validation_reason(const spec::Finding& finding) {
    return std::string(registration::reason::kValidation) + finding.path + ":" + std::string(finding.rule);
}

namespace {

/// Rows in the order in which the database gives them.
class StreamedRows : public OrderedRows {
  public:
    StreamedRows(Gateway& gateway, const mapping::KindPlan& plan,
                 std::unique_ptr<mapping::RecordReader> reader, bool check_order)
        : plan_(plan),
          reader_(std::move(reader)),
          digest_(gateway.keys().digest.view()),
          settings_{japan_date(gateway.world().clock.now()), gateway.config().my_number_check, true},
          check_order_(check_order) {}

    Result<std::optional<OrderedRow>> next() override {
        for (;;) {
            KAIGO_TRY(const bool more, reader_->next());
            if (!more) return std::optional<OrderedRow>();
            ++rows_read;
            auto row = digest_row();
            if (!row) {
                ++unreadable;
                continue;
            }
            if (check_order_ && row->key < last_key_) {
                out_of_order = true;
                return std::optional<OrderedRow>();
            }
            last_key_ = row->key;
            return row;
        }
    }

  private:
    std::optional<OrderedRow> digest_row() {
        const spec::Record& record = reader_->record();
        auto key = spec::encode_key(record);
        if (!key) return std::nullopt;
        OrderedRow row;
        row.key = std::move(*key);
        row.source.history = record.items[plan_.kind->history].number;
        if (plan_.kind->my_number) {
            const spec::Value& number = record.items[*plan_.kind->my_number];
            if (number.kind == spec::Value::Kind::text) {
                ++my_numbers_read;
                std::string labelled = "my-number/" + std::string(number.text);
                row.my_number = digest_.digest(labelled);
                SecretBytes::wipe(labelled.data(), labelled.size());
            }
        }
        if (const auto& verdict = reader_->consent()) row.consent = verdict->packed();
        if (reader_->platform_owned()) {
            row.source.verdict = SourceRow::Verdict::platform_owned;
            return row;
        }
        findings_.clear();
        spec::validate(record, settings_, findings_);
        bool only_my_number = true;
        const spec::Finding* first = nullptr;
        for (const spec::Finding& finding : findings_) {
            if (finding.severity != spec::Severity::error) continue;
            if (finding.rule == spec::kMyNumberMissing) continue;
            only_my_number = false;
            if (first == nullptr) first = &finding;
        }
        if (first != nullptr) {
            row.source.verdict = SourceRow::Verdict::unusable;
            row.source.reason = validation_reason(*first);
            return row;
        }
        if (only_my_number && plan_.kind->my_number && !row.my_number) {
            row.source.verdict = SourceRow::Verdict::no_my_number;
            return row;
        }
        row.canonical.reserve(last_size_ + 64);
        spec::append_canonical(row.canonical, record);
        last_size_ = row.canonical.size();
        row.source.digest = digest_.digest(row.canonical);
        return row;
    }

    const mapping::KindPlan& plan_;
    std::unique_ptr<mapping::RecordReader> reader_;
    Hmac digest_;
    spec::ValidationSettings settings_;
    std::vector<spec::Finding> findings_;
    bool check_order_;
    std::string last_key_;
    std::size_t last_size_ = 512;
};

/// Rows of a database that has its own order, sorted in a file beside the ledger.
class SortedRows : public OrderedRows {
  public:
    static Result<std::unique_ptr<OrderedRows>> sort(StreamedRows& rows, const std::filesystem::path& folder,
                                                     RandomSource& random) {
        try {
            std::unique_ptr<SortedRows> sorted(new SortedRows(folder / "sort.tmp"));
            std::string key(32, '\0');
            random.fill({reinterpret_cast<std::uint8_t*>(key.data()), key.size()});
            sorted->key_ = SecretBytes(std::move(key));
            KAIGO_CHECK(sorted->fill(rows));
            sorted->rows_read = rows.rows_read;
            sorted->unreadable = rows.unreadable;
            sorted->my_numbers_read = rows.my_numbers_read;
            return std::unique_ptr<OrderedRows>(std::move(sorted));
        } catch (const sqlite::Failure& failure) {
            return fail(ErrorCode::cannot_write, failure.what()).at((folder / "sort.tmp").string());
        }
    }

    Result<std::optional<OrderedRow>> next() override {
        try {
            if (!select_->step()) return std::optional<OrderedRow>();
            OrderedRow row;
            row.key = select_->blob(0);
            row.source.verdict = static_cast<SourceRow::Verdict>(select_->integer(1));
            row.source.history = select_->integer(2);
            row.source.reason = select_->text(3);
            row.source.digest = digest_of(select_->blob(4));
            if (!select_->is_null(5)) row.my_number = digest_of(select_->blob(5));
            if (!select_->is_null(6)) {
                KAIGO_TRY(row.canonical, unseal(key_.view(), row.key, select_->blob(6)));
            }
            if (!select_->is_null(7)) row.consent = select_->integer(7);
            return row;
        } catch (const sqlite::Failure& failure) {
            return fail(ErrorCode::cannot_read, failure.what());
        }
    }

  private:
    explicit SortedRows(const std::filesystem::path& path) : database_(fresh(path), sqlite::Open::create) {
        // The file loses its name at once: it goes with the process, however that ends.
        database_.execute("PRAGMA journal_mode = OFF");
        database_.execute("PRAGMA synchronous = OFF");
        database_.execute(
            "CREATE TABLE row (key BLOB, verdict INTEGER, history INTEGER, reason TEXT, digest BLOB, "
            "my_number BLOB, "
            "sealed BLOB, consent INTEGER)");
        ::unlink(path.c_str());
    }

    static std::filesystem::path fresh(const std::filesystem::path& path) {
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
        return path;
    }

    static Digest digest_of(std::string_view bytes) {
        Digest digest{};
        std::copy_n(bytes.begin(), std::min(bytes.size(), digest.size()), digest.begin());
        return digest;
    }

    static std::string_view bytes_of(const Digest& digest) {
        return {reinterpret_cast<const char*>(digest.data()), digest.size()};
    }

    Status fill(StreamedRows& rows) {
        database_.execute("BEGIN");
        auto insert = database_.prepare("INSERT INTO row VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        for (;;) {
            KAIGO_TRY(const auto row, rows.next());
            if (!row) break;
            insert.bind_blob(1, row->key).bind(2, static_cast<std::int64_t>(row->source.verdict));
            insert.bind(3, row->source.history)
                .bind(4, row->source.reason)
                .bind_blob(5, bytes_of(row->source.digest));
            if (row->my_number)
                insert.bind_blob(6, bytes_of(*row->my_number));
            else
                insert.bind_null(6);
            if (row->canonical.empty())
                insert.bind_null(7);
            else
                insert.bind_blob(7, seal(key_.view(), row->key, row->canonical));
            if (row->consent)
                insert.bind(8, *row->consent);
            else
                insert.bind_null(8);
            insert.run();
        }
        database_.execute("COMMIT");
        select_.emplace(
            database_.prepare("SELECT key, verdict, history, reason, digest, my_number, sealed, consent FROM "
                              "row ORDER BY key, rowid"));
        return {};
    }

    sqlite::Database database_;
    std::optional<sqlite::Statement> select_;
    SecretBytes key_;
};

}  // namespace

Result<std::unique_ptr<OrderedRows>> open_ordered_rows(Gateway& gateway, const mapping::KindPlan& plan,
                                                       source::Snapshot& snapshot,
                                                       const config::Insurer& insurer, bool sort) {
    KAIGO_TRY(auto reader,
              mapping::RecordReader::open(plan, snapshot, insurer.number, gateway.consent_policy(insurer)));
    auto streamed = std::make_unique<StreamedRows>(gateway, plan, std::move(reader), !sort);
    if (!sort) return streamed;
    return SortedRows::sort(*streamed, gateway.config().ledger.parent_path(), gateway.world().random);
}

}  // namespace kaigo::jobs
