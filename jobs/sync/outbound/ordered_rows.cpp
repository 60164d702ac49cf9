#include "jobs/sync/outbound/ordered_rows.h"

#include <array>
#include <cstring>
#include <type_traits>

#include "base/i18n.h"
#include "base/read_ahead.h"
#include "registration/record_state.h"
#include "spec/presence.h"
#include "spool/sorted_file.h"

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

/// What the comparison needs of a row, as bytes: its facts, then its canonical form.
class PackedRow {
  public:
    static std::string pack(const OrderedRow& row) {
        Facts facts{row.source.verdict,
                    row.source.history,
                    row.source.digest,
                    row.my_number.has_value(),
                    row.my_number.value_or(Digest{}),
                    row.consent.has_value(),
                    row.consent.value_or(0),
                    row.source.reason.size()};
        std::string out(reinterpret_cast<const char*>(&facts), sizeof facts);
        out.reserve(out.size() + row.source.reason.size() + row.canonical.size());
        out += row.source.reason;
        out += row.canonical;
        return out;
    }
    /// @param bytes  which pack() made in this process; the row looks into them
    static OrderedRow unpack(std::string_view key, std::string_view bytes) {
        Facts facts;
        std::memcpy(&facts, bytes.data(), sizeof facts);
        bytes.remove_prefix(sizeof facts);
        OrderedRow row;
        row.key = key;
        row.source.verdict = facts.verdict;
        row.source.history = facts.history;
        row.source.digest = facts.digest;
        if (facts.has_my_number) row.my_number = facts.my_number;
        if (facts.has_consent) row.consent = facts.consent;
        row.source.reason = bytes.substr(0, facts.reason_size);
        row.canonical = bytes.substr(facts.reason_size);
        return row;
    }

  private:
    struct Facts {
        SourceRow::Verdict verdict;
        std::int64_t history;
        Digest digest;
        bool has_my_number;
        Digest my_number;
        bool has_consent;
        std::int64_t consent;
        std::size_t reason_size;
    };
    static_assert(std::is_trivially_copyable_v<Facts>);
};

/// Rows of a database that has its own order, sorted in a file beside the ledger.
class SortedRows : public OrderedRows {
  public:
    static Result<std::unique_ptr<OrderedRows>> sort(OrderedRows& rows, const std::filesystem::path& folder,
                                                     RandomSource& random) {
        KAIGO_TRY(auto file, spool::SortedFile::make(folder, random));
        for (;;) {
            KAIGO_TRY(const OrderedRow* row, rows.next());
            if (row == nullptr) break;
            std::string packed = PackedRow::pack(*row);
            const Status added = file->add(row->key, packed);
            SecretBytes::wipe(packed.data(), packed.size());
            KAIGO_CHECK(added);
        }
        KAIGO_CHECK(file->sort());
        auto sorted = std::make_unique<SortedRows>(std::move(file));
        sorted->counts = rows.counts;
        return sorted;
    }

    explicit SortedRows(std::unique_ptr<spool::SortedFile> file) : file_(std::move(file)) {}

    Result<OrderedRow*> next() override {
        KAIGO_TRY(const bool more, file_->next());
        if (!more) return nullptr;
        // The previous row is still in use.
        slot_ = 1 - slot_;
        rows_[slot_] = PackedRow::unpack(file_->key(), file_->content());
        return &rows_[slot_];
    }

  private:
    std::unique_ptr<spool::SortedFile> file_;
    std::array<OrderedRow, 2> rows_;
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
