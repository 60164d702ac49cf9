#include "jobs/sync/outbound/pass.h"

#include <algorithm>

#include "jobs/runtime/ledger_store.h"
#include "jobs/sync/outbound/judge.h"
#include "spec/record.h"

namespace kaigo::jobs {

using ledger::Accounting;
using ledger::Change;
using registration::Decision;
using registration::SourceRow;
using registration::Standing;
using registration::Term;

namespace {

constexpr std::int64_t kRowsBetweenSigns = 1'000;

bool on_platform(const Standing& known) {
    return (known.on_platform || known.in_flight()) && !known.platform_owned;
}

}  // namespace

Pass::Pass(JobContext& context, ledger::SharedLedger& ledger, Sides sides, const CompareOptions& options,
           Release release, Observer& observer)
    : context_(context),
      ledger_(ledger),
      exchange_(sides.exchange),
      insurer_(sides.insurer),
      kind_(*sides.plan.kind),
      options_(options),
      insurer_id_(ledger->ensure_insurer(insurer_.number.value())),
      kind_id_(ledger->ensure_kind(kind_.id)),
      known_(ledger_store(context.config()).records(insurer_id_, kind_id_)),
      consents_(context, ledger, insurer_id_, sides.plan),
      evidence_(std::move(sides.evidence)),
      release_(release),
      views_(&sides.views),
      observer_(observer) {
    for (ledger::KnownCase& each : ledger->open_cases(insurer_id_, kind_id_))
        cases_.emplace(each.key, std::move(each));
    if (kind_.requires_kind)
        prerequisite_.emplace(ledger_store(context.config())
                                  .prerequisites(insurer_id_, ledger->ensure_kind(*kind_.requires_kind)));
    for (const auto& other : context.specification().kinds())
        has_dependants_ = has_dependants_ || other->requires_kind == kind_.id;
    entry_ = known_.next();
}

Result<CompareOutcome> Pass::run(OrderedRows& rows, std::optional<ledger::ComparisonId> comparison) {
    comparison_ = comparison;
    OrderedRow* before = nullptr;
    for (;;) {
        KAIGO_TRY(OrderedRow * row, rows.next());
        if (row == nullptr) break;
        ++outcome_.seen;
        const bool again = before != nullptr && before->key == row->key;
        // Decide the previous row now: its bytes do not survive the next read.
        if (before != nullptr && !again) KAIGO_CHECK(decide(*std::exchange(before, nullptr)));
        // Never between two rows of one key.
        if (before == nullptr && must_stop()) {
            outcome_.stopped = true;
            break;
        }
        if (outcome_.too_much) break;
        if (options_.only && !options_.only->contains(row->key)) continue;
        ++outcome_.left.read;
        if (!options_.only && outcome_.left.read % kRowsBetweenSigns == 0) {
            // Asking for the time is the job's sign of life.
            static_cast<void>(context_.environment().clock.now());
            observer_.read(outcome_.left.read);
        }
        if (again) merge_duplicate(*before, *row);
        before = row;
    }
    if (before != nullptr) KAIGO_CHECK(decide(*before));
    const bool whole = !outcome_.stopped && !outcome_.too_much && !rows.out_of_order;
    while (whole && entry_ != nullptr) pass_over_entry();
    count_contents(rows, whole);
    KAIGO_CHECK(verify());
    views_ = nullptr;  // nothing is read from now on
    return outcome_;
}

void Pass::count_contents(const OrderedRows& rows, bool whole) {
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
}

Status Pass::end(bool deletions) {
    if (deletions) KAIGO_CHECK(remove_gone());
    // A targeted look that finds no row is finished; the whole comparison deals with the missing row.
    if (comparison_ && options_.only)
        for (const auto& [key, standing, account, consent] : gone_)
            if (standing.in_case && !standing.in_flight() && !stepped_.contains(key))
                consequences_.add(begin_step(key));
    if (!comparison_) return {};
    KAIGO_CHECK(hand_on());
    return exchange_->outbox().flush();
}

Status Pass::give_up() {
    consequences_.throw_away();
    return exchange_ == nullptr ? Status{} : exchange_->outbox().flush();
}

std::vector<std::string> Pass::gone_keys() const {
    std::vector<std::string> out;
    for (const auto& each : gone_)
        if (each.standing.on_platform && !each.standing.platform_owned) out.push_back(each.key);
    return out;
}

Status Pass::remove_gone() {
    std::set<std::string, std::less<>> gone;
    for (const Gone& each : gone_) gone.insert(each.key);
    const auto is_gone = [&](ledger::KindId kind, std::string_view key) {
        return kind == kind_id_ && gone.contains(key);
    };
    for (auto& [key, standing, account, consent] : gone_) {
        // Without the withdrawal the platform would count the earlier consent as granted. The withdrawal goes
        // only with its person and all the person's records, or when the source has a withdrawal of the same
        // day or later, or a later consent.
        const bool guarded = consents_.keeps(key, consent, is_gone);
        if (!guarded && standing.reason == registration::reason::kWithdrawnBefore) standing.owed.reset();
        // Whether dependants remain is known only once they are compared; the deletion is released then.
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

/// The source is not held while the platform or the spool takes nothing more.
bool Pass::must_stop() {
    constexpr std::int64_t kEvery = 256;
    if (context_.environment().stop.stop_requested()) return true;
    if (exchange_ == nullptr || outcome_.seen % kEvery != 0) return false;
    outcome_.spool_full = release_ == Release::on_the_way && !exchange_->outbox().has_room();
    return outcome_.spool_full || (options_.pause_when_closed && !exchange_->may_send());
}

/// Whether what was read so far is of one state of the source.
Status Pass::verify() const {
    if (views_ == nullptr) return {};
    for (const auto& view : *views_) KAIGO_CHECK(view->verify());
    return {};
}

/// One more row of a key: it stands for those before it too.
void Pass::merge_duplicate(const OrderedRow& before, OrderedRow& row) {
    const bool same =
        before.source.verdict == row.source.verdict && before.source.digest == row.source.digest;
    ++(same ? outcome_.left.duplicates : outcome_.left.rejected);
    row.source = before.source;
    if (same) return;
    // Different contents under one key: none can be believed.
    row.source.verdict = SourceRow::Verdict::unusable;
    row.source.reason = registration::reason::kDuplicateKey;
}

/// A record that is only read again stays in the account that counted it when it became owed.
std::optional<ledger::ComparisonId> Pass::earlier_account() const {
    const Standing& known = entry_->standing;
    return known.needs_body || known.state == registration::RecordState::blocked ? entry_->comparison
                                                                                 : std::nullopt;
}

void Pass::pass_over_entry() {
    const bool in_scope = !options_.only || options_.only->contains(entry_->key);
    const Standing& known = entry_->standing;
    const bool counts = on_platform(known);
    outcome_.known += counts ? 1 : 0;
    outcome_.gone += counts && (known.owed != UpdateKind::remove || known.then_create) ? 1 : 0;
    if (in_scope) gone_.push_back({entry_->key, entry_->standing, earlier_account(), entry_->consent});
    entry_ = known_.next();
}

Status Pass::decide(OrderedRow& row) {
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
        // While the evidence cannot be read, keep what was known about whom to ask.
        row.source.reason = !evidence && knew ? standing.reason
                                              : registration::my_number_missing(evidence ? evidence->residence
                                                                                         : std::string());
    }
    step_.reset();
    Decision decision = standing.in_case ? decide_case(row, standing)
                                         : registration::compare_present(row.source, standing, prerequisite);
    if (decision.send && consents_.grants_withdrawn(row, standing, known_consent_)) {
        row.source.verdict = SourceRow::Verdict::unusable;
        row.source.reason = registration::reason::kWithdrawnBefore;
        decision = registration::compare_present(row.source, standing, prerequisite);
    }
    consents_.remember(row, known_consent_);
    if (comparison_ && standing.state == registration::RecordState::registered && !decision.changes &&
        row.consent && row.consent != known_consent_)
        consequences_.add_consent(std::string(row.key), *row.consent);
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
        if (step_) consequences_.add(*std::move(step_));
        return hand_on_if_enough();
    }
    std::string deletion;
    if (decision.next.owed == UpdateKind::remove)
        spec::append_deletion(deletion, kind_, insurer_.number.value(), row.key,
                              std::max<std::int64_t>(1, standing.acknowledged_history));
    return send(row.key, standing, decision, deletion.empty() ? row.canonical : deletion,
                {row.my_number, row.consent});
}

/// Counts what a dry run would send. A 削除 is small, and its size is not counted.
void Pass::plan_sending(std::size_t bytes) {
    const std::size_t size = bytes + Outbox::kRecordHeader;
    if (outcome_.requests == 0 || !planned_.has_room(size)) {
        planned_ = registration::BatchFill(
            {context_.config().platform.max_records, context_.config().platform.max_bytes});
        outcome_.bytes += static_cast<std::int64_t>(registration::BatchFill::kEnvelope);
        ++outcome_.requests;
    }
    planned_.add(size);
    outcome_.bytes += static_cast<std::int64_t>(size) + 1;
}

/// The case's standing decides; what it learns and does goes into `step_`.
Decision Pass::decide_case(const OrderedRow& row, const Standing& standing) {
    // A result that lands during this pass moves the case: leave it to the next comparison.
    if (standing.in_flight()) return registration::compare_present(row.source, standing, true);
    // After a key change a targeted pass cannot tell what differs. Leave it to the whole comparison, which
    // asks a person first.
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

ledger::CaseStep Pass::begin_step(std::string_view key) const {
    const auto found = cases_.find(key);
    if (found == cases_.end()) throw std::logic_error("a record in a case has no open case");
    return {found->second, found->second.pmh_case, {}, true, "", ""};
}

void Pass::count(const Decision& decision) {
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

Status Pass::send(std::string_view key, const Standing& standing, const Decision& decision,
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
    consequences_.add(std::move(sending), canonical);
    return hand_on_if_enough();
}

Status Pass::change(const std::string& key, const Standing& standing, const Decision& decision,
                    const FromRow& row) {
    // Keep the number that the platform was sent, and why it was told this consent.
    const auto my_number = standing.in_case ? std::nullopt : row.my_number;
    const bool told = decision.next.state == registration::RecordState::registered;
    const auto consent = told || !decision.next.on_platform ? row.consent : std::nullopt;
    consequences_.add(Change{key, standing.state, decision.event, decision.next, decision.term, my_number,
                             account_, consent, ledger::maybe(std::exchange(step_, std::nullopt))});
    return hand_on_if_enough();
}

/// Hands on what has gathered, or keeps it for the end if so agreed and it is not too much.
Status Pass::hand_on_if_enough() {
    if (!consequences_.has_enough()) return {};
    if (release_ == Release::on_the_way || views_ == nullptr) return hand_on();
    outcome_.too_much = consequences_.is_too_much();
    return {};
}

Status Pass::hand_on() {
    KAIGO_CHECK(verify());
    return consequences_.hand_on({ledger_, exchange_->outbox(), kind_, insurer_id_, kind_id_, *comparison_,
                                  context_.keys().id, context_.environment().clock.now()});
}

}  // namespace kaigo::jobs
