#include "jobs/sync/proof/rotate_key.h"

#include "base/i18n.h"
#include "jobs/runtime/ledger_store.h"
#include "jobs/runtime/stores.h"
#include "jobs/sync/outbound/ordered_rows.h"

namespace kaigo::jobs {

using ledger::Entry;
using ledger::Ledger;

namespace {

constexpr std::size_t kRecordsAtOnce = 5'000;

/// The digests of one row under both keys. If rows with the same key differ, none of them counts.
class Pair {
  public:
    void begin(const OrderedRow& former, const OrderedRow& next) {
        key_ = next.key;
        former_ = former.source.digest;
        next_ = next.source.digest;
        former_number_ = former.my_number;
        next_number_ = next.my_number;
        doubtful_ = false;
    }
    void same_key(const OrderedRow& next) { doubtful_ = doubtful_ || next.source.digest != next_; }
    const std::string& key() const { return key_; }

    /// A digest of other content than the row has now keeps its bytes, so it still differs from the row under
    /// the new key.
    /// @return nothing when it is not clear what the row says
    std::optional<Ledger::Rekeyed> rekey(const Entry& entry) const {
        if (doubtful_) return std::nullopt;
        const auto carry = [](const auto& known, const auto& former, const auto& next) {
            return known && known == former ? next : known;
        };
        return Ledger::Rekeyed{entry.key, carry(entry.standing.acknowledged, former_, next_),
                               carry(entry.standing.sent, former_, next_),
                               carry(entry.my_number, former_number_, next_number_)};
    }
    bool differs(const Entry& entry) const {
        return doubtful_ || (entry.standing.acknowledged && entry.standing.acknowledged != former_);
    }

  private:
    std::string key_;
    std::optional<Digest> former_, next_, former_number_, next_number_;
    bool doubtful_ = false;
};

class Rotator {
  public:
    Rotator(const config::Config& config, Environment& environment)
        : config_(config), environment_(environment) {}

    Result<KeyRotation> run() {
        if (config_.former_spool_key.empty())
            return fail(ErrorCode::usage, tr("spool.former_key_file is not in the configuration"))
                .at(config_.file.string())
                .remedy(
                    tr("stop the daemon; write the new key's file into spool.key_file and the former one's "
                       "into spool.former_key_file; run this command; take former_key_file out again"));
        KAIGO_TRY(auto installation, Installation::load(config_));
        KAIGO_TRY(Keys former, Keys::load(config_.former_spool_key));
        former_ = former.id;
        next_ = installation->keys().id;
        if (former_ == next_)
            return fail(ErrorCode::usage, tr("key_file and former_key_file hold the same key"))
                .at(config_.former_spool_key);
        KAIGO_TRY(stores_, open_stores(config_, environment_));
        KAIGO_CHECK(stores_->audit(environment_.clock.now(), "key-rotation-begin", environment_.actor,
                                   {{"from", former_}, {"to", next_}}));
        KAIGO_TRY(spool::Spool sealed_before, spool::Spool::open(config_.spool, former));
        KAIGO_CHECK(reseal(sealed_before));
        JobContext next_context(installation, environment_);
        JobContext former_context(installation->with(std::move(former)), environment_);
        for (const config::Insurer& insurer : config_.insurers)
            for (const spec::RecordKind* kind : next_context.kinds_of(insurer))
                KAIGO_CHECK(rekey(former_context, next_context, insurer, *kind));
        KAIGO_CHECK(stores_->audit(environment_.clock.now(), "key-rotation-end", environment_.actor,
                                   {{"from", former_},
                                    {"to", next_},
                                    {"records", std::to_string(out_.records)},
                                    {"changed", std::to_string(out_.changed)},
                                    {"my-numbers-read", std::to_string(my_numbers_)}}));
        return out_;
    }

  private:
    Status reseal(const spool::Spool& sealed_before) {
        for (const std::string& request : stores_->ledger()->open_request_ids()) {
            if (!stores_->spool().has(request)) continue;
            const auto now = stores_->spool().load(request);
            if (now || now.error().code != ErrorCode::key_missing)
                continue;  // done, or lost: told when it is due
            KAIGO_TRY(std::vector<std::string> records, sealed_before.load(request));
            const Status stored = stores_->spool().store(request, {records.begin(), records.end()});
            for (std::string& each : records) SecretBytes::wipe(each.data(), each.size());
            KAIGO_CHECK(stored);
            ++out_.files;
        }
        return {};
    }

    Status rekey(JobContext& former_context, JobContext& next_context, const config::Insurer& insurer,
                 const spec::RecordKind& kind) {
        KAIGO_TRY(const OpenSource* former_source, former_context.source(insurer.source));
        KAIGO_TRY(const OpenSource* next_source, next_context.source(insurer.source));
        const mapping::KindPlan* former_plan = former_source->plan->kind(kind.id);
        const mapping::KindPlan* next_plan = next_source->plan->kind(kind.id);
        if (former_plan == nullptr || next_plan == nullptr) return {};
        constexpr std::size_t kViews = 4;
        for (bool sort = next_plan->sort;; sort = true) {
            KAIGO_TRY(const auto views, next_source->source->snapshots(kViews));
            KAIGO_TRY(const auto former,
                      open_ordered_rows(former_context, *former_plan, {*views[0], *views[1]}, insurer, sort));
            KAIGO_TRY(const auto next,
                      open_ordered_rows(next_context, *next_plan, {*views[2], *views[3]}, insurer, sort));
            KAIGO_CHECK(rekey_rows(*former, *next, insurer, kind));
            my_numbers_ += next->counts.my_numbers_read;
            if (!next->out_of_order && !former->out_of_order) break;
            if (sort) break;
        }
        const auto id = stores_->ledger()->ensure_insurer(insurer.number.value());
        const auto kind_id = stores_->ledger()->ensure_kind(kind.id);
        if (auto baseline = stores_->ledger()->baseline(id, kind_id);
            baseline && baseline->digest_key == former_) {
            baseline->digest_key = next_;
            stores_->ledger()->set_baseline(id, kind_id, *baseline);
        }
        return {};
    }

    Status rekey_rows(OrderedRows& former, OrderedRows& next, const config::Insurer& insurer,
                      const spec::RecordKind& kind) {
        const auto id = stores_->ledger()->ensure_insurer(insurer.number.value());
        const auto kind_id = stores_->ledger()->ensure_kind(kind.id);
        ledger::LedgerReader records = ledger_store(config_).records(id, kind_id);
        const Entry* entry = records.next();
        std::vector<Ledger::Rekeyed> rekeyed;
        Pair pair;
        bool some = false;
        const auto write = [&] {
            out_.records += stores_->ledger()->rekey(id, kind_id, former_, next_, rekeyed);
            rekeyed.clear();
        };
        const auto settle = [&] {
            for (; some && entry != nullptr && entry->key < pair.key(); entry = records.next()) {
            }
            if (!some || entry == nullptr || entry->key != pair.key() || entry->digest_key != former_) return;
            if (pair.differs(*entry)) ++out_.changed;
            if (auto one = pair.rekey(*entry)) rekeyed.push_back(std::move(*one));
            if (rekeyed.size() >= kRecordsAtOnce) write();
        };
        for (;;) {
            if (environment_.stop.stop_requested())
                return fail(ErrorCode::busy, tr("stopped; the same command goes on from here"));
            KAIGO_TRY(const OrderedRow* old_row, former.next());
            KAIGO_TRY(const OrderedRow* row, next.next());
            if (old_row == nullptr || row == nullptr) break;
            if (old_row->key != row->key)
                return fail(ErrorCode::internal,
                            tr("the source gave different rows at two readings of one state"));
            if (some && pair.key() == row->key) {
                pair.same_key(*row);
                continue;
            }
            settle();
            pair.begin(*old_row, *row);
            some = true;
        }
        settle();
        write();
        return {};
    }

    const config::Config& config_;
    Environment& environment_;
    std::shared_ptr<Stores> stores_;
    std::string former_, next_;
    KeyRotation out_;
    std::int64_t my_numbers_ = 0;
};

}  // namespace

Result<KeyRotation> rotate_key(const config::Config& config, Environment& environment) {
    return Rotator(config, environment).run();
}

}  // namespace kaigo::jobs
