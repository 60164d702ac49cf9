#include "jobs/sync/proof/reconcile.h"

#include "base/i18n.h"
#include "jobs/runtime/ledger_store.h"
#include "jobs/sync/outbound/ordered_rows.h"
#include "spec/record.h"

namespace kaigo::jobs {

using ledger::Entry;
using registration::RecordState;
using registration::SourceRow;
using What = Difference::What;

namespace {

constexpr std::int64_t kRowsBetweenSigns = 1'024;

/// Length of a prefix of the 被保険者番号 that ten thousand numbers share.
constexpr std::size_t kRangePrefix = 6;

/// Fills the ranges as keys go by in order.
class Ranges {
  public:
    explicit Ranges(std::string_view key) : hmac_(key) {}

    void row(std::string_view key, const Digest& digest) {
        move_to(key);
        ++at_.rows;
        append(source_, key, digest);
    }
    void record(std::string_view key, const Digest& digest) {
        move_to(key);
        ++at_.records;
        append(ledger_, key, digest);
    }
    std::vector<RangeProof> finish() {
        close();
        return std::move(done_);
    }

  private:
    static void append(std::string& out, std::string_view key, const Digest& digest) {
        out += key;
        out.append(reinterpret_cast<const char*>(digest.data()), digest.size());
    }

    void move_to(std::string_view key) {
        const std::string_view begins = key.substr(0, kRangePrefix);
        if (begins == at_.begins) return;
        close();
        at_.begins = begins;
    }

    void close() {
        if (at_.rows + at_.records > 0) {
            at_.source = hmac_.digest(source_);
            at_.ledger = hmac_.digest(ledger_);
            done_.push_back(std::move(at_));
        }
        at_ = {};
        source_.clear();
        ledger_.clear();
    }

    Hmac hmac_;
    RangeProof at_;
    std::string source_, ledger_;
    std::vector<RangeProof> done_;
};

class Reconciliation {
  public:
    Reconciliation(KindProof& proof, JobContext& context, std::set<ledger::BatchId> unsettled)
        : proof_(proof), ranges_(context.keys().digest.view()), unsettled_(std::move(unsettled)) {}

    /// A row, and its record where the ledger has one.
    void row(const OrderedRow& row, const Entry* entry) {
        if (entry == nullptr) return differs(What::not_compared, row.key, proof_.not_compared);
        if (row.source.verdict == SourceRow::Verdict::platform_owned && entry->standing.platform_owned) {
            ++proof_.platform_owned;
            return;
        }
        if (!is_registered(*entry)) return except(*entry);
        const bool usable = row.source.verdict == SourceRow::Verdict::usable;
        if (usable) ranges_.row(row.key, row.source.digest);
        acknowledged(*entry);
        if (usable && entry->standing.acknowledged == row.source.digest)
            ++proof_.registered;
        else
            differs(What::changed_since, row.key, proof_.changed_since);
    }

    /// A record without a row.
    void record(const Entry& entry) {
        if (entry.standing.on_platform && !entry.standing.platform_owned)
            differs(What::gone_since, entry.key, proof_.gone_since);
        if (is_registered(entry)) acknowledged(entry);
    }

    void finish() { proof_.ranges = ranges_.finish(); }

  private:
    static bool is_registered(const Entry& entry) {
        return entry.standing.state == RecordState::registered && !entry.standing.platform_owned;
    }

    void acknowledged(const Entry& entry) {
        if (entry.standing.acknowledged) ranges_.record(entry.key, *entry.standing.acknowledged);
        if (entry.batch && unsettled_.contains(*entry.batch))
            differs(What::unconfirmed, entry.key, proof_.unconfirmed);
    }

    void except(const Entry& entry) {
        ++proof_.exceptions[{std::string(name_of(registration::kRecordStateNames, entry.standing.state)),
                             entry.standing.reason}];
    }

    void differs(What what, std::string_view key, std::int64_t& count) {
        ++count;
        if (proof_.differences.size() < kDifferencesNamed)
            proof_.differences.push_back({what, std::string(key)});
    }

    KindProof& proof_;
    Ranges ranges_;
    std::set<ledger::BatchId> unsettled_;  ///< receptions that do not confirm what was registered with them
};

}  // namespace

bool KindProof::closed() const {
    std::int64_t sum = registered + platform_owned + changed_since + not_compared + duplicates + unreadable;
    for (const auto& [why, count] : exceptions) sum += count;
    return read == sum;
}

Result<KindProof> reconcile_kind(JobContext& context, ledger::SharedLedger& ledger,
                                 const config::Insurer& insurer, const spec::RecordKind& kind,
                                 std::int64_t& my_numbers_read) {
    KAIGO_TRY(const OpenSource* source, context.source(insurer.source));
    const mapping::KindPlan* plan = source->plan->kind(kind.id);
    if (plan == nullptr)
        return fail(ErrorCode::bad_mapping, tr("the mapping has no record kind \"{}\"", kind.id))
            .at(source->plan->file());
    KindProof proof;
    proof.kind = &kind;
    proof.mapping = source->plan->fingerprint();
    const auto insurer_id = ledger->ensure_insurer(insurer.number.value());
    const auto kind_id = ledger->ensure_kind(kind.id);
    KAIGO_TRY(auto view, ledger_store(context.config()).view());
    proof.receptions = view.receptions(insurer_id, kind_id);
    const auto unsettled = view.unconfirming(insurer_id, kind_id);
    KAIGO_TRY(const auto snapshots, source->source->snapshots(2));

    for (bool sort = plan->sort;; sort = true) {
        KAIGO_TRY(const auto rows,
                  open_ordered_rows(context, *plan, {*snapshots[0], *snapshots[1]}, insurer, sort));
        KindProof found = proof;
        Reconciliation reconciliation(found, context, {unsettled.begin(), unsettled.end()});
        ledger::LedgerReader records = ledger_store(context.config()).records(insurer_id, kind_id);
        const Entry* entry = records.next();
        std::string last_key;
        for (;;) {
            if (context.environment().stop.stop_requested())
                return fail(ErrorCode::busy, tr("stopped; the same command begins anew"));
            KAIGO_TRY(const OrderedRow* row, rows->next());
            if (row == nullptr) break;
            ++found.read;
            // The job's sign of life.
            if (found.read % kRowsBetweenSigns == 0) static_cast<void>(context.environment().clock.now());
            if (found.read > 1 && row->key == last_key) {
                ++found.duplicates;
                continue;
            }
            last_key = row->key;
            for (; entry != nullptr && entry->key < row->key; entry = records.next())
                reconciliation.record(*entry);
            const bool known = entry != nullptr && entry->key == row->key;
            reconciliation.row(*row, known ? entry : nullptr);
            if (known) entry = records.next();
        }
        my_numbers_read += rows->counts.my_numbers_read;
        if (rows->out_of_order && !sort) continue;
        for (const auto& snapshot : snapshots) KAIGO_CHECK(snapshot->verify());
        for (; entry != nullptr; entry = records.next()) reconciliation.record(*entry);
        reconciliation.finish();
        found.unreadable = rows->counts.unreadable;
        found.read += found.unreadable;
        return found;
    }
}

}  // namespace kaigo::jobs
