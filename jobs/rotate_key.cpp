// ledger rotate-key: another key, and nothing is sent again because of it. The source is read under both keys
// side by side; what it says is what the former digest stood for.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "base/i18n.h"
#include "jobs/books.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"
#include "jobs/ordered_rows.h"

namespace kaigo::jobs {

using ledger::Entry;
using ledger::Ledger;

namespace {

constexpr std::size_t kRecordsAtOnce = 5'000;

struct Rotation {
    std::int64_t files = 0;    ///< of the spool
    std::int64_t records = 0;  ///< under the new key now
    std::int64_t changed = 0;  ///< of them: the source has another content now than was sent
};

/// Both digests of one row. Rows of one key that differ stand for none.
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

    /// A digest that stands for another content than the row has now keeps its bytes: under the new key too
    /// it differs from what the row says.
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
    Rotator(const config::Config& config, World& world) : config_(config), world_(world) {}

    Result<Rotation> run() {
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
        KAIGO_TRY(books_, open_books(config_, world_));
        KAIGO_CHECK(books_->audit(world_.clock.now(), "key-rotation-begin", world_.actor,
                                  {{"from", former_}, {"to", next_}}));
        KAIGO_TRY(spool::Spool sealed_before, spool::Spool::open(config_.spool, former));
        KAIGO_CHECK(reseal(sealed_before));
        Gateway next_gateway(installation, world_);
        Gateway former_gateway(installation->with(std::move(former)), world_);
        for (const config::Insurer& insurer : config_.insurers)
            for (const spec::RecordKind* kind : next_gateway.kinds_of(insurer))
                KAIGO_CHECK(rekey(former_gateway, next_gateway, insurer, *kind));
        KAIGO_CHECK(books_->audit(world_.clock.now(), "key-rotation-end", world_.actor,
                                  {{"from", former_},
                                   {"to", next_},
                                   {"records", std::to_string(out_.records)},
                                   {"changed", std::to_string(out_.changed)},
                                   {"my-numbers-read", std::to_string(my_numbers_)}}));
        return out_;
    }

  private:
    Status reseal(const spool::Spool& sealed_before) {
        for (const std::string& request : books_->ledger()->open_request_ids()) {
            if (!books_->spool().has(request)) continue;
            const auto now = books_->spool().load(request);
            if (now || now.error().code != ErrorCode::key_missing)
                continue;  // done, or lost: told when it is due
            KAIGO_TRY(std::vector<std::string> records, sealed_before.load(request));
            const Status stored = books_->spool().store(request, {records.begin(), records.end()});
            for (std::string& each : records) SecretBytes::wipe(each.data(), each.size());
            KAIGO_CHECK(stored);
            ++out_.files;
        }
        return {};
    }

    Status rekey(Gateway& former_gateway, Gateway& next_gateway, const config::Insurer& insurer,
                 const spec::RecordKind& kind) {
        KAIGO_TRY(const OpenSource* former_source, former_gateway.source(insurer.source));
        KAIGO_TRY(const OpenSource* next_source, next_gateway.source(insurer.source));
        const mapping::KindPlan* former_plan = former_source->plan->kind(kind.id);
        const mapping::KindPlan* next_plan = next_source->plan->kind(kind.id);
        if (former_plan == nullptr || next_plan == nullptr) return {};
        constexpr std::size_t kViews = 4;
        for (bool sort = next_plan->sort;; sort = true) {
            KAIGO_TRY(const auto views, next_source->source->snapshots(kViews));
            KAIGO_TRY(const auto former,
                      open_ordered_rows(former_gateway, *former_plan, {*views[0], *views[1]}, insurer, sort));
            KAIGO_TRY(const auto next,
                      open_ordered_rows(next_gateway, *next_plan, {*views[2], *views[3]}, insurer, sort));
            KAIGO_CHECK(rekey_rows(*former, *next, insurer, kind));
            my_numbers_ += next->counts.my_numbers_read;
            if (!next->out_of_order && !former->out_of_order) break;
            if (sort) break;
        }
        const auto id = books_->ledger()->insurer(insurer.number.value());
        const auto kind_id = books_->ledger()->kind(kind.id);
        if (auto baseline = books_->ledger()->baseline(id, kind_id);
            baseline && baseline->digest_key == former_) {
            baseline->digest_key = next_;
            books_->ledger()->set_baseline(id, kind_id, *baseline);
        }
        return {};
    }

    Status rekey_rows(OrderedRows& former, OrderedRows& next, const config::Insurer& insurer,
                      const spec::RecordKind& kind) {
        const auto id = books_->ledger()->insurer(insurer.number.value());
        const auto kind_id = books_->ledger()->kind(kind.id);
        ledger::LedgerReader records(config_.ledger, id, kind_id);
        const Entry* entry = records.next();
        std::vector<Ledger::Rekeyed> rekeyed;
        Pair pair;
        bool some = false;
        const auto write = [&] {
            out_.records += books_->ledger()->rekey(id, kind_id, former_, next_, rekeyed);
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
            if (world_.stop.stop_requested())
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
    World& world_;
    std::shared_ptr<Books> books_;
    std::string former_, next_;
    Rotation out_;
    std::int64_t my_numbers_ = 0;
};

}  // namespace

int rotate_key(const config::Config& config, World& world, bool json) {
    const auto done = Rotator(config, world).run();
    if (!done) return refuse(world, done.error());
    if (json)
        write_json(world.out, boost::json::object{{"spoolFiles", done->files},
                                                  {"records", done->records},
                                                  {"changedInSource", done->changed}});
    else
        world.out
            << tr("{} records and {} spool files are under the new key; {} records changed in the source "
                  "since "
                  "they were sent: the next daily-sync sends them, and none because of the key. Now take "
                  "spool.former_key_file out of the configuration and start the daemon.",
                  done->records, done->files, done->changed)
            << '\n';
    return 0;
}

}  // namespace kaigo::jobs
