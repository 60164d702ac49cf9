#include "jobs/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/i18n.h"
#include "jobs/ordered_rows.h"

namespace kaigo::jobs {

using ledger::Accounting;
using ledger::Change;
using ledger::Entry;
using ledger::Ledger;
using ledger::LedgerReader;
using registration::Decision;
using registration::SourceRow;
using registration::Standing;
using registration::Term;

namespace {

constexpr std::size_t kChangesAtOnce = 5'000;

/// Whether a person's record is on the platform, asked in key order.
class PrerequisiteCursor {
  public:
    PrerequisiteCursor(const std::filesystem::path& path, ledger::InsurerId insurer, ledger::KindId kind)
        : reader_(path, insurer, kind), entry_(reader_.next()) {}

    bool on_platform(std::string_view insured) {
        while (entry_ != nullptr && entry_->key < insured) entry_ = reader_.next();
        return entry_ != nullptr && entry_->key == insured && entry_->standing.on_platform;
    }

  private:
    LedgerReader reader_;
    const Entry* entry_;
};

/// One pass over source and ledger.
class Pass {
  public:
    Pass(Gateway& gateway, Ledger& ledger, Exchange* exchange, const config::Insurer& insurer,
         const spec::RecordKind& kind, const CompareOptions& options)
        : gateway_(gateway),
          ledger_(ledger),
          exchange_(exchange),
          insurer_(insurer),
          kind_(kind),
          options_(options),
          insurer_id_(ledger.insurer(insurer.number.value())),
          kind_id_(ledger.kind(kind.id)),
          known_(gateway.config().ledger, insurer_id_, kind_id_),
          identifier_(gateway.keys().identifier.view()) {
        if (kind.requires_kind)
            prerequisite_.emplace(gateway.config().ledger, insurer_id_, ledger.kind(*kind.requires_kind));
        for (const auto& other : gateway.specification().kinds())
            has_dependants_ = has_dependants_ || other->requires_kind == kind.id;
        entry_ = known_.next();
    }

    /// @param comparison  nothing: only counts
    /// @param expected    rows to come, for who watches
    Result<CompareOutcome> run(OrderedRows& rows, std::optional<ledger::ComparisonId> comparison,
                               std::int64_t expected) {
        comparison_ = comparison;
        std::optional<OrderedRow> held;
        for (;;) {
            if (gateway_.world().stop.stop_requested()) {
                outcome_.stopped = true;
                break;
            }
            KAIGO_TRY(auto row, rows.next());
            if (!row) break;
            if (options_.only && !options_.only->contains(row->key)) continue;
            ++outcome_.left.read;
            show_progress(expected, false);
            if (held && held->key == row->key) {
                merge_duplicate(*held, *row);
                continue;
            }
            if (held) KAIGO_CHECK(decide(*held));
            held = std::move(row);
        }
        if (held) KAIGO_CHECK(decide(*held));
        show_progress(expected, true);
        const bool whole = !outcome_.stopped && !rows.out_of_order;
        while (whole && entry_ != nullptr) pass_over_entry();
        if (!options_.only) {
            outcome_.left.read += rows.unreadable;
            outcome_.left.rejected += rows.unreadable;
        }
        outcome_.complete = rows.unreadable == 0 && !rows.out_of_order && !outcome_.stopped;
        return outcome_;
    }

    /// Deletions, once the caller is content with the read.
    Status remove_gone() {
        for (auto& [key, standing, account] : gone_) {
            // Whether dependants remain is known only after they were compared: the exchange releases it
            // then.
            Decision decision = registration::compare_gone(standing, has_dependants_);
            if (!decision.changes) continue;
            if (account)
                decision.term = Term::waiting;
            else
                ++outcome_.left.gone;
            if (!comparison_) continue;
            account_ = account;
            if (decision.send) {
                std::string canonical;
                spec::append_deletion(canonical, kind_, insurer_.number.value(), key,
                                      std::max<std::int64_t>(1, standing.acknowledged_history));
                KAIGO_CHECK(send(key, standing, decision, std::move(canonical), std::nullopt));
            } else {
                KAIGO_CHECK(change(key, standing, decision, std::nullopt));
            }
        }
        return finish();
    }

    std::int64_t would_resend() const { return outcome_.left.changed; }
    const CompareOutcome& outcome() const { return outcome_; }

  private:
    /// One line that is written over, for a person at a terminal.
    void show_progress(std::int64_t expected, bool end) const {
        constexpr std::int64_t kEvery = 2'000;
        const std::int64_t read = outcome_.left.read;
        if (!gateway_.world().terminal || options_.only || (!end && read % kEvery != 0)) return;
        gateway_.world().err << fmt::format("\r{} {} {}/{}", insurer_.number.value(), kind_.id, read,
                                            expected)
                             << (end ? "\n" : "") << std::flush;
    }

    void merge_duplicate(OrderedRow& held, const OrderedRow& row) {
        ++outcome_.left.duplicates;
        const bool same =
            held.source.verdict == row.source.verdict && held.source.digest == row.source.digest;
        if (same || held.source.reason == registration::reason::kDuplicateKey) {
            if (!same) count_as_rejected();
            return;
        }
        // Different contents under one key: none can be believed.
        count_as_rejected();
        held.source.verdict = SourceRow::Verdict::unusable;
        held.source.reason = registration::reason::kDuplicateKey;
    }

    /// A record that was counted when it came to be owed, and is only read again, stays in that account.
    std::optional<ledger::ComparisonId> earlier_account() const {
        const Standing& known = entry_->standing;
        return known.needs_body || known.state == registration::RecordState::blocked ? entry_->comparison
                                                                                     : std::nullopt;
    }

    void count_as_rejected() {
        --outcome_.left.duplicates;
        ++outcome_.left.rejected;
    }

    void pass_over_entry() {
        const bool in_scope = !options_.only || options_.only->contains(entry_->key);
        if (in_scope) gone_.push_back({entry_->key, entry_->standing, earlier_account()});
        entry_ = known_.next();
    }

    Status decide(OrderedRow& row) {
        while (entry_ != nullptr && entry_->key < row.key) pass_over_entry();
        static const Standing kAbsent;
        const bool known = entry_ != nullptr && entry_->key == row.key;
        const Standing standing = known ? entry_->standing : kAbsent;
        const bool prerequisite =
            !prerequisite_ || prerequisite_->on_platform(spec::insured_number_of(row.key));
        Decision decision = registration::compare_present(row.source, standing, prerequisite);
        account_ = known ? earlier_account() : std::nullopt;
        if (account_) decision.term = Term::waiting;
        if (known) entry_ = known_.next();
        count(decision);
        if (!decision.changes || !comparison_ || !decision.send) {
            SecretBytes::wipe(row.canonical.data(), row.canonical.size());
            if (!decision.changes || !comparison_) return {};
            return change(row.key, standing, decision, row.my_number);
        }
        std::string canonical = std::move(row.canonical);
        if (decision.next.owed == UpdateKind::remove) {
            SecretBytes::wipe(canonical.data(), canonical.size());
            canonical.clear();
            spec::append_deletion(canonical, kind_, insurer_.number.value(), row.key,
                                  standing.acknowledged_history);
        }
        return send(row.key, standing, decision, std::move(canonical), row.my_number);
    }

    void count(const Decision& decision) {
        Accounting& left = outcome_.left;
        switch (decision.term) {
            case Term::unchanged:
                ++left.unchanged;
                break;
            case Term::created:
                ++left.created;
                break;
            case Term::changed:
                ++left.changed;
                break;
            case Term::waiting:
                ++left.waiting;
                break;
            case Term::rejected:
                ++left.rejected;
                if (decision.changes) ++outcome_.new_rejected;
                break;
            case Term::blocked:
                ++left.blocked;
                break;
            case Term::gone:
                break;
        }
    }

    Status send(const std::string& key, const Standing& standing, const Decision& decision,
                std::string canonical, std::optional<Digest> my_number) {
        ++outcome_.sent;
        ledger::Sending sending;
        sending.member = {key, make_record_id(identifier_, insurer_.number.value(), kind_, key, canonical),
                          decision.next.owed.value_or(UpdateKind::update)};
        sending.from = standing.state;
        sending.event = decision.event;
        sending.next = decision.next;
        sending.my_number = my_number;
        sending.comparison = account_ ? account_ : comparison_;
        return exchange_->add(kind_, std::move(sending), std::move(canonical));
    }

    Status change(const std::string& key, const Standing& standing, const Decision& decision,
                  std::optional<Digest> my_number) {
        changes_.push_back(
            {key, standing.state, decision.event, decision.next, decision.term, my_number, account_});
        return changes_.size() >= kChangesAtOnce ? write_changes() : Status{};
    }

    Status write_changes() {
        ledger_.apply_changes(*comparison_, insurer_id_, kind_id_, gateway_.keys().id, changes_,
                              gateway_.world().clock.now());
        changes_.clear();
        return {};
    }

    Status finish() {
        if (!comparison_) return {};
        KAIGO_CHECK(write_changes());
        return exchange_->flush();
    }

    Gateway& gateway_;
    Ledger& ledger_;
    Exchange* exchange_;
    const config::Insurer& insurer_;
    const spec::RecordKind& kind_;
    const CompareOptions& options_;
    ledger::InsurerId insurer_id_;
    ledger::KindId kind_id_;
    LedgerReader known_;
    const Entry* entry_ = nullptr;
    std::optional<PrerequisiteCursor> prerequisite_;
    bool has_dependants_ = false;
    Hmac identifier_;
    std::optional<ledger::ComparisonId> comparison_;
    struct Gone {
        std::string key;
        Standing standing;
        std::optional<ledger::ComparisonId> account;
    };
    std::vector<Gone> gone_;
    std::optional<ledger::ComparisonId> account_;  ///< of the record at hand
    std::vector<Change> changes_;
    CompareOutcome outcome_;

  public:
    /// What is not deletion is written even when deletions are suspended.
    Status finish_without_deletions() { return finish(); }
};

bool exceeds(std::int64_t part, std::int64_t whole, int percent) { return part * 100 > whole * percent; }

Failure held_for_drop(const config::Insurer& insurer, const spec::RecordKind& kind, std::int64_t before,
                      std::int64_t now) {
    return fail(ErrorCode::needs_person,
                tr("insurer {}, {}: the source has {} rows, at the last run it had {}: nothing was sent",
                   insurer.number.value(), kind.id, now, before))
        .remedy(tr("find out why rows are missing; if that is right, run again with --accept-drop"));
}

/// What changed since the last complete comparison, in words; empty when nothing did.
std::string changed_fingerprints(const ledger::Baseline& before, const ledger::Baseline& now) {
    std::string out;
    const auto add = [&](bool changed, const std::string& what) {
        if (changed) out += (out.empty() ? "" : ", ") + what;
    };
    add(before.mapping != now.mapping, tr("the mapping"));
    add(before.spec != now.spec, tr("the interface specification"));
    add(before.digest_key != now.digest_key, tr("the digest key"));
    return out;
}

}  // namespace

Result<CompareOutcome> compare_kind(Gateway& gateway, Ledger& ledger, Exchange* exchange,
                                    const config::Insurer& insurer, const spec::RecordKind& kind,
                                    ledger::RunId run, const CompareOptions& options, Tally& tally) {
    KAIGO_TRY(const OpenSource* source, gateway.source(insurer.source));
    const mapping::KindPlan* plan = source->plan->kind(kind.id);
    if (plan == nullptr)
        return fail(ErrorCode::bad_mapping, tr("the mapping has no record kind \"{}\"", kind.id))
            .at(source->plan->file())
            .remedy(tr("add it, or leave the kind out of the insurer's record_kinds"));
    KAIGO_TRY(const auto snapshot, source->source->snapshot());
    const auto insurer_id = ledger.insurer(insurer.number.value());
    const auto kind_id = ledger.kind(kind.id);
    const config::Safety& safety = gateway.config().safety;

    ledger::Baseline now;
    now.mapping = source->plan->fingerprint();
    now.spec = gateway.specification().fingerprint();
    now.digest_key = gateway.keys().id;
    const auto before = ledger.baseline(insurer_id, kind_id);
    KAIGO_TRY(now.rows_read, snapshot->count(plan->query.sql, insurer.number));
    const bool whole = !options.only;
    if (whole && before && !options.accept_drop &&
        exceeds(before->rows_read - now.rows_read, before->rows_read, safety.drop_percent))
        return held_for_drop(insurer, kind, before->rows_read, now.rows_read);

    bool sort = plan->sort;
    const std::string changed = before ? changed_fingerprints(*before, now) : "";
    if (whole && exchange != nullptr && !changed.empty() && !options.accept_resend) {
        KAIGO_TRY(const auto rows, open_ordered_rows(gateway, *plan, *snapshot, insurer, true));
        Pass counting(gateway, ledger, nullptr, insurer, kind, options);
        KAIGO_CHECK(counting.run(*rows, std::nullopt, now.rows_read));
        if (exceeds(counting.would_resend(), now.rows_read, safety.resend_percent))
            return fail(ErrorCode::needs_person,
                        tr("insurer {}, {}: {} changed since the last run, and {} of {} records would be "
                           "sent again: "
                           "nothing was sent",
                           insurer.number.value(), kind.id, changed, counting.would_resend(), now.rows_read))
                .remedy(
                    tr("compare with validate-mapping; if that is right, run again with --accept-resend"));
    }

    for (;;) {
        KAIGO_TRY(const auto rows,
                  open_ordered_rows(gateway, *plan, *snapshot, insurer, sort || exchange == nullptr));
        Pass pass(gateway, ledger, exchange, insurer, kind, options);
        std::optional<ledger::ComparisonId> comparison;
        if (exchange != nullptr)
            comparison = ledger.start_comparison(run, insurer_id, kind_id, whole ? "all" : "owed");
        const auto outcome = pass.run(*rows, comparison, now.rows_read);
        tally.my_numbers_read += rows->my_numbers_read;
        // What was decided before the failure stays decided; the account of a broken read is told as broken.
        const auto failed = [&](const Error& error) -> tl::unexpected<Error> {
            if (comparison) ledger.finish_comparison(*comparison, pass.outcome().left, "failed", false);
            return tl::unexpected(error);
        };
        if (!outcome) {
            static_cast<void>(pass.finish_without_deletions());
            return failed(outcome.error());
        }
        const bool dropped =
            whole && before && !options.accept_drop &&
            exceeds(before->rows_read - outcome->left.read, before->rows_read, safety.drop_percent);
        const bool deletions = outcome->complete && !dropped;
        if (const auto ended = deletions ? pass.remove_gone() : pass.finish_without_deletions(); !ended)
            return failed(ended.error());
        tally.rejected += outcome->new_rejected;
        if (comparison)
            ledger.finish_comparison(*comparison, pass.outcome().left,
                                     rows->out_of_order  ? "restarted-sorted"
                                     : outcome->stopped  ? "stopped"
                                     : outcome->complete ? "done"
                                                         : "unreadable-keys",
                                     outcome->complete);
        if (rows->out_of_order && !sort) {
            gateway.world().err
                << tr("note: {} does not come in key order; it is sorted on disk (write \"order: sort\" "
                      "in the mapping)",
                      kind.id)
                << '\n';
            sort = true;
            continue;
        }
        if (rows->unreadable > 0) {
            ++tally.rejected;
            gateway.world().err
                << tr("warning: {}: the key of {} rows cannot be read; no deletions in this run", kind.id,
                      rows->unreadable)
                << '\n';
        }
        if (whole && outcome->complete && exchange != nullptr) ledger.set_baseline(insurer_id, kind_id, now);
        return pass.outcome();
    }
}

}  // namespace kaigo::jobs
