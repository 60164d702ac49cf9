#include "jobs/sync/before_setup/pre_flight.h"

#include <algorithm>

#include "base/i18n.h"
#include "jobs/checks/host_checks.h"
#include "jobs/sync/before_setup/validation.h"
#include "jobs/sync/outbound/judge.h"
#include "jobs/words/words.h"

namespace kaigo::jobs {
namespace {

class PreFlight {
  public:
    PreFlight(JobContext& context, const config::Insurer& insurer, const RunOptions& options,
              std::int64_t& my_numbers_read, Observer& observer)
        : context_(context),
          insurer_(insurer),
          options_(options),
          my_numbers_read_(my_numbers_read),
          environment_(context.environment()),
          observer_(observer) {}

    /// Is this host able to work, and what will come of the rows? A person is told, and must accept it,
    /// before anything leaves.
    Status check() {
        // The connection is proven by connecting; a platform that is closed or away now is waited for.
        KAIGO_TRY(const auto client, context_.client(insurer_));
        const auto reached = client->service_status();
        if (!reached && reached.error().code == ErrorCode::certificate_refused)
            return tl::unexpected(reached.error());
        // Of this insurer alone: another one's broken database is no reason to wait.
        config::Config alone = context_.config();
        alone.insurers = {insurer_};
        std::erase_if(alone.sources, [&](const auto& source) { return source.first != insurer_.source; });
        const auto checks = check_host(alone, environment_.clock.now(), false);
        const bool able = std::ranges::none_of(
            checks, [](const Check& check) { return check.level == Check::Level::error; });
        const auto validated = validate_rows(alone, environment_, context_.specification(), {});
        const bool read = validated && validated->faults.empty();
        if (validated)
            for (const std::string& note : validated->notes) observer_.note(Observer::Kind::note, note);
        if (!options_.quiet || !able || !read)
            observer_.examined(checks, read ? validated->kinds : std::vector<KindValidation>());
        if (!validated) return tl::unexpected(validated.error());
        if (!read) return validated->faults.as_failure(ErrorCode::bad_mapping);
        for (const KindValidation& kind : validated->kinds) my_numbers_read_ += kind.my_numbers;
        if (!able)
            return fail(ErrorCode::needs_person,
                        tr("the check before the setup found errors: nothing was sent"))
                .remedy(tr("mend what is named above, and run the command again"));
        return accept_rows(validated->kinds);
    }

    Status preconditions() {
        const config::Preconditions& known = insurer_.preconditions;
        const std::string number = insurer_.number.value();
        if (known.pia_done == false)
            return fail(ErrorCode::needs_person, tr("insurer {}: the PIA is not done yet", number))
                .remedy(tr("do it, then write it into the insurer's preconditions"));
        if (known.method == "file")
            return fail(ErrorCode::needs_person,
                        tr("insurer {}: its method is file transfer by hand", number))
                .remedy(tr("this program sends by the batch method alone"));
        if (known.setup_date && japan_date(environment_.clock.now()) < *known.setup_date)
            return fail(ErrorCode::needs_person,
                        tr("insurer {}: the setup was notified for {}", number, known.setup_date->iso()))
                .remedy(tr("run it on that day or later"));
        if (form_unknown_ > 0)
            KAIGO_CHECK(
                accept(tr("{} consents of insurer {} will be told as なし, because nobody says on which form "
                          "they were given (map \"form\", or set new_form_from). Is that right? (yes/no)",
                          form_unknown_, number)));
        if (!known.pia_done)
            KAIGO_CHECK(
                accept(tr("Is the PIA (specific personal information protection assessment) "
                          "of insurer {} done? (yes/no)",
                          number)));
        if (!known.setup_date)
            KAIGO_CHECK(accept(tr("Is the day of the setup of insurer {} notified? (yes/no)", number)));
        if (!insurer_.go_live)
            KAIGO_CHECK(
                accept(tr("Is the day from which insurer {} uses the platform fixed? (yes/no)", number)));
        if (!known.method)
            KAIGO_CHECK(accept(tr("Is the batch method of linkage fixed for insurer {}? (yes/no)", number)));
        return {};
    }

    /// A question that --yes answers, and that nobody can be asked without a terminal.
    Status accept(const std::string& question) {
        if (options_.yes) return {};
        const auto answer = observer_.ask(question);
        if (!answer) return fail(ErrorCode::needs_person, question).remedy(tr("answer it with --yes"));
        if (!*answer) return fail(ErrorCode::needs_person, tr("not begun"));
        return {};
    }

    const std::map<std::string, std::int64_t>& rows() const { return rows_; }

  private:
    /// Whether the rows are what a setup may begin with.
    Status accept_rows(const std::vector<KindValidation>& kinds) {
        const std::string number = insurer_.number.value();
        const config::Safety& safety = context_.config().safety;
        std::int64_t rows = 0;
        std::int64_t usable = 0;
        for (const KindValidation& kind : kinds) {
            rows += kind.rows;
            usable += kind.usable;
            form_unknown_ += kind.form_unknown;
            rows_[kind.kind] += kind.rows;
            if (kind.needed && kind.rows == 0 && !options_.accept_drop)
                return fail(ErrorCode::needs_person,
                            tr("insurer {}: the source has no row of {}: nothing was sent", number,
                               kind_in_words(context_.specification(), kind.kind)))
                    .remedy(tr(
                        "compare the insurer's number in the source with the configuration; if there really "
                        "is nobody, run again with --accept-drop"));
        }
        for (const KindValidation& kind : kinds)
            for (const mapping::ChildCount& child : kind.children)
                if (!options_.accept_change &&
                    exceeds(safety, child.orphans, child.rows, safety.orphan_percent))
                    return fail(ErrorCode::needs_person,
                                tr("insurer {}: {}: nothing was sent", number, orphans_in_words(child)))
                        .remedy(tr("find out why, with validate-mapping and in the core system; if that is "
                                   "right, run again with {}",
                                   "--accept-change"));
        if (usable < rows && !options_.quiet)
            observer_.note(Observer::Kind::note,
                           tr("{} of {} rows cannot be sent as they are; they are held until the source is "
                              "corrected",
                              rows - usable, rows));
        return {};
    }

    JobContext& context_;
    const config::Insurer& insurer_;
    const RunOptions& options_;
    std::int64_t& my_numbers_read_;
    const Environment& environment_;
    Observer& observer_;
    std::int64_t form_unknown_ = 0;
    std::map<std::string, std::int64_t> rows_;
};

}  // namespace

Result<std::map<std::string, std::int64_t>> pre_flight(JobContext& context, const config::Insurer& insurer,
                                                       const RunOptions& options,
                                                       const std::string& base_date,
                                                       std::int64_t& my_numbers_read, Observer& observer) {
    PreFlight questions(context, insurer, options, my_numbers_read, observer);
    KAIGO_CHECK(questions.check());
    KAIGO_CHECK(questions.preconditions());
    KAIGO_CHECK(questions.accept(
        tr("Send all records of insurer {} to the platform, base date {}? This cannot be undone. (yes/no)",
           insurer.number.value(), base_date)));
    return questions.rows();
}

}  // namespace kaigo::jobs
