#include "jobs/sync/run.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "base/i18n.h"
#include "base/store_failure.h"
#include "jobs/runtime/ledger_store.h"
#include "jobs/runtime/stores.h"
#include "jobs/sync/before_setup/pre_flight.h"
#include "jobs/sync/outbound/compare.h"
#include "jobs/sync/outbound/exchange.h"
#include "jobs/sync/proof/certify.h"
#include "jobs/sync/tasks.h"

namespace kaigo::jobs {

using ledger::RunEnd;
using ledger::SharedLedger;

namespace {

constexpr Duration kDailyWait{10 * 60'000};

class Run {
  public:
    Run(JobContext& context, const RunOptions& options, Stores& stores, Observer& observer)
        : context_(context),
          options_(options),
          stores_(stores),
          ledger_(stores.ledger()),
          environment_(context.environment()),
          observer_(observer) {}

    RunSummary run() {
        failpoint("run-begun");
        run_ =
            ledger_->start_run(options_.job, options_.insurer, environment_.actor, environment_.clock.now());
        environment_.tell("run-begun", fields({}));
        int status = 0;
        for (const config::Insurer& insurer : context_.config().insurers) {
            if (!options_.insurer.empty() && insurer.number.value() != options_.insurer) continue;
            // One insurer's failure never stops another.
            const int outcome = run_insurer(insurer);
            status = graver_exit_status(status, outcome);
        }
        close_accounts();
        if (accounts_open_) status = graver_exit_status(status, 70);
        if (status == 0 && tally_.needs_person()) status = 1;
        nothing_new_ = status == 0;
        if (status == 0 && something_to_do()) status = 1;
        if (!options_.dry_run && (sends_differences(options_.job))) ledger_->count_standing(run_);
        ledger_->end_run(run_, end_of(status), status, message_, environment_.clock.now());
        audit_end(status);
        tell_end(status);
        summary_.run = run_;
        summary_.exit_status = status;
        summary_.nothing_new = nothing_new_;
        return std::move(summary_);
    }

    Status begin_audit() {
        return audit("run-begin", {{"job", text_of(options_.job)}, {"insurer", options_.insurer}});
    }

  private:
    RunEnd end_of(int status) const {
        if (options_.dry_run) return RunEnd::dry_run;
        if (status == 0) return RunEnd::done;
        if (status == 1) return was_suspended_ ? RunEnd::held : RunEnd::needs_person;
        return status == info(ErrorCode::busy).exit_status ? RunEnd::later : RunEnd::failed;
    }

    void close_accounts() {
        for (const auto comparison : ledger_->close_accounts(run_)) {
            say_error(Error{ErrorCode::internal, tr("the sums of comparison {} do not close", comparison), "",
                            tr("report this to the vendor with: kaigo-gateway jobs {}", run_)});
            accounts_open_ = true;
        }
    }

    /// Whether the list of what a person must do, which every output shows, has something for this run. After
    /// a run that read the rows every entry counts, after another one only what a whole kind waits for.
    bool something_to_do() const {
        if (!had_work_ || options_.dry_run || options_.job == JobName::reconcile) return false;
        auto view = ledger_store(context_.config()).view();
        if (!view) return false;
        const bool compares = sends_differences(options_.job);
        return std::ranges::any_of(tasks_of(context_.specification(), *view, options_.insurer),
                                   [&](const Task& task) { return compares || task.withheld; });
    }

    Status audit(const std::string& event, const std::map<std::string, std::string>& details) {
        return stores_.audit(environment_.clock.now(), event, environment_.actor, details);
    }

    void audit_end(int status) {
        const auto written = audit("run-end", {{"job", text_of(options_.job)},
                                               {"run", std::to_string(run_)},
                                               {"exit", std::to_string(status)},
                                               {"records-sent", std::to_string(tally_.sent)},
                                               {"my-numbers-read", std::to_string(tally_.my_numbers_read)},
                                               {"my-numbers-sent", std::to_string(tally_.my_numbers_sent)}});
        if (!written) say_error(written.error());
    }

    observe::Fields fields(observe::Fields more) const {
        observe::Fields out{
            {"run", std::to_string(run_)}, {"job", text_of(options_.job)}, {"insurer", options_.insurer}};
        std::ranges::move(more, std::back_inserter(out));
        return out;
    }

    void tell_end(int status) const {
        const std::string how = status == 0                                   ? "ended"
                                : status == 1                                 ? "needs-person"
                                : status == info(ErrorCode::busy).exit_status ? "later"
                                                                              : "failed";
        environment_.tell("run-" + how, fields({{"exit", std::to_string(status)},
                                                {"sent", std::to_string(tally_.sent)},
                                                {"registered", std::to_string(tally_.registered)},
                                                {"deleted", std::to_string(tally_.deleted)},
                                                {"storedInError", std::to_string(tally_.stored_in_error)},
                                                {"rejected", std::to_string(tally_.rejected)}}));
    }

    void say_error(const Error& error) {
        environment_.tell("job-trouble", fields({{"code", info(error.code).name}, {"error", error.text()}}));
        observer_.note(Observer::Kind::error, error.text());
        if (!message_.empty()) message_ += "\n";
        message_ += error.message;
    }

    int run_insurer(const config::Insurer& insurer) {
        const auto outcome = attempt(insurer);
        if (outcome) return *outcome;
        was_suspended_ = was_suspended_ || outcome.error().code == ErrorCode::needs_person;
        say_error(outcome.error());
        return info(outcome.error().code).exit_status;
    }

    /// Whatever goes wrong with one insurer, the run goes on to its end. Only a failing ledger ends the
    /// process.
    Result<int> attempt(const config::Insurer& insurer) {
        try {
            return try_insurer(insurer);
        } catch (const ledger::Conflict&) {
            return fail(ErrorCode::busy, tr("insurer {}: someone changed a record while the job worked on it",
                                            insurer.number.value()))
                .remedy(tr("nothing is lost; the next run goes on from here"));
        } catch (const StoreFailure&) {
            throw;
        } catch (const std::exception& failure) {
            return fail(ErrorCode::internal, failure.what()).remedy(tr("report this to the vendor"));
        }
    }

    std::vector<const spec::RecordKind*> kinds(const config::Insurer& insurer) const {
        auto all = context_.kinds_of(insurer);
        if (!options_.kind.empty())
            std::erase_if(all, [&](const spec::RecordKind* kind) { return kind->id != options_.kind; });
        return all;
    }

    Result<int> try_insurer(const config::Insurer& insurer) {
        const auto id = ledger_->ensure_insurer(insurer.number.value());
        ledger_->interrupt(id, environment_.clock.now());
        auto setup = ledger_->setup(id);
        checked_ = false;
        suspended_.reset();
        const bool compares = sends_differences(options_.job);
        if (options_.job == JobName::initial_setup) {
            KAIGO_TRY(const bool go_on, prepare_setup(insurer, setup));
            if (!go_on) return 0;
        }
        had_work_ = true;
        if (options_.job == JobName::daily_sync && !options_.dry_run && !(setup && setup->completed))
            return fail(ErrorCode::needs_person,
                        setup
                            ? tr("insurer {}: the initial setup is not complete yet", insurer.number.value())
                            : tr("insurer {}: the initial setup has not been done", insurer.number.value()))
                .remedy(tr("run: kaigo-gateway run initial-setup --insurer {}", insurer.number.value()));
        if (options_.dry_run) return dry_run(insurer);
        if (options_.job == JobName::reconcile) return reconcile(insurer);

        KAIGO_TRY(const auto client, context_.client(insurer));
        // A certificate that is wrong now is wrong for every request: told before anything is read or
        // spooled.
        const auto reached = client->service_status();
        if (!reached && reached.error().code == ErrorCode::certificate_refused)
            return tl::unexpected(reached.error());
        Exchange exchange(context_, ledger_, stores_.spool(), *client, insurer, run_, tally_, observer_);
        setup = ledger_->setup(id);
        const WireNames& wire = context_.specification().wire();
        if (setup && !setup->completed) exchange.set_mode(wire.value("mode_initial"), setup->base_date);

        KAIGO_CHECK(exchange.look_for_forgotten());
        const auto deadline = wait_deadline();
        const auto read_again = [&]() -> Result<bool> { return read_owed(insurer, exchange); };
        if (compares) {
            // What earlier runs left is settled first, as far as it can be now.
            KAIGO_TRY(const bool settled, settle_quietly(exchange, environment_.clock.now(), read_again));
            static_cast<void>(settled);
            // A setup that was already compared is compared again if it then met a source that cannot be
            // believed.
            if (options_.job == JobName::daily_sync || !setup->compared ||
                ledger_->is_suspended(id, std::nullopt))
                KAIGO_CHECK(compare_all(insurer, exchange, deadline, read_again));
            if (stopped_) {
                exchange.drain();
                return stopped_status();
            }
            if (options_.job == JobName::initial_setup && options_.kind.empty() && !suspended_)
                ledger_->setup_compared(id, environment_.clock.now());
        }
        KAIGO_TRY(bool settled, settle_quietly(exchange, deadline, read_again));
        if (compares && settled) {
            // Read the cases that this run opened: often what the source says of them is enough for a step.
            KAIGO_TRY(const bool sent, read_owed(insurer, exchange, true));
            if (sent) {
                KAIGO_TRY(settled, settle_quietly(exchange, deadline, read_again));
            }
        }
        if (setup && !setup->completed && ledger_->setup_settled(id)) {
            KAIGO_CHECK(reconcile(insurer));
            ledger_->complete_setup(id, environment_.clock.now());
        }
        if (environment_.stop.stop_requested()) return stopped_status();
        // What went out before a kind was held has settled.
        if (auto held = std::exchange(suspended_, std::nullopt)) return tl::unexpected(*std::move(held));
        if (!settled && trouble_) return tl::unexpected(*trouble_);
        if (!settled) KAIGO_CHECK(reachable(*client));
        if (!settled && options_.job == JobName::initial_setup) return 75;
        return 0;
    }

    int stopped_status() {
        message_ = tr("stopped; the same command goes on from here");
        observer_.note(Observer::Kind::plain, message_);
        return 75;
    }

    /// Tells why records may still be owed: the platform is away, or closed.
    Status reachable(platform::PlatformClient& client) const {
        KAIGO_TRY(const platform::ServiceStatus status, client.service_status());
        if (status.open) return {};
        return fail(ErrorCode::platform_closed, tr("the platform is closed {}", status.reopens_at))
            .at(context_.config().platform.url)
            .remedy(tr("nothing is lost; it is tried again"));
    }

    /// Settles. A platform that cannot be reached in time does not end the run: what is owed stays owed.
    Result<bool> settle_quietly(Exchange& exchange, std::optional<Instant> deadline,
                                const std::function<Result<bool>()>& read_again) {
        auto settled = exchange.settle(deadline, read_again);
        trouble_.reset();
        if (settled || !info(settled.error().code).retryable) return settled;
        trouble_ = settled.error();
        return false;
    }

    std::optional<Instant> wait_deadline() const {
        if (options_.wait) return environment_.clock.now() + *options_.wait;
        if (options_.job == JobName::initial_setup) return std::nullopt;
        if (options_.job == JobName::daily_sync) return environment_.clock.now() + kDailyWait;
        return environment_.clock.now();
    }

    CompareOptions compare_options() const {
        CompareOptions out;
        out.accept_drop = options_.accept_drop;
        out.accept_change = options_.accept_change;
        out.accept_resend = options_.accept_resend;
        return out;
    }

    Status compare_all(const config::Insurer& insurer, Exchange& exchange, std::optional<Instant> deadline,
                       const std::function<Result<bool>()>& read_again) {
        const auto wanted = kinds(insurer);
        for (const spec::RecordKind* kind : wanted) {
            observer_.begin(insurer.number.value(), kind->id, expected_rows(insurer, *kind), tally_);
            auto compared = compare_when_open(insurer, *kind, exchange, read_again);
            if (!compared && compared.error().code == ErrorCode::needs_person) {
                // The source cannot be believed now: the kinds behind this one wait too.
                suspended_ = compared.error();
                observer_.end();
                return {};
            }
            if (!compared || stopped_) {
                observer_.end();
                return compared;
            }
            const bool awaited =
                std::any_of(wanted.begin(), wanted.end(),
                            [&](const spec::RecordKind* other) { return other->requires_kind == kind->id; });
            if (awaited) {
                KAIGO_TRY(const bool settled, settle_quietly(exchange, deadline, read_again));
                static_cast<void>(settled);
            }
            observer_.end();
        }
        return {};
    }

    /// One kind to its end. An initial setup has time: it waits for the platform, and for the next night.
    Status compare_when_open(const config::Insurer& insurer, const spec::RecordKind& kind, Exchange& exchange,
                             const std::function<Result<bool>()>& read_again) {
        CompareOptions options = compare_options();
        options.pause_when_closed = options_.job == JobName::initial_setup && !options_.wait;
        options.judged = checked_;
        for (;;) {
            const auto outcome =
                compare_kind(context_, ledger_, &exchange, insurer, kind, run_, options, tally_, observer_);
            stopped_ = environment_.stop.stop_requested();
            if (stopped_) return {};
            if (outcome && outcome->spool_full) {
                // What was counted is closed before its records change again.
                close_accounts();
                KAIGO_TRY(const bool room, exchange.make_room());
                // What is read from now on is another state of the source.
                options.judged = checked_ = false;
                stopped_ = environment_.stop.stop_requested();
                if (stopped_) return {};
                if (room) continue;
                if (!options.pause_when_closed || exchange.may_send())
                    return fail(ErrorCode::busy,
                                tr("the spool is full, and nothing that is in it can go out now"))
                        .at(context_.config().spool.string())
                        .remedy(tr("nothing is lost; the next run goes on from here"));
            }
            const bool paused = outcome ? outcome->stopped : outcome.error().code == ErrorCode::busy;
            if (!options.pause_when_closed || !paused) {
                if (!outcome) return tl::unexpected(outcome.error());
                return {};
            }
            options.judged = checked_ = false;
            KAIGO_CHECK(wait_until_open(insurer, exchange, read_again));
            if (stopped_) return {};
        }
    }

    Status wait_until_open(const config::Insurer& insurer, Exchange& exchange,
                           const std::function<Result<bool>()>& read_again) {
        constexpr Duration kLook{15'000};
        exchange.drain();
        // Days may pass: what was counted is closed before its records change again.
        close_accounts();
        if (exchange.fatal()) return tl::unexpected(*exchange.fatal());
        if (!exchange.may_send())
            observer_.note(Observer::Kind::plain,
                           tr("insurer {}: the platform takes nothing now; this goes on by itself at {}",
                              insurer.number.value(), format_instant(exchange.opens_at())));
        while (!exchange.may_send() && !exchange.fatal() && !environment_.stop.stop_requested()) {
            const Instant now = environment_.clock.now();
            environment_.clock.sleep_until(
                std::max(now + Duration(1), std::min(exchange.opens_at(), now + kLook)), environment_.stop);
        }
        stopped_ = environment_.stop.stop_requested();
        if (stopped_) return {};
        // A refused certificate ends the run here.
        KAIGO_TRY(const bool settled, settle_quietly(exchange, environment_.clock.now(), read_again));
        static_cast<void>(settled);
        return {};
    }

    /// Rows to expect, for whoever watches: as many as in the last comparison, or counted for a setup.
    std::int64_t expected_rows(const config::Insurer& insurer, const spec::RecordKind& kind) {
        const auto before =
            ledger_->baseline(ledger_->ensure_insurer(insurer.number.value()), ledger_->ensure_kind(kind.id));
        if (before) return before->rows_read;
        if (options_.quiet) return 0;
        const auto source = context_.source(insurer.source);
        const mapping::KindPlan* plan = source ? (*source)->plan->kind(kind.id) : nullptr;
        if (plan == nullptr) return 0;
        const auto snapshot = (*source)->source->snapshot();
        return snapshot ? (*snapshot)->count(plan->query.sql, insurer.number).value_or(0) : 0;
    }

    /// Source against ledger, ledger against receptions; the certificate is kept.
    /// @return the exit status: 1 when a difference is not explained
    Result<int> reconcile(const config::Insurer& insurer) {
        KAIGO_TRY(Certificate certificate, certify(context_, stores_, insurer, options_.job, run_));
        tally_.my_numbers_read += certificate.my_numbers_read;
        summary_.differences += certificate.differences;
        summary_.certificates.push_back(std::move(certificate.document));
        if (!certificate.sound && options_.job != JobName::reconcile)
            return fail(ErrorCode::internal,
                        tr("insurer {}: ledger and receptions do not agree, or sums do not close",
                           insurer.number.value()))
                .remedy(tr("report this to the vendor with: kaigo-gateway run reconcile --format json"));
        return certificate.complete ? 0 : 1;
    }

    /// Kinds that others require, each with those.
    std::vector<std::pair<ledger::KindId, std::vector<ledger::KindId>>> requiring() {
        std::vector<std::pair<ledger::KindId, std::vector<ledger::KindId>>> out;
        for (const auto& kind : context_.specification().kinds()) {
            std::vector<ledger::KindId> dependants;
            for (const auto& other : context_.specification().kinds())
                if (other->requires_kind == kind->id) dependants.push_back(ledger_->ensure_kind(other->id));
            if (!dependants.empty()) out.emplace_back(ledger_->ensure_kind(kind->id), std::move(dependants));
        }
        return out;
    }

    /// Records that must be read from the source again: their prerequisite has come, or their body is gone.
    /// Cases that a person has decided, and, when asked for, those that were opened since.
    Result<bool> read_owed(const config::Insurer& insurer, Exchange& exchange, bool opened_cases = false) {
        const auto insurer_id = ledger_->ensure_insurer(insurer.number.value());
        const Instant now = environment_.clock.now();
        bool sent = false;
        for (const auto& [kind, dependants] : requiring())
            ledger_->probe_recreated(insurer_id, kind, dependants, now);
        for (const spec::RecordKind* kind : context_.kinds_of(insurer)) {
            std::optional<ledger::KindId> prerequisite;
            if (kind->requires_kind) prerequisite = ledger_->ensure_kind(*kind->requires_kind);
            auto keys = ledger_->keys_to_read(insurer_id, ledger_->ensure_kind(kind->id), prerequisite, now);
            std::ranges::move(
                ledger_->cases_to_look_at(insurer_id, ledger_->ensure_kind(kind->id), opened_cases),
                std::back_inserter(keys));
            // While a kind is held, its rows are not believed one by one either.
            if (keys.empty() || ledger_->is_suspended(insurer_id, ledger_->ensure_kind(kind->id))) continue;
            CompareOptions options = compare_options();
            options.only.emplace(keys.begin(), keys.end());
            const auto outcome =
                compare_kind(context_, ledger_, &exchange, insurer, *kind, run_, options, tally_, observer_);
            if (outcome)
                sent = sent || outcome->sent > 0;
            else if (outcome.error().code == ErrorCode::needs_person)
                suspended_ = outcome.error();
            else
                return tl::unexpected(outcome.error());
        }
        for (const auto& [kind, dependants] : requiring())
            sent = ledger_->release_deletions(insurer_id, kind, dependants, now) > 0 || sent;
        return sent;
    }

    Result<int> dry_run(const config::Insurer& insurer) {
        for (const spec::RecordKind* kind : kinds(insurer)) {
            CompareOptions options = compare_options();
            observer_.begin(insurer.number.value(), kind->id, expected_rows(insurer, *kind), tally_);
            const auto outcome =
                compare_kind(context_, ledger_, nullptr, insurer, *kind, run_, options, tally_, observer_);
            observer_.end();
            if (!outcome) return tl::unexpected(outcome.error());
            summary_.plans.push_back(
                {insurer.number.value(), kind->id, outcome->left, outcome->requests, outcome->bytes});
        }
        return 0;
    }

    /// @return false when there is nothing left to set up
    Result<bool> prepare_setup(const config::Insurer& insurer, const std::optional<ledger::Setup>& setup) {
        if (options_.dry_run) return true;
        if (setup && setup->completed) {
            observer_.note(Observer::Kind::plain,
                           tr("insurer {}: the initial setup is complete; daily-sync carries on",
                              insurer.number.value()));
            return false;
        }
        if (setup) {
            if (!options_.base_date.empty() && options_.base_date != setup->base_date)
                return fail(ErrorCode::needs_person,
                            tr("insurer {}: the initial setup was begun with base date {}",
                               insurer.number.value(), setup->base_date))
                    .remedy(tr("go on without --base-date"));
            return true;
        }
        const std::string base_date =
            options_.base_date.empty() ? japan_date(environment_.clock.now()).iso() : options_.base_date;
        KAIGO_TRY(const auto rows,
                  pre_flight(context_, insurer, options_, base_date, tally_.my_numbers_read, observer_));
        checked_ = true;
        const auto id = ledger_->ensure_insurer(insurer.number.value());
        ledger_->start_setup(id, base_date, environment_.clock.now());
        // If the setup is broken off, it goes on only with a source as big as this one, or asks.
        KAIGO_TRY(const OpenSource* source, context_.source(insurer.source));
        for (const auto& [kind, count] : rows)
            ledger_->set_baseline(id, ledger_->ensure_kind(kind),
                                  {.rows_read = count,
                                   .mapping = source->plan->fingerprint(),
                                   .spec = context_.specification().fingerprint(),
                                   .digest_key = context_.keys().id,
                                   .contents = {}});
        return true;
    }

    JobContext& context_;
    const RunOptions& options_;
    Stores& stores_;
    SharedLedger& ledger_;
    Environment& environment_;
    ledger::RunId run_ = 0;
    Tally tally_;
    std::string message_;
    std::optional<Error> trouble_;  ///< why the last settling did not come to its end
    bool stopped_ = false;
    bool nothing_new_ = false;        ///< whatever waits for a person waited already before this run
    bool had_work_ = false;           ///< some insurer had more than a setup that was complete before
    bool checked_ = false;            ///< every row of this insurer was read and judged in this run
    bool was_suspended_ = false;      ///< of any insurer: it waits for a person's word
    std::optional<Error> suspended_;  ///< a kind of this insurer that waits for a person
    RunSummary summary_;
    bool accounts_open_ = false;
    Observer& observer_;
};

}  // namespace

int graver_exit_status(int a, int b) {
    constexpr std::array kGravest = {70, 73, 77, 78, 65, 69, 75, 1, 0};
    for (const int status : kGravest)
        if (a == status || b == status) return status;
    return std::max(a, b);
}

Result<RunSummary> run_job(JobContext& context, const RunOptions& options, Observer& observer) {
    if (!options.kind.empty() && context.specification().kind(options.kind) == nullptr)
        return fail(ErrorCode::usage, tr("the specification has no record kind \"{}\"", options.kind));
    KAIGO_TRY(const auto stores, open_stores(context.config(), context.environment()));
    Run run(context, options, *stores, observer);
    KAIGO_CHECK(run.begin_audit());
    return run.run();
}

}  // namespace kaigo::jobs
