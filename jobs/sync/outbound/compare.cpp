#include "jobs/sync/outbound/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/i18n.h"
#include "jobs/runtime/ledger_store.h"
#include "jobs/sync/outbound/judge.h"
#include "jobs/sync/outbound/ordered_rows.h"
#include "jobs/words/words.h"
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
/// What is handed on together, once it is sure that it belongs to one state of the source.
constexpr std::size_t kSendingsAtOnce = 500;
constexpr std::int64_t kRowsBetweenSigns = 1'000;
/// Of what is held back until all rows were read and judged.
constexpr std::size_t kHeldBackBytes = 32U << 20;
constexpr std::size_t kHeldBackChanges = 100'000;

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
        return reader_ ? reader_->unreadable() : unreadable_;
    }

    /// It cannot be asked any more.
    /// @param whole  whether to read on to its end
    /// @return rows in all, where it was asked and read to its end
    std::optional<std::int64_t> close(bool whole) {
        std::optional<std::int64_t> rows;
        if (reader_ && !failure && whole) {
            if (const auto count = reader_->count_to_the_end())
                rows = *count;
            else
                failed(count.error());
        }
        if (reader_) unreadable_ = reader_->unreadable();
        reader_.reset();
        return rows;
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
    std::string unreadable_;
};

/// One pass over source and ledger.
class Pass {
  public:
    /// When what is decided goes out.
    enum class Release : std::uint8_t {
        on_the_way,  ///< stretch by stretch, once each is sure to belong to one state of the source
        at_the_end,  ///< when the caller has judged the whole reading
    };

    /// @param views  what is read, to be asked whether it is one state
    Pass(JobContext& context, SharedLedger& ledger, Exchange* exchange, const config::Insurer& insurer,
         const mapping::KindPlan& plan, const CompareOptions& options, EvidenceCursor evidence,
         Release release, const std::vector<std::unique_ptr<source::Snapshot>>& views, Observer& observer)
        : context_(context),
          ledger_(ledger),
          exchange_(exchange),
          insurer_(insurer),
          plan_(plan),
          kind_(*plan.kind),
          options_(options),
          insurer_id_(ledger->ensure_insurer(insurer.number.value())),
          kind_id_(ledger->ensure_kind(kind_.id)),
          known_(ledger_store(context.config()).records(insurer_id_, kind_id_)),
          evidence_(std::move(evidence)),
          release_(release),
          views_(&views),
          observer_(observer),
          withdrawals_(ledger->withdrawals(insurer_id_)) {
        for (ledger::KnownCase& each : ledger->open_cases(insurer_id_, kind_id_))
            cases_.emplace(each.key, std::move(each));
        if (kind_.requires_kind)
            prerequisite_.emplace(ledger_store(context.config())
                                      .prerequisites(insurer_id_, ledger->ensure_kind(*kind_.requires_kind)));
        for (const auto& other : context.specification().kinds())
            has_dependants_ = has_dependants_ || other->requires_kind == kind_.id;
        if (kind_.requires_kind) {
            of_person_.push_back(ledger->ensure_kind(*kind_.requires_kind));
            for (const auto& other : context.specification().kinds())
                if (other->requires_kind == kind_.requires_kind)
                    of_person_.push_back(ledger->ensure_kind(other->id));
        }
        entry_ = known_.next();
    }

    /// Reads to the end. What is to go out at the end waits for end().
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
            if (held == nullptr && must_stop()) {
                outcome_.stopped = true;
                break;
            }
            if (outcome_.too_much) break;
            if (options_.only && !options_.only->contains(row->key)) continue;
            ++outcome_.left.read;
            if (!options_.only && outcome_.left.read % kRowsBetweenSigns == 0) {
                // Asked for the time, the job shows that it lives.
                static_cast<void>(context_.environment().clock.now());
                observer_.read(outcome_.left.read);
            }
            if (again) merge_duplicate(*held, *row);
            held = row;
        }
        if (held != nullptr) KAIGO_CHECK(decide(*held));
        const bool whole = !outcome_.stopped && !outcome_.too_much && !rows.out_of_order;
        while (whole && entry_ != nullptr) pass_over_entry();
        outcome_.unreadable = rows.counts.unreadable;
        outcome_.seen += rows.counts.unreadable;
        if (!options_.only) {
            outcome_.left.read += rows.counts.unreadable;
            outcome_.left.rejected += rows.counts.unreadable;
        }
        outcome_.complete = rows.counts.unreadable == 0 && whole;
        outcome_.children = rows.counts.children;
        for (const auto& [path, count] : rows.counts.items) outcome_.contents[contents::kItem + path] = count;
        for (const mapping::ChildCount& child : rows.counts.children) {
            outcome_.contents[contents::kQuery + child.name] = child.rows;
            outcome_.contents[contents::kOrphans + child.name] = child.orphans;
        }
        if (const auto evidence = evidence_.close(whole)) outcome_.contents[contents::kEvidence] = *evidence;
        KAIGO_CHECK(verify());
        views_ = nullptr;  // nothing is read from now on
        return outcome_;
    }

    /// What was decided goes out, with deletions once the caller is content with the read.
    Status end(bool deletions) {
        if (deletions) KAIGO_CHECK(remove_gone());
        // A targeted look at a row that is not there is over; the whole comparison sees to it.
        if (comparison_ && options_.only)
            for (const auto& [key, standing, account, consent] : gone_)
                if (standing.in_case && !standing.in_flight() && !stepped_.contains(key))
                    steps_.push_back(begin_step(key));
        if (!comparison_) return {};
        KAIGO_CHECK(release());
        return exchange_->flush();
    }

    /// Nothing of what waits goes out; what has gone on the way is whole.
    Status give_up() {
        held_back_.clear();
        changes_.clear();
        steps_.clear();
        verdicts_.clear();
        return exchange_ == nullptr ? Status{} : exchange_->flush();
    }

    /// Records without a row that deletions would have taken.
    std::vector<std::string> gone_keys() const {
        std::vector<std::string> out;
        for (const auto& each : gone_)
            if (each.standing.on_platform && !each.standing.platform_owned) out.push_back(each.key);
        return out;
    }

    std::string evidence_trouble() const { return evidence_.trouble(); }
    const CompareOutcome& outcome() const { return outcome_; }

  private:
    struct FromRow {
        std::optional<Digest> my_number;
        std::optional<std::int64_t> consent;
    };

    Status remove_gone() {
        std::set<std::string, std::less<>> gone;
        for (const Gone& each : gone_) gone.insert(each.key);
        const auto is_gone = [&](ledger::KindId kind, std::string_view key) {
            return kind == kind_id_ && gone.contains(key);
        };
        for (auto& [key, standing, account, consent] : gone_) {
            // Without the withdrawal the platform would take the consent before it for granted. It goes with
            // its person and all the person's records, or for what the source says of the same day or later.
            const auto told = consent ? registration::ConsentVerdict::unpack(*consent) : std::nullopt;
            const bool guarded = told && told->reason == registration::ConsentReason::act_withdrawn &&
                                 !superseded(key, *told) &&
                                 ledger_->person_stays(insurer_id_, of_person_,
                                                       std::string(spec::insured_number_of(key)), is_gone);
            if (!guarded && standing.reason == registration::reason::kWithdrawnBefore) standing.owed.reset();
            // Whether dependants remain is known only after they were compared: the exchange releases it
            // then.
            Decision decision = registration::compare_gone(standing, has_dependants_);
            if (decision.send && guarded)
                decision = registration::hold_gone(standing, registration::reason::kWithdrawnBefore);
            if (!decision.changes) continue;
            if (decision.next.state == registration::RecordState::rejected) ++outcome_.new_rejected;
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
        return {};
    }

    /// Whether the source has, under another number, a withdrawal of this person of that day or later, or a
    /// consent after it.
    bool superseded(std::string_view key, const registration::ConsentVerdict& told) const {
        const auto found = in_source_.find(spec::insured_number_of(key));
        return found != in_source_.end() &&
               (found->second.withdrawn >= told.packed_day() || found->second.granted > told.packed_day());
    }

    /// The source is not held longer than the platform and the spool take what is read.
    bool must_stop() {
        constexpr std::int64_t kEvery = 256;
        if (context_.environment().stop.stop_requested()) return true;
        if (exchange_ == nullptr || outcome_.seen % kEvery != 0) return false;
        outcome_.spool_full = release_ == Release::on_the_way && !exchange_->has_room();
        return outcome_.spool_full || (options_.pause_when_closed && !exchange_->may_send());
    }

    /// Whether what was read so far is of one state of the source.
    Status verify() const {
        if (views_ == nullptr) return {};
        for (const auto& view : *views_) KAIGO_CHECK(view->verify());
        return {};
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

    static bool on_platform(const Standing& known) {
        return (known.on_platform || known.in_flight()) && !known.platform_owned;
    }

    void pass_over_entry() {
        const bool in_scope = !options_.only || options_.only->contains(entry_->key);
        const Standing& known = entry_->standing;
        const bool counts = on_platform(known);
        outcome_.known += counts ? 1 : 0;
        outcome_.gone += counts && (known.owed != UpdateKind::remove || known.then_create) ? 1 : 0;
        if (in_scope) gone_.push_back({entry_->key, entry_->standing, earlier_account(), entry_->consent});
        entry_ = known_.next();
    }

    Status decide(OrderedRow& row) {
        while (entry_ != nullptr && entry_->key < row.key) pass_over_entry();
        static const Standing kAbsent;
        const bool known = entry_ != nullptr && entry_->key == row.key;
        const Standing standing = known ? entry_->standing : kAbsent;
        outcome_.known += on_platform(standing) ? 1 : 0;
        // Digests under another key cannot be compared.
        same_key_ = known && entry_->digest_key == context_.keys().id;
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
        if (decision.send && grants_withdrawn(row, standing)) {
            row.source.verdict = SourceRow::Verdict::unusable;
            row.source.reason = registration::reason::kWithdrawnBefore;
            decision = registration::compare_present(row.source, standing, prerequisite);
        }
        remember_withdrawal(row);
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
            return steps_.size() + verdicts_.size() >= kChangesAtOnce ? hand_on() : Status{};
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
        return {context_.config().platform.max_records, context_.config().platform.max_bytes};
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

    /// A withdrawal that the platform was told does not end because the source has forgotten it.
    bool grants_withdrawn(const OrderedRow& row, const Standing& standing) const {
        if (!row.consent || standing.reason == registration::reason::kWithdrawalReleased) return false;
        const auto now = registration::ConsentVerdict::unpack(*row.consent);
        if (!now) return false;
        const auto told = standing.on_platform && known_consent_
                              ? registration::ConsentVerdict::unpack(*known_consent_)
                              : std::nullopt;
        // An application's consent is what counts now. An older act is history while the withdrawal after it
        // stands on the platform too.
        std::optional<Date> withdrawal;
        const auto found = withdrawals_.find(spec::insured_number_of(row.key));
        if (found != withdrawals_.end() &&
            (plan_.consent_on_application ||
             (!standing.on_platform && found->second.stands < found->second.told)))
            withdrawal = registration::ConsentVerdict::day_of(found->second.told);
        return registration::grants_withdrawn(*now, told, withdrawal);
    }

    void remember_withdrawal(OrderedRow& row) {
        if (!row.consent) return;
        const auto now = registration::ConsentVerdict::unpack(*row.consent);
        if (now && !plan_.consent_on_application && row.source.verdict == SourceRow::Verdict::usable) {
            InSource& person = in_source_[std::string(spec::insured_number_of(row.key))];
            if (now->reason == registration::ConsentReason::act_withdrawn)
                person.withdrawn = std::max(person.withdrawn, now->packed_day());
            else if (registration::is_granted(now->reason))
                person.granted = std::max(person.granted, now->packed_day());
        }
        if (now && known_consent_)
            row.consent =
                registration::remembered(*now, registration::ConsentVerdict::unpack(*known_consent_))
                    .packed();
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
        held_bytes_ += canonical.size() + sizeof(HeldBack);
        held_back_.push_back({std::move(sending), SecretBytes(std::string(canonical))});
        return held_back_.size() >= kSendingsAtOnce ? hand_on() : Status{};
    }

    /// What has gathered goes out, or waits for the end where that is agreed and it is not too much.
    Status hand_on() {
        if (release_ == Release::on_the_way || views_ == nullptr) return release();
        outcome_.too_much = held_bytes_ > kHeldBackBytes ||
                            changes_.size() + steps_.size() + verdicts_.size() > kHeldBackChanges;
        return {};
    }

    Status release() {
        KAIGO_CHECK(verify());
        for (HeldBack& each : std::exchange(held_back_, {}))
            KAIGO_CHECK(exchange_->add(kind_, std::move(each.sending), each.canonical.view()));
        held_bytes_ = 0;
        write_changes();
        return {};
    }

    Status change(const std::string& key, const Standing& standing, const Decision& decision,
                  const FromRow& row) {
        // The number the platform was sent, and why it was told a consent so, stay what they are.
        const auto my_number = standing.in_case ? std::nullopt : row.my_number;
        const bool told = decision.next.state == registration::RecordState::registered;
        const auto consent = told || !decision.next.on_platform ? row.consent : std::nullopt;
        changes_.push_back({key, standing.state, decision.event, decision.next, decision.term, my_number,
                            account_, consent, ledger::maybe(std::exchange(step_, std::nullopt))});
        return changes_.size() >= kChangesAtOnce ? hand_on() : Status{};
    }

    void write_changes() {
        ledger_->apply_changes(*comparison_, insurer_id_, kind_id_, context_.keys().id, changes_,
                               context_.environment().clock.now());
        changes_.clear();
        ledger_->note_consents(insurer_id_, kind_id_, verdicts_);
        verdicts_.clear();
        ledger_->step_cases(steps_, context_.environment().clock.now());
        steps_.clear();
    }

    JobContext& context_;
    SharedLedger& ledger_;
    Exchange* exchange_;
    const config::Insurer& insurer_;
    const mapping::KindPlan& plan_;
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
        std::optional<std::int64_t> consent;
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
    Release release_;
    const std::vector<std::unique_ptr<source::Snapshot>>* views_;  ///< null: reading has ended
    Observer& observer_;
    std::map<std::string, ledger::Withdrawal, std::less<>> withdrawals_;  ///< by person
    /// Latest days of acts that stand in the source, as ConsentVerdict::packed_day has them.
    struct InSource {
        std::int64_t withdrawn = 0, granted = 0;
    };
    std::map<std::string, InSource, std::less<>> in_source_;  ///< by person
    std::vector<ledger::KindId> of_person_;  ///< the kind that this one requires, and all that require it
    std::vector<HeldBack> held_back_;
    registration::BatchFill planned_{{}};
    std::size_t held_bytes_ = 0;
    bool same_key_ = false;                      ///< of the record at hand
    std::optional<Digest> sent_number_;          ///< of the record at hand
    std::optional<std::int64_t> known_consent_;  ///< of the record at hand
    CompareOutcome outcome_;
};

/// What a reading that went through leaves for a person to see to.
template <class Attend>
void tell_findings(SharedLedger& ledger, std::optional<ledger::ComparisonId> comparison,
                   const config::Insurer& insurer, const spec::RecordKind& kind, const Pass& pass,
                   const CompareOutcome& outcome, Tally& tally, Observer& observer, const Attend& attend) {
    std::vector<ledger::Attention> attention;
    std::vector<ledger::QueryRows> queries;
    std::string orphans;
    std::int64_t orphan_rows = 0;
    for (const mapping::ChildCount& child : outcome.children) {
        queries.push_back({child.name, child.rows, child.orphans});
        if (child.orphans == 0) continue;
        ++tally.alarms;
        orphan_rows += child.orphans;
        orphans += (orphans.empty() ? "" : "; ") + orphans_in_words(child);
        observer.note(Observer::Kind::warning, kind.id + ": " + orphans_in_words(child));
    }
    if (orphan_rows > 0) attention.push_back({ledger::attention::kOrphans, orphan_rows, orphans});
    std::vector<std::string> withheld;
    if (outcome.unreadable > 0) {
        ++tally.rejected;
        withheld = pass.gone_keys();
        constexpr std::size_t kShown = 5;
        std::string keys;
        for (std::size_t i = 0; i < std::min(kShown, withheld.size()); ++i)
            keys += (i == 0 ? " (" : ", ") + spec::describe_key(kind, withheld[i]);
        if (!keys.empty()) keys += withheld.size() > kShown ? ", …)" : ")";
        const std::string text =
            tr("the key of {} rows cannot be read: no deletions; {} records without a row stay on the "
               "platform{}",
               outcome.unreadable, withheld.size(), keys);
        observer.note(Observer::Kind::warning, kind.id + ": " + text);
        attention.push_back({ledger::attention::kDeletionsWithheld, outcome.unreadable, text});
    }
    if (comparison) {
        if (outcome.complete) ledger->note_queries(*comparison, queries);
        ledger->withhold(ledger->ensure_insurer(insurer.number.value()), ledger->ensure_kind(kind.id),
                         withheld);
    }
    attend(attention);
}

/// A pass over a few keys reads all rows too, and a source that cannot be believed sends none of them; how
/// many of them change says nothing, and how many are gone is known from the rows alone.
Reading reading_of(const CompareOutcome& outcome, bool whole, bool required) {
    const std::int64_t fewer = std::max<std::int64_t>(0, outcome.known - outcome.seen);
    return {outcome.seen,
            outcome.left.read,
            whole ? outcome.left.changed : 0,
            outcome.known,
            whole ? outcome.gone : fewer,
            required,
            outcome.children,
            outcome.contents};
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

Result<CompareOutcome> compare_kind(JobContext& context, SharedLedger& ledger, Exchange* exchange,
                                    const config::Insurer& insurer, const spec::RecordKind& kind,
                                    ledger::RunId run, const CompareOptions& options, Tally& tally,
                                    Observer& observer) {
    KAIGO_TRY(const OpenSource* source, context.source(insurer.source));
    const mapping::KindPlan* plan = source->plan->kind(kind.id);
    if (plan == nullptr)
        return fail(ErrorCode::bad_mapping, tr("the mapping has no record kind \"{}\"", kind.id))
            .at(source->plan->file())
            .remedy(tr("add it, or leave the kind out of the insurer's record_kinds"));
    // One state for three threads: this one, the one that maps, the one that reads the main rows.
    KAIGO_TRY(auto snapshots, source->source->snapshots(3));
    const auto insurer_id = ledger->ensure_insurer(insurer.number.value());
    const auto kind_id = ledger->ensure_kind(kind.id);
    const Environment& environment = context.environment();
    const config::Safety& safety = context.config().safety;

    ledger::Baseline now;
    now.mapping = source->plan->fingerprint();
    now.spec = context.specification().fingerprint();
    now.digest_key = context.keys().id;
    const auto before = ledger->baseline(insurer_id, kind_id);
    const bool whole = !options.only;
    const bool required = std::ranges::any_of(
        context.specification().kinds(), [&](const auto& other) { return other->requires_kind == kind.id; });
    const std::string changed = before && whole ? changed_fingerprints(*before, now) : "";

    const auto attend = [&](const std::vector<ledger::Attention>& attention) {
        if (exchange != nullptr)
            ledger->set_attention(insurer_id, kind_id, attention, environment.clock.now());
    };
    bool sort = plan->sort;
    bool judged = options.judged;
    bool counted = options.judged;  // what goes out need not wait for the last row
    // Digests under another key say that everything changed: it is counted before anything is held back.
    bool count_first = exchange != nullptr && !changed.empty() && !options.accept_resend;
    for (;;) {
        const bool live = exchange != nullptr && !count_first;
        KAIGO_TRY(auto rows,
                  open_ordered_rows(context, *plan, {*snapshots[1], *snapshots[2]}, insurer, sort));
        Pass pass(context, ledger, live ? exchange : nullptr, insurer, *plan, options,
                  EvidenceCursor(source->plan->evidence(), *snapshots[0], insurer.number,
                                 japan_date(environment.clock.now())),
                  counted ? Pass::Release::on_the_way : Pass::Release::at_the_end, snapshots, observer);
        std::optional<ledger::ComparisonId> comparison;
        if (live) comparison = ledger->start_comparison(run, insurer_id, kind_id, whole ? "all" : "owed");
        const auto outcome = pass.run(*rows, comparison);
        tally.my_numbers_read += rows->counts.my_numbers_read;
        const auto ended = [&](const char* how, const ledger::Accounting& left, bool complete) {
            if (comparison) ledger->finish_comparison(*comparison, left, how, complete);
        };
        // The account of a broken read is told as broken.
        const auto failed = [&](const Error& error) -> tl::unexpected<Error> {
            ended("failed", pass.outcome().left, false);
            return tl::unexpected(error);
        };
        if (!outcome) {
            KAIGO_CHECK(pass.give_up());
            return failed(outcome.error());
        }
        if (rows->out_of_order && !sort) {
            KAIGO_CHECK(pass.give_up());
            ended("restarted-sorted", {}, false);
            observer.note(Observer::Kind::note,
                          tr("{} does not come in key order; it is sorted on disk (write \"order: sort\" in "
                             "the mapping)",
                             kind.id));
            sort = true;
            continue;
        }
        if (outcome->too_much) {
            KAIGO_CHECK(pass.give_up());
            ended("restarted-counted", {}, false);
            count_first = true;
            continue;
        }
        if (outcome->stopped && !(live && counted)) {
            KAIGO_CHECK(pass.give_up());
            ended("stopped", {}, false);
            CompareOutcome nothing = *outcome;
            nothing.left = {};
            return nothing;
        }
        const auto objections =
            judged
                ? std::vector<Objection>()
                : Judge(safety, before, {options.accept_drop, options.accept_change, options.accept_resend})
                      .objections(reading_of(*outcome, whole, required), changed);
        if (!objections.empty()) {
            std::vector<ledger::Attention> attention;
            for (const Objection& each : objections) {
                const auto same = std::ranges::find(attention, each.code, &ledger::Attention::code);
                if (same == attention.end())
                    attention.push_back({each.code, each.records, each.text});
                else
                    same->detail += "; " + each.text;
            }
            if (exchange != nullptr) {
                ledger->hold(insurer_id, kind_id, attention, environment.clock.now());
                KAIGO_CHECK(pass.give_up());
                ended("held", outcome->left, false);
                return tl::unexpected(held(insurer.number, kind.id, objections));
            }
            observer.note(Observer::Kind::note, held(insurer.number, kind.id, objections).text());
        }
        if (count_first) {
            count_first = false;
            judged = counted = true;
            continue;
        }
        // Reading is over: the core system may write again while the rest goes out.
        rows.reset();
        snapshots.clear();
        now.rows_read = outcome->left.read;
        now.contents = outcome->contents;
        // A targeted pass deletes no more than a whole one would: it goes by the rows that the source has
        // now.
        const std::int64_t gone = before ? before->rows_read - outcome->seen : 0;
        const bool dropped =
            before && !options.accept_drop && holds(safety, gone, before->rows_read, safety.drop_percent);
        const bool deletions = outcome->complete && !dropped;
        if (const auto done = pass.end(deletions); !done) return failed(done.error());
        tally.rejected += pass.outcome().new_rejected;
        ended(outcome->stopped    ? "stopped"
              : outcome->complete ? "done"
                                  : "unreadable-keys",
              pass.outcome().left, outcome->complete);
        if (const std::string trouble = pass.evidence_trouble(); !trouble.empty()) {
            ++tally.alarms;
            observer.note(Observer::Kind::warning, tr("{}; it moves no case", trouble));
            environment.tell("evidence-unreadable",
                             {{"insurer", insurer.number.value()}, {"detail", trouble}});
            if (exchange != nullptr)
                ledger->alarm(insurer_id, "evidence-unreadable", trouble, environment.clock.now());
        }
        if (whole && !outcome->stopped)
            tell_findings(ledger, comparison, insurer, kind, pass, *outcome, tally, observer, attend);
        if (whole && outcome->complete && exchange != nullptr) {
            // Evidence is read on days with cases alone.
            if (before && !now.contents.contains(contents::kEvidence) &&
                before->contents.contains(contents::kEvidence))
                now.contents[contents::kEvidence] = before->contents.at(contents::kEvidence);
            ledger->set_baseline(insurer_id, kind_id, now);
        }
        return pass.outcome();
    }
}

}  // namespace kaigo::jobs
