#include "jobs/sync/outbound/ordered_rows.h"

#include <unistd.h>

#include <array>

#include "base/i18n.h"
#include "base/read_ahead.h"
#include "registration/record_state.h"
#include "spec/presence.h"
#include "sqlite/sqlite.h"

namespace kaigo::jobs {

using registration::SourceRow;

std::string validation_reason(const spec::Finding& finding) {
    return std::string(registration::reason::kValidation) + finding.path + ":" + std::string(finding.rule);
}

namespace {

constexpr std::size_t kBlocks = 8;
constexpr std::size_t kRowsInBlock = 256;
constexpr std::size_t kBytesInBlock = 512U << 10;

/// Rows with their bytes, which may hold a マイナンバー and are wiped.
struct RowBlock {
    std::vector<OrderedRow> rows;
    std::string bytes;  ///< of each row its key, then its canonical form
    OrderedRows::Counts counts;
    bool out_of_order = false;

    void clear() {
        SecretBytes::wipe(bytes.data(), bytes.size());
        bytes.clear();
        rows.clear();
    }
    RowBlock() { bytes.reserve(kBytesInBlock); }  // growing would leave copies behind
    RowBlock(const RowBlock&) = delete;
    RowBlock& operator=(const RowBlock&) = delete;
    ~RowBlock() { clear(); }
};

/// Makes rows out of records, in the order in which the database gives them. Used by one thread.
class RowMaker {
  public:
    RowMaker(JobContext& context, const mapping::KindPlan& plan,
             std::unique_ptr<mapping::RecordReader> reader, bool check_order)
        : plan_(plan),
          reader_(std::move(reader)),
          digest_(context.keys().digest.view()),
          settings_{japan_date(context.environment().clock.now()), context.config().my_number_check, true},
          presence_(*plan.kind),
          check_order_(check_order) {}

    /// @return false after the last row
    Result<bool> fill(RowBlock& block) {
        block.clear();
        if (failure_) return tl::unexpected(*failure_);
        ends_.clear();
        while (block.rows.size() < kRowsInBlock && !ended_) {
            const auto more = reader_->next();
            if (!more) failure_ = more.error();  // the rows before it come first
            ended_ = !more || !*more;
            if (!ended_) take_row(block);
        }
        if (ended_) {
            counts_.children = reader_->child_counts();
            counts_.items = presence_.by_path();
        }
        std::string_view bytes = block.bytes;
        for (std::size_t i = 0; i < block.rows.size(); ++i) {
            block.rows[i].key = bytes.substr(0, ends_[i].key);
            block.rows[i].canonical = bytes.substr(ends_[i].key, ends_[i].canonical);
            bytes.remove_prefix(ends_[i].key + ends_[i].canonical);
        }
        block.counts = counts_;
        block.out_of_order = out_of_order_;
        if (block.rows.empty() && failure_) return tl::unexpected(*failure_);
        // A last block without rows may still carry counts.
        const bool over = block.rows.empty() && told_end_;
        told_end_ = ended_;
        return !over;
    }

  private:
    struct Sizes {
        std::size_t key, canonical;
    };

    void take_row(RowBlock& block) {
        const std::size_t start = block.bytes.size();
        if (!spec::append_key(block.bytes, reader_->record())) {
            block.bytes.resize(start);
            ++counts_.unreadable;
            return;
        }
        const std::string_view key = std::string_view(block.bytes).substr(start);
        if (check_order_ && key < last_key_) {
            out_of_order_ = true;
            ended_ = true;
            block.bytes.resize(start);
            return;
        }
        last_key_ = key;
        const std::size_t key_size = key.size();
        OrderedRow& row = block.rows.emplace_back();
        const std::size_t at = block.bytes.size();
        if (judge(row)) {
            spec::append_canonical(block.bytes, reader_->record());
            row.source.digest = digest_.digest(std::string_view(block.bytes).substr(at));
        }
        ends_.push_back({key_size, block.bytes.size() - at});
    }

    /// What is known of the row besides its content.
    /// @return whether it can be used
    bool judge(OrderedRow& row) {
        const spec::Record& record = reader_->record();
        row.source.history = record.items[plan_.kind->history].number;
        if (plan_.kind->my_number) {
            const spec::Value& number = record.items[*plan_.kind->my_number];
            if (number.kind == spec::Value::Kind::text) {
                ++counts_.my_numbers_read;
                labelled_ = "my-number/";
                labelled_ += number.text;
                row.my_number = digest_.digest(labelled_);
                SecretBytes::wipe(labelled_.data(), labelled_.size());
            }
        }
        if (const auto& verdict = reader_->consent()) row.consent = verdict->packed();
        if (reader_->platform_owned()) {
            row.source.verdict = SourceRow::Verdict::platform_owned;
            return false;
        }
        findings_.clear();
        spec::validate(record, settings_, findings_);
        for (const spec::Finding& finding : findings_) {
            if (finding.severity != spec::Severity::error || finding.rule == spec::kMyNumberMissing) continue;
            row.source.verdict = SourceRow::Verdict::unusable;
            row.source.reason = validation_reason(finding);
            return false;
        }
        if (plan_.kind->my_number && !row.my_number) {
            row.source.verdict = SourceRow::Verdict::no_my_number;
            return false;
        }
        presence_.take(record);
        return true;
    }

    const mapping::KindPlan& plan_;
    std::unique_ptr<mapping::RecordReader> reader_;
    Hmac digest_;
    spec::ValidationSettings settings_;
    std::vector<spec::Finding> findings_;
    std::vector<Sizes> ends_;
    std::string labelled_;
    std::string last_key_;
    OrderedRows::Counts counts_;
    spec::Presence presence_;
    std::optional<Error> failure_;
    bool check_order_;
    bool out_of_order_ = false;
    bool ended_ = false;
    bool told_end_ = false;  ///< the block that carries the last counts has gone out
};

/// Rows straight from the database.
class StreamedRows : public OrderedRows {
  public:
    explicit StreamedRows(std::unique_ptr<RowMaker> maker)
        : maker_(std::move(maker)),
          blocks_(kBlocks, [this](RowBlock& block) { return maker_->fill(block); }) {}

    Result<OrderedRow*> next() override {
        while (block_ == nullptr || row_ == block_->rows.size()) {
            KAIGO_TRY(block_, blocks_.next());
            row_ = 0;
            if (block_ == nullptr) return nullptr;
            counts = block_->counts;
            out_of_order = block_->out_of_order;
        }
        return &block_->rows[row_++];
    }

  private:
    std::unique_ptr<RowMaker> maker_;
    RowBlock* block_ = nullptr;
    std::size_t row_ = 0;
    ReadAhead<RowBlock> blocks_;
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
            sorted->counts = rows.counts;
            return std::unique_ptr<OrderedRows>(std::move(sorted));
        } catch (const sqlite::Failure& failure) {
            return fail(ErrorCode::cannot_write, failure.what()).at((folder / "sort.tmp").string());
        }
    }

    Result<OrderedRow*> next() override {
        try {
            if (!select_->step()) return nullptr;
            // The row before this one is still looked at.
            slot_ = 1 - slot_;
            Owned& owned = owned_[slot_];
            owned.wipe();
            OrderedRow& row = owned.row;
            row = {};
            owned.key = select_->blob(0);
            row.key = owned.key;
            row.source.verdict = static_cast<SourceRow::Verdict>(select_->integer(1));
            row.source.history = select_->integer(2);
            row.source.reason = select_->text(3);
            row.source.digest = digest_of(select_->blob(4));
            if (!select_->is_null(5)) row.my_number = digest_of(select_->blob(5));
            if (!select_->is_null(6)) {
                KAIGO_TRY(owned.canonical, unseal(key_.view(), owned.key, select_->blob(6)));
                row.canonical = owned.canonical;
            }
            if (!select_->is_null(7)) row.consent = select_->integer(7);
            return &row;
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

    struct Owned {
        OrderedRow row;
        std::string key, canonical;
        void wipe() { SecretBytes::wipe(canonical.data(), canonical.size()); }
        Owned() = default;
        Owned(const Owned&) = delete;
        Owned& operator=(const Owned&) = delete;
        ~Owned() { wipe(); }
    };

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
            KAIGO_TRY(const OrderedRow* row, rows.next());
            if (row == nullptr) break;
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
    std::array<Owned, 2> owned_;
    std::size_t slot_ = 0;
};

}  // namespace

Result<std::unique_ptr<OrderedRows>> open_ordered_rows(JobContext& context, const mapping::KindPlan& plan,
                                                       const SourceViews& source,
                                                       const config::Insurer& insurer, bool sort) {
    KAIGO_TRY(auto reader,
              mapping::RecordReader::open_ahead(plan, source.rows, source.children, insurer.number,
                                                context.consent_policy(insurer)));
    auto streamed =
        std::make_unique<StreamedRows>(std::make_unique<RowMaker>(context, plan, std::move(reader), !sort));
    if (!sort) return streamed;
    return SortedRows::sort(*streamed, context.config().ledger.parent_path(), context.environment().random);
}

}  // namespace kaigo::jobs
