#include "jobs/sync/outbound/compare.h"

#include <algorithm>

#include "base/i18n.h"
#include "jobs/sync/outbound/judge.h"
#include "jobs/sync/outbound/pass.h"
#include "jobs/words/words.h"
#include "spec/record.h"

namespace kaigo::jobs {

using ledger::ComparisonEnd;
using ledger::SharedLedger;

namespace {

/// A pass over a few keys also reads all rows, and sends none of the keys from a source that cannot be
/// believed. How many of the few change says nothing; how many records are gone follows from the row count
/// alone.
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

/// Compares one kind, in as many passes as it takes. One is enough when the rows come in order and the
/// changes are few and believable.
class Comparison {
  public:
    Comparison(JobContext& context, SharedLedger& ledger, Exchange* exchange, const config::Insurer& insurer,
               const spec::RecordKind& kind, ledger::RunId run, const CompareOptions& options, Tally& tally,
               Observer& observer)
        : context_(context),
          ledger_(ledger),
          exchange_(exchange),
          insurer_(insurer),
          kind_(kind),
          run_(run),
          options_(options),
          tally_(tally),
          observer_(observer),
          insurer_id_(ledger->ensure_insurer(insurer.number.value())),
          kind_id_(ledger->ensure_kind(kind.id)),
          before_(ledger->baseline(insurer_id_, kind_id_)),
          whole_(!options.only),
          judged_(options.judged),
          counted_(options.judged) {}

    Result<CompareOutcome> run() {
        KAIGO_TRY(const OpenSource* source, context_.source(insurer_.source));
        source_ = source;
        plan_ = source->plan->kind(kind_.id);
        if (plan_ == nullptr)
            return fail(ErrorCode::bad_mapping, tr("the mapping has no record kind \"{}\"", kind_.id))
                .at(source->plan->file())
                .remedy(tr("add it, or leave the kind out of the insurer's record_kinds"));
        // One state for three threads: this one, the one that maps, the one that reads the main rows.
        KAIGO_TRY(views_, source->source->snapshots(3));
        sort_ = plan_->sort;
        now_.mapping = source->plan->fingerprint();
        now_.spec = context_.specification().fingerprint();
        now_.digest_key = context_.keys().id;
        if (before_ && whole_) changed_inputs_ = changed_fingerprints(*before_, now_);
        // Under another key every digest looks changed: count first, before anything waits in memory.
        count_first_ = exchange_ != nullptr && !changed_inputs_.empty() && !options_.accept_resend;
        for (;;) {
            KAIGO_TRY(auto outcome, pass());
            if (outcome) return *std::move(outcome);
        }
    }

  private:
    /// @return nothing: another pass is needed
    Result<std::optional<CompareOutcome>> pass() {
        const bool live = exchange_ != nullptr && !count_first_;
        KAIGO_TRY(auto rows, open_ordered_rows(context_, *plan_, {*views_[1], *views_[2]}, insurer_, sort_));
        const Date today = japan_date(clock().now());
        Pass pass(context_, ledger_,
                  {insurer_, *plan_, views_,
                   EvidenceCursor(source_->plan->evidence(), *views_[0], insurer_.number, today),
                   live ? exchange_ : nullptr},
                  options_, counted_ ? Pass::Release::on_the_way : Pass::Release::at_the_end, observer_);
        comparison_.reset();
        if (live)
            comparison_ = ledger_->start_comparison(run_, insurer_id_, kind_id_, whole_ ? "all" : "owed");
        const auto outcome = pass.run(*rows, comparison_);
        tally_.my_numbers_read += rows->counts.my_numbers_read;
        if (!outcome) {
            KAIGO_CHECK(pass.give_up());
            // The account of a broken read is told as broken.
            ended(ComparisonEnd::failed, pass.outcome().left, false);
            return tl::unexpected(outcome.error());
        }
        if (rows->out_of_order && !sort_) {
            KAIGO_CHECK(give_up(pass, ComparisonEnd::restarted_sorted));
            observer_.note(Observer::Kind::note,
                           tr("{} does not come in key order; it is sorted on disk (write \"order: sort\" in "
                              "the mapping)",
                              kind_.id));
            sort_ = true;
            return std::nullopt;
        }
        if (outcome->too_much) {
            KAIGO_CHECK(give_up(pass, ComparisonEnd::restarted_counted));
            count_first_ = true;
            return std::nullopt;
        }
        if (outcome->stopped && !(live && counted_)) {
            KAIGO_CHECK(give_up(pass, ComparisonEnd::stopped));
            CompareOutcome nothing = *outcome;
            nothing.left = {};
            return nothing;
        }
        KAIGO_CHECK(judge(pass, *outcome));
        if (count_first_) {
            count_first_ = false;
            judged_ = counted_ = true;
            return std::nullopt;
        }
        // Reading is over: the core system may write again while the rest goes out.
        rows.reset();
        views_.clear();
        return finish(pass, *outcome);
    }

    /// Fails when a person must say whether what was read may go out.
    Status judge(Pass& pass, const CompareOutcome& outcome) {
        if (judged_) return {};
        const bool required = std::ranges::any_of(context_.specification().kinds(), [&](const auto& other) {
            return other->requires_kind == kind_.id;
        });
        const auto objections = Judge(context_.config().safety, before_,
                                      {options_.accept_drop, options_.accept_change, options_.accept_resend})
                                    .objections(reading_of(outcome, whole_, required), changed_inputs_);
        if (objections.empty()) return {};
        Error waits = waits_for_person(insurer_.number, kind_.id, objections);
        if (exchange_ == nullptr) {
            observer_.note(Observer::Kind::note, waits.text());
            return {};
        }
        ledger_->suspend(insurer_id_, kind_id_, attention_of(objections), clock().now());
        KAIGO_CHECK(pass.give_up());
        ended(ComparisonEnd::held, outcome.left, false);
        return tl::unexpected(std::move(waits));
    }

    Result<std::optional<CompareOutcome>> finish(Pass& pass, const CompareOutcome& outcome) {
        now_.rows_read = outcome.left.read;
        now_.contents = outcome.contents;
        // The drop guard counts the rows that the source has now, so a targeted pass deletes no more than a
        // whole one would.
        const bool dropped = before_ && !options_.accept_drop &&
                             drops(context_.config().safety, outcome.seen, before_->rows_read);
        if (const auto done = pass.end(outcome.complete && !dropped); !done) {
            ended(ComparisonEnd::failed, pass.outcome().left, false);
            return tl::unexpected(done.error());
        }
        tally_.rejected += pass.outcome().new_rejected;
        ended(outcome.stopped    ? ComparisonEnd::stopped
              : outcome.complete ? ComparisonEnd::done
                                 : ComparisonEnd::unreadable_keys,
              pass.outcome().left, outcome.complete);
        tell_evidence_trouble(pass.evidence_trouble());
        if (whole_ && !outcome.stopped) tell_findings(pass, outcome);
        if (whole_ && outcome.complete && exchange_ != nullptr) {
            // Evidence is read only on days with cases: otherwise keep the last count.
            if (before_ && !now_.contents.contains(contents::kEvidence) &&
                before_->contents.contains(contents::kEvidence))
                now_.contents[contents::kEvidence] = before_->contents.at(contents::kEvidence);
            ledger_->set_baseline(insurer_id_, kind_id_, now_);
        }
        return pass.outcome();
    }

    Status give_up(Pass& pass, ComparisonEnd how) {
        KAIGO_CHECK(pass.give_up());
        ended(how, {}, false);
        return {};
    }

    void ended(ComparisonEnd how, const ledger::Accounting& left, bool complete) {
        if (comparison_) ledger_->finish_comparison(*comparison_, left, how, complete);
    }

    void tell_evidence_trouble(const std::string& trouble) {
        if (trouble.empty()) return;
        ++tally_.alarms;
        observer_.note(Observer::Kind::warning, tr("{}; it moves no case", trouble));
        context_.environment().tell("evidence-unreadable",
                                    {{"insurer", insurer_.number.value()}, {"detail", trouble}});
        if (exchange_ != nullptr) ledger_->alarm(insurer_id_, "evidence-unreadable", trouble, clock().now());
    }

    /// What a reading that went through leaves for a person to see to.
    void tell_findings(const Pass& pass, const CompareOutcome& outcome) {
        std::vector<ledger::Attention> attention;
        if (auto orphans = tell_orphans(outcome)) attention.push_back(*std::move(orphans));
        std::vector<std::string> withheld;
        if (outcome.unreadable > 0) {
            ++tally_.rejected;
            withheld = pass.gone_keys();
            const std::string text =
                tr("the key of {} rows cannot be read: no deletions; {} records without a row stay on the "
                   "platform{}",
                   outcome.unreadable, withheld.size(), some_keys(withheld));
            observer_.note(Observer::Kind::warning, kind_.id + ": " + text);
            attention.push_back({ledger::attention::kDeletionsWithheld, outcome.unreadable, text});
        }
        if (comparison_) {
            if (outcome.complete) {
                std::vector<ledger::QueryRows> queries;
                queries.reserve(outcome.children.size());
                for (const mapping::ChildCount& child : outcome.children)
                    queries.push_back({child.name, child.rows, child.orphans});
                ledger_->note_queries(*comparison_, queries);
            }
            ledger_->withhold(insurer_id_, kind_id_, withheld);
        }
        if (exchange_ != nullptr) ledger_->set_attention(insurer_id_, kind_id_, attention, clock().now());
    }

    /// Rows of child queries that belong to no record.
    std::optional<ledger::Attention> tell_orphans(const CompareOutcome& outcome) {
        ledger::Attention out{ledger::attention::kOrphans, 0, ""};
        for (const mapping::ChildCount& child : outcome.children) {
            if (child.orphans == 0) continue;
            ++tally_.alarms;
            out.records += child.orphans;
            out.detail += (out.detail.empty() ? "" : "; ") + orphans_in_words(child);
            observer_.note(Observer::Kind::warning, kind_.id + ": " + orphans_in_words(child));
        }
        if (out.records == 0) return std::nullopt;
        return out;
    }

    std::string some_keys(const std::vector<std::string>& keys) const {
        constexpr std::size_t kShown = 5;
        std::string out;
        for (std::size_t i = 0; i < std::min(kShown, keys.size()); ++i)
            out += (i == 0 ? " (" : ", ") + spec::describe_key(kind_, keys[i]);
        if (!out.empty()) out += keys.size() > kShown ? ", …)" : ")";
        return out;
    }

    Clock& clock() const { return context_.environment().clock; }

    JobContext& context_;
    SharedLedger& ledger_;
    Exchange* exchange_;  ///< null: a dry run
    const config::Insurer& insurer_;
    const spec::RecordKind& kind_;
    ledger::RunId run_;
    const CompareOptions& options_;
    Tally& tally_;
    Observer& observer_;
    ledger::InsurerId insurer_id_;
    ledger::KindId kind_id_;
    std::optional<ledger::Baseline> before_;
    ledger::Baseline now_;
    std::string changed_inputs_;  ///< since the last time, in words
    bool whole_;                  ///< not only some keys
    const OpenSource* source_ = nullptr;
    const mapping::KindPlan* plan_ = nullptr;
    std::vector<std::unique_ptr<source::Snapshot>> views_;  ///< of one state of the source
    std::optional<ledger::ComparisonId> comparison_;

    // Of the next pass.
    bool sort_ = false;
    bool judged_;
    bool counted_;  ///< what goes out need not wait for the last row
    bool count_first_ = false;
};

}  // namespace

Result<CompareOutcome> compare_kind(JobContext& context, SharedLedger& ledger, Exchange* exchange,
                                    const config::Insurer& insurer, const spec::RecordKind& kind,
                                    ledger::RunId run, const CompareOptions& options, Tally& tally,
                                    Observer& observer) {
    return Comparison(context, ledger, exchange, insurer, kind, run, options, tally, observer).run();
}

}  // namespace kaigo::jobs
