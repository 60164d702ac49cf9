#include "jobs/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <ostream>

#include "base/i18n.h"
#include "jobs/ordered_rows.h"
#include "mapping/evidence.h"

namespace kaigo::jobs {

using ledger::Accounting;
using ledger::Change;
using ledger::Entry;
using ledger::LedgerReader;
using ledger::SharedLedger;
using registration::Decision;
using registration::SourceRow;
using registration::Standing;
using registration::Term;

namespace {

constexpr std::size_t kChangesAtOnce = 5'000;
/// Of what is held back until it is clear that the source has not lost its rows.
constexpr std::size_t kHeldBackBytes = 16U << 20;
constexpr std::size_t kHeldBackChanges = 50'000;

/// What the source says of single persons, opened when it is first asked. Evidence that cannot be read moves
/// no case and stops nothing else.
class EvidenceCursor {
  public:
    EvidenceCursor(const mapping::KindPlan* plan, source::Snapshot& snapshot, const InsurerNumber& insurer,
                   const Date& today)
        : plan_(plan), snapshot_(snapshot), insurer_(insurer), today_(today) {}

    /// Nothing when no evidence is mapped, or this person's cannot be read: then what was known stays.
    std::optional<registration::Evidence> of(std::string_view insured) {
        if (plan_ == nullptr || failure) return std::nullopt;
        if (!reader_) {
            auto opened = mapping::EvidenceReader::open(*plan_, snapshot_, insurer_, today_);
            if (!opened) return failed(opened.error());
            reader_ = std::move(*opened);
        }
        auto evidence = reader_->of(insured);
        if (!evidence) return failed(evidence.error());
        return std::move(*evidence);
    }

    /// Why evidence, or some of it, could not be read; empty: it could.
    std::string trouble() const {
        if (failure) return failure->text();
        return reader_ ? reader_->unreadable() : std::string();
    }

    std::optional<Error> failure;

  private:
    std::optional<registration::Evidence> failed(const Error& error) {
        failure = error;
        return std::nullopt;
    }

    const mapping::KindPlan* plan_;
    source::Snapshot& snapshot_;
    const InsurerNumber& insurer_;
    Date today_;
    std::unique_ptr<mapping::EvidenceReader> reader_;
};

bool exceeds(std::int64_t part, std::int64_t whole, int percent) { return part * 100 > whole * percent; }

Failure held_for_drop(const config::Insurer& insurer, const spec::RecordKind& kind, std::int64_t before,
                      std::int64_t now) {
    return fail(ErrorCode::needs_person,
                tr("insurer {}, {}: the source has {} rows, at the last run it had {}: nothing was sent",
                   insurer.number.value(), kind.id, now, before))
        .remedy(tr("find out why rows are missing; if that is right, run again with --accept-drop"));
}

/// One pass over source and ledger.
class Pass {
  public:
    Pass(Gateway& gateway, SharedLedger& ledger, Exchange* exchange, const config::Insurer& insurer,
         const spec::RecordKind& kind, const CompareOptions& options, EvidenceCursor evidence)
        : gateway_(gateway),
          ledger_(ledger),
          exchange_(exchange),
          insurer_(insurer),
          kind_(kind),
          options_(options),
          insurer_id_(ledger->insurer(insurer.number.value())),
          kind_id_(ledger->kind(kind.id)),
          known_(gateway.config().ledger, insurer_id_, kind_id_),
          evidence_(std::move(evidence)) {
        for (ledger::KnownCase& each : ledger->open_cases(insurer_id_, kind_id_))
            cases_.emplace(each.key, std::move(each));
        if (kind.requires_kind)
            prerequisite_.emplace(gateway.config().ledger, insurer_id_, ledger->kind(*kind.requires_kind));
        for (const auto& other : gateway.specification().kinds())
            has_dependants_ = has_dependants_ || other->requires_kind == kind.id;
        entry_ = known_.next();
    }

    /// Sends and writes nothing until so many rows were read that the source cannot have lost too many: on an
    /// ordinary day that is known without counting them first.
    /// @param before   rows that the last comparison read
    /// @param percent  of them may be missing
    /// @param count    counts the rows, for when more waits than is kept in memory
    void guard(std::int64_t before, int percent, std::function<Result<std::int64_t>()> count) {
        rows_before_ = before;
        rows_needed_ = before - before * percent / 100;
        count_ = std::move(count);
        guarded_ = rows_needed_ > 0;
    }

    /// @param comparison  nothing: only counts
    Result<CompareOutcome> run(OrderedRows& rows, std::optional<ledger::ComparisonId> comparison) {
        comparison_ = comparison;
        OrderedRow* held = nullptr;
        for (;;) {
            KAIGO_TRY(OrderedRow * row, rows.next());
            if (row == nullptr) break;
            ++outcome_.seen;
            const bool again = held != nullptr && held->key == row->key;
            // No row is looked at longer than until the next one: its bytes do not live on.
            if (held != nullptr && !again) KAIGO_CHECK(decide(*std::exchange(held, nullptr)));
            // Never between two rows of one key.
            if (held == nullptr && (gateway_.world().stop.stop_requested() || closed())) {
                outcome_.stopped = true;
                break;
            }
            if (options_.only && !options_.only->contains(row->key)) continue;
            ++outcome_.left.read;
            if (guarded_ && outcome_.left.read >= rows_needed_) KAIGO_CHECK(release());
            if (options_.progress != nullptr) options_.progress->read(outcome_.left.read);
            if (again) merge_duplicate(*held, *row);
            held = row;
        }
        if (held != nullptr) KAIGO_CHECK(decide(*held));
        const bool whole = !outcome_.stopped && !rows.out_of_order;
        if (guarded_ && whole) KAIGO_CHECK(release_if_enough(outcome_.seen + rows.counts.unreadable));
        while (whole && entry_ != nullptr) pass_over_entry();
        if (!options_.only) {
            outcome_.left.read += rows.counts.unreadable;
            outcome_.left.rejected += rows.counts.unreadable;
        }
        if (guarded_) outcome_.left = {};  // nothing of it was sent or written
        outcome_.complete = rows.counts.unreadable == 0 && !rows.out_of_order && !outcome_.stopped;
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
            step_.reset();
            stepped_.insert(key);
            if (standing.in_case && decision.next.state == registration::RecordState::absent) {
                step_ = begin_step(key);
                registration::move_case(step_->next, registration::CaseEvent::source_gone, "", step_->moves);
            }
            if (decision.send) {
                std::string canonical;
                spec::append_deletion(canonical, kind_, insurer_.number.value(), key,
                                      std::max<std::int64_t>(1, standing.acknowledged_history));
                KAIGO_CHECK(send(key, standing, decision, canonical, {}));
            } else {
                KAIGO_CHECK(change(key, standing, decision, FromRow{}));
            }
        }
        return finish();
    }

    std::string evidence_trouble() const { return evidence_.trouble(); }
    std::int64_t would_resend() const { return outcome_.left.changed; }
    const CompareOutcome& outcome() const { return outcome_; }

  private:
    struct FromRow {
        std::optional<Digest> my_number;
        std::optional<std::int64_t> consent;
    };

    bool closed() const {
        constexpr std::int64_t kEvery = 256;
        return exchange_ != nullptr && options_.pause_when_closed && outcome_.seen % kEvery == 0 &&
               !exchange_->may_send();
    }

    /// One more row of a key: it stands for those before it too.
    void merge_duplicate(const OrderedRow& before, OrderedRow& row) {
        const bool same =
            before.source.verdict == row.source.verdict && before.source.digest == row.source.digest;
        ++(same ? outcome_.left.duplicates : outcome_.left.rejected);
        row.source = before.source;
        if (same) return;
        // Different contents under one key: none can be believed.
        row.source.verdict = SourceRow::Verdict::unusable;
        row.source.reason = registration::reason::kDuplicateKey;
    }

    /// A record that was counted when it came to be owed, and is only read again, stays in that account.
    std::optional<ledger::ComparisonId> earlier_account() const {
        const Standing& known = entry_->standing;
        return known.needs_body || known.state == registration::RecordState::blocked ? entry_->comparison
                                                                                     : std::nullopt;
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
        // Digests under another key cannot be compared.
        same_key_ = known && entry_->digest_key == gateway_.keys().id;
        sent_number_ = same_key_ ? entry_->my_number : std::nullopt;
        known_consent_ = known ? entry_->consent : std::nullopt;
        const bool prerequisite =
            !prerequisite_ || prerequisite_->carries_dependants(spec::insured_number_of(row.key));
        if (row.source.verdict == SourceRow::Verdict::no_my_number) {
            const auto evidence = evidence_.of(row.key);
            const bool knew = standing.reason.starts_with(registration::reason::kMyNumberMissing);
            // Whom to ask stays known while the evidence cannot be read.
            row.source.reason =
                !evidence && knew
                    ? standing.reason
                    : registration::my_number_missing(evidence ? evidence->residence : std::string());
        }
        step_.reset();
        Decision decision = standing.in_case
                                ? decide_case(row, standing)
                                : registration::compare_present(row.source, standing, prerequisite);
        note_consent(row, standing, decision);
        account_ = known ? earlier_account() : std::nullopt;
        if (account_) decision.term = Term::waiting;
        if (known) entry_ = known_.next();
        count(decision);
        if (!decision.changes || !comparison_ || !decision.send) {
            if (!comparison_) {
                if (decision.send) plan_sending(row.canonical.size());
                return {};
            }
            if (decision.changes)
                return change(std::string(row.key), standing, decision, {row.my_number, row.consent});
            if (step_) steps_.push_back(std::move(*step_));
            return steps_.size() + verdicts_.size() >= kChangesAtOnce ? write_changes() : Status{};
        }
        std::string deletion;
        if (decision.next.owed == UpdateKind::remove)
            spec::append_deletion(deletion, kind_, insurer_.number.value(), row.key,
                                  std::max<std::int64_t>(1, standing.acknowledged_history));
        return send(row.key, standing, decision, deletion.empty() ? row.canonical : deletion,
                    {row.my_number, row.consent});
    }

    /// A dry run counts what would go out; a 削除 is small, and is not weighed.
    void plan_sending(std::size_t bytes) {
        const std::size_t size = bytes + Exchange::kRecordHeader;
        if (outcome_.requests == 0 || !planned_.has_room(size)) {
            planned_ = registration::BatchFill(exchange_limits());
            outcome_.bytes += static_cast<std::int64_t>(registration::BatchFill::kEnvelope);
            ++outcome_.requests;
        }
        planned_.add(size);
        outcome_.bytes += static_cast<std::int64_t>(size) + 1;
    }
    registration::BatchLimits exchange_limits() const {
        return {gateway_.config().platform.max_records, gateway_.config().platform.max_bytes};
    }

    /// The case's standing decides; what it learns and does goes into `step_`.
    Decision decide_case(const OrderedRow& row, const Standing& standing) {
        // What lands while this pass runs moves the case; the next comparison looks at it.
        if (standing.in_flight()) return registration::compare_present(row.source, standing, true);
        // After a change of the key a targeted pass knows of no difference; the whole one asks a person
        // first.
        if (options_.only && !same_key_ && standing.on_platform) {
            Decision later;
            later.term = Term::waiting;
            later.next = standing;
            return later;
        }
        ledger::CaseStep step = begin_step(row.key);
        if (auto evidence = evidence_.of(row.key)) step.next.seen = std::move(*evidence);
        registration::follow_evidence(step.next, step.moves);
        const bool number_changed = row.my_number && sent_number_ && row.my_number != sent_number_;
        Decision decision =
            registration::compare_in_case(row.source, standing, number_changed, step.next, step.moves);
        if (step.known.to_be_looked_at || step.next != step.known.pmh_case) step_ = std::move(step);
        return decision;
    }

    ledger::CaseStep begin_step(std::string_view key) const {
        const auto found = cases_.find(key);
        if (found == cases_.end()) throw std::logic_error("a record in a case has no open case");
        return {found->second, found->second.pmh_case, {}, true, "", ""};
    }

    void note_consent(const OrderedRow& row, const Standing& standing, const Decision& decision) {
        const bool told = standing.state == registration::RecordState::registered;
        if (comparison_ && told && !decision.changes && row.consent && row.consent != known_consent_)
            verdicts_.emplace_back(std::string(row.key), *row.consent);
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

    Status send(std::string_view key, const Standing& standing, const Decision& decision,
                std::string_view canonical, const FromRow& row) {
        ++outcome_.sent;
        ledger::Sending sending;
        sending.member = {std::string(key), "", decision.next.owed.value_or(UpdateKind::update)};
        sending.from = standing.state;
        sending.event = decision.event;
        sending.next = decision.next;
        // What the platform was sent stays known until another number goes there.
        if (sending.member.update_kind != UpdateKind::remove) sending.my_number = row.my_number;
        sending.consent = row.consent;
        sending.comparison = account_ ? account_ : comparison_;
        sending.case_step = ledger::maybe(std::exchange(step_, std::nullopt));
        if (!guarded_) return exchange_->add(kind_, std::move(sending), canonical);
        held_bytes_ += canonical.size() + sizeof(HeldBack);
        held_back_.push_back({std::move(sending), SecretBytes(std::string(canonical))});
        return held_bytes_ > kHeldBackBytes ? count_and_release() : Status{};
    }

    Status count_and_release() {
        KAIGO_TRY(const std::int64_t rows, count_());
        return release_if_enough(rows);
    }

    Status release_if_enough(std::int64_t rows) {
        if (rows < rows_needed_) return held_for_drop(insurer_, kind_, rows_before_, rows);
        return release();
    }

    Status release() {
        guarded_ = false;
        for (HeldBack& each : std::exchange(held_back_, {}))
            KAIGO_CHECK(exchange_->add(kind_, std::move(each.sending), each.canonical.view()));
        return changes_.size() + steps_.size() + verdicts_.size() >= kChangesAtOnce ? write_changes()
                                                                                    : Status{};
    }

    Status change(const std::string& key, const Standing& standing, const Decision& decision,
                  const FromRow& row) {
        // The number the platform was sent, and why it was told a consent so, stay what they are.
        const auto my_number = standing.in_case ? std::nullopt : row.my_number;
        const bool told = decision.next.state == registration::RecordState::registered;
        const auto consent = told || !decision.next.on_platform ? row.consent : std::nullopt;
        changes_.push_back({key, standing.state, decision.event, decision.next, decision.term, my_number,
                            account_, consent, ledger::maybe(std::exchange(step_, std::nullopt))});
        return changes_.size() >= kChangesAtOnce ? write_changes() : Status{};
    }

    Status write_changes() {
        if (guarded_)
            return changes_.size() + steps_.size() + verdicts_.size() > kHeldBackChanges ? count_and_release()
                                                                                         : Status{};
        ledger_->apply_changes(*comparison_, insurer_id_, kind_id_, gateway_.keys().id, changes_,
                               gateway_.world().clock.now());
        changes_.clear();
        ledger_->note_consents(insurer_id_, kind_id_, verdicts_);
        verdicts_.clear();
        ledger_->step_cases(steps_, gateway_.world().clock.now());
        steps_.clear();
        return {};
    }

    Status finish() {
        if (!comparison_) return {};
        // A targeted look at a row that is not there is over; the whole comparison sees to it.
        if (options_.only)
            for (const auto& [key, standing, account] : gone_)
                if (standing.in_case && !standing.in_flight() && !stepped_.contains(key))
                    steps_.push_back(begin_step(key));
        if (!guarded_) KAIGO_CHECK(write_changes());
        return exchange_->flush();
    }

    Gateway& gateway_;
    SharedLedger& ledger_;
    Exchange* exchange_;
    const config::Insurer& insurer_;
    const spec::RecordKind& kind_;
    const CompareOptions& options_;
    ledger::InsurerId insurer_id_;
    ledger::KindId kind_id_;
    LedgerReader known_;
    const Entry* entry_ = nullptr;
    std::optional<ledger::PrerequisiteReader> prerequisite_;
    bool has_dependants_ = false;
    std::optional<ledger::ComparisonId> comparison_;
    struct Gone {
        std::string key;
        Standing standing;
        std::optional<ledger::ComparisonId> account;
    };
    std::vector<Gone> gone_;
    std::set<std::string> stepped_;                ///< keys of them that a decision changed
    std::optional<ledger::ComparisonId> account_;  ///< of the record at hand
    std::vector<Change> changes_;
    EvidenceCursor evidence_;
    std::map<std::string, ledger::KnownCase, std::less<>> cases_;  ///< open ones, by key
    std::optional<ledger::CaseStep> step_;                         ///< of the record at hand
    std::vector<ledger::CaseStep> steps_;                          ///< that do nothing to their record
    std::vector<std::pair<std::string, std::int64_t>> verdicts_;   ///< of records that stay as they are
    struct HeldBack {
        ledger::Sending sending;
        SecretBytes canonical;
    };
    bool guarded_ = false;
    std::int64_t rows_before_ = 0;
    std::int64_t rows_needed_ = 0;
    std::function<Result<std::int64_t>()> count_;
    std::vector<HeldBack> held_back_;
    registration::BatchFill planned_{{}};
    std::size_t held_bytes_ = 0;
    bool same_key_ = false;                      ///< of the record at hand
    std::optional<Digest> sent_number_;          ///< of the record at hand
    std::optional<std::int64_t> known_consent_;  ///< of the record at hand
    CompareOutcome outcome_;

  public:
    /// What is not deletion is written even when deletions are suspended.
    Status finish_without_deletions() { return finish(); }
};

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

Result<CompareOutcome> compare_kind(Gateway& gateway, SharedLedger& ledger, Exchange* exchange,
                                    const config::Insurer& insurer, const spec::RecordKind& kind,
                                    ledger::RunId run, const CompareOptions& options, Tally& tally) {
    KAIGO_TRY(const OpenSource* source, gateway.source(insurer.source));
    const mapping::KindPlan* plan = source->plan->kind(kind.id);
    if (plan == nullptr)
        return fail(ErrorCode::bad_mapping, tr("the mapping has no record kind \"{}\"", kind.id))
            .at(source->plan->file())
            .remedy(tr("add it, or leave the kind out of the insurer's record_kinds"));
    // One state for three threads: this one, the one that maps, the one that reads the main rows.
    KAIGO_TRY(const auto snapshots, source->source->snapshots(3));
    source::Snapshot* const snapshot = snapshots[0].get();
    const SourceViews views{*snapshots[1], *snapshots[2]};
    const auto insurer_id = ledger->insurer(insurer.number.value());
    const auto kind_id = ledger->kind(kind.id);
    const config::Safety& safety = gateway.config().safety;

    ledger::Baseline now;
    now.mapping = source->plan->fingerprint();
    now.spec = gateway.specification().fingerprint();
    now.digest_key = gateway.keys().id;
    const auto before = ledger->baseline(insurer_id, kind_id);
    const bool whole = !options.only;
    const auto count = [&] { return snapshot->count(plan->query.sql, insurer.number); };

    const auto evidence = [&] {
        return EvidenceCursor(source->plan->evidence(), *snapshot, insurer.number,
                              japan_date(gateway.world().clock.now()));
    };
    bool sort = plan->sort;
    const std::string changed = before ? changed_fingerprints(*before, now) : "";
    if (whole && exchange != nullptr && !changed.empty() && !options.accept_resend) {
        KAIGO_TRY(const auto rows, open_ordered_rows(gateway, *plan, views, insurer, true));
        Pass counting(gateway, ledger, nullptr, insurer, kind, options, evidence());
        KAIGO_TRY(const CompareOutcome counted, counting.run(*rows, std::nullopt));
        if (exceeds(counting.would_resend(), counted.left.read, safety.resend_percent))
            return fail(ErrorCode::needs_person,
                        tr("insurer {}, {}: {} changed since the last run, and {} of {} records would be "
                           "sent again: "
                           "nothing was sent",
                           insurer.number.value(), kind.id, changed, counting.would_resend(),
                           counted.left.read))
                .remedy(
                    tr("compare with validate-mapping; if that is right, run again with --accept-resend"));
    }

    for (;;) {
        KAIGO_TRY(const auto rows,
                  open_ordered_rows(gateway, *plan, views, insurer, sort || exchange == nullptr));
        Pass pass(gateway, ledger, exchange, insurer, kind, options, evidence());
        std::optional<ledger::ComparisonId> comparison;
        if (exchange != nullptr)
            comparison = ledger->start_comparison(run, insurer_id, kind_id, whole ? "all" : "owed");
        if (whole && before && !options.accept_drop)
            pass.guard(before->rows_read, safety.drop_percent, count);
        const auto outcome = pass.run(*rows, comparison);
        tally.my_numbers_read += rows->counts.my_numbers_read;
        // What was decided before the failure stays decided; the account of a broken read is told as broken.
        const auto failed = [&](const Error& error) -> tl::unexpected<Error> {
            if (comparison) ledger->finish_comparison(*comparison, pass.outcome().left, "failed", false);
            return tl::unexpected(error);
        };
        if (!outcome) {
            static_cast<void>(pass.finish_without_deletions());
            return failed(outcome.error());
        }
        now.rows_read = outcome->left.read;
        // A targeted pass deletes no more than a whole one would: it goes by the rows that the source has
        // now.
        const bool dropped =
            before && !options.accept_drop &&
            exceeds(before->rows_read - outcome->seen, before->rows_read, safety.drop_percent);
        const bool deletions = outcome->complete && !dropped;
        if (const auto ended = deletions ? pass.remove_gone() : pass.finish_without_deletions(); !ended)
            return failed(ended.error());
        tally.rejected += outcome->new_rejected;
        if (comparison)
            ledger->finish_comparison(*comparison, pass.outcome().left,
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
        if (const std::string trouble = pass.evidence_trouble(); !trouble.empty()) {
            ++tally.alarms;
            gateway.world().err << tr("warning: {}; it moves no case", trouble) << '\n';
            gateway.world().tell("evidence-unreadable",
                                 {{"insurer", insurer.number.value()}, {"detail", trouble}});
            if (exchange != nullptr)
                ledger->alarm(insurer_id, "evidence-unreadable", trouble, gateway.world().clock.now());
        }
        if (rows->counts.unreadable > 0) {
            ++tally.rejected;
            gateway.world().err
                << tr("warning: {}: the key of {} rows cannot be read; no deletions in this run", kind.id,
                      rows->counts.unreadable)
                << '\n';
        }
        if (whole && outcome->complete && exchange != nullptr) ledger->set_baseline(insurer_id, kind_id, now);
        return pass.outcome();
    }
}

}  // namespace kaigo::jobs
