#include "jobs/pre_flight.h"

#include <ostream>
#include <sstream>

#include "base/i18n.h"
#include "jobs/commands.h"
#include "jobs/words.h"

namespace kaigo::jobs {
namespace {

class PreFlight {
  public:
    PreFlight(Gateway& gateway, const config::Insurer& insurer, const RunOptions& options,
              std::int64_t& my_numbers_read)
        : gateway_(gateway),
          insurer_(insurer),
          options_(options),
          my_numbers_read_(my_numbers_read),
          world_(gateway.world()) {}

    /// Is this host able, and what will come of the rows? Told before anything leaves, and to be accepted.
    Status check() {
        // The connection is proven by connecting; a platform that is closed or away now is waited for.
        KAIGO_TRY(const auto client, gateway_.client(insurer_));
        const auto reached = client->service_status();
        if (!reached && reached.error().code == ErrorCode::certificate_refused)
            return tl::unexpected(reached.error());
        std::ostringstream told;
        World listener{world_.clock,    world_.random, told,        told,
                       world_.terminal, world_.actor,  world_.stop, world_.ask};
        // Of this insurer alone: another one's broken database is no reason to wait.
        config::Config alone = gateway_.config();
        alone.insurers = {insurer_};
        std::erase_if(alone.sources, [&](const auto& source) { return source.first != insurer_.source; });
        const int able = doctor(alone, listener, false, false);
        const auto rows = validate_rows(alone, world_, gateway_.specification(), told);
        if (rows) my_numbers_read_ += rows->my_numbers;
        if (!options_.quiet || able > 1 || !rows) world_.err << told.str();
        if (!rows) return tl::unexpected(rows.error());
        if (able > 1)
            return fail(ErrorCode::needs_person,
                        tr("the check before the setup found errors: nothing was sent"))
                .remedy(tr("mend what is named above, and run the command again"));
        const std::string number = insurer_.number.value();
        if (!rows->empty_kinds.empty() && !options_.accept_drop)
            return fail(ErrorCode::needs_person,
                        tr("insurer {}: the source has no row of {}: nothing was sent", number,
                           kind_in_words(gateway_.specification(), rows->empty_kinds.front())))
                .remedy(tr(
                    "compare the insurer's number in the source with the configuration; if there really is "
                    "nobody, run again with --accept-drop"));
        if (!rows->orphans.empty() && !options_.accept_change)
            return fail(ErrorCode::needs_person,
                        tr("insurer {}: {}: nothing was sent", number, rows->orphans.front()))
                .remedy(tr(
                    "find out why, with validate-mapping and in the core system; if that is right, run again "
                    "with {}",
                    "--accept-change"));
        form_unknown_ = rows->form_unknown;
        rows_ = rows->rows_of;
        if (rows->usable < rows->rows && !options_.quiet)
            world_.err
                << tr("note: {} of {} rows cannot be sent as they are; they are held until the source is "
                      "corrected",
                      rows->rows - rows->usable, rows->rows)
                << '\n';
        return {};
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
        if (known.setup_date && japan_date(world_.clock.now()) < *known.setup_date)
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
        if (!world_.terminal)
            return fail(ErrorCode::needs_person, question).remedy(tr("answer it with --yes"));
        world_.err << question << ' ' << std::flush;
        if (world_.ask() != "yes") return fail(ErrorCode::needs_person, tr("not begun"));
        return {};
    }

    const std::map<std::string, std::int64_t>& rows() const { return rows_; }

  private:
    Gateway& gateway_;
    const config::Insurer& insurer_;
    const RunOptions& options_;
    std::int64_t& my_numbers_read_;
    World& world_;
    std::int64_t form_unknown_ = 0;
    std::map<std::string, std::int64_t> rows_;
};

}  // namespace

Result<std::map<std::string, std::int64_t>> pre_flight(Gateway& gateway, const config::Insurer& insurer,
                                                       const RunOptions& options,
                                                       const std::string& base_date,
                                                       std::int64_t& my_numbers_read) {
    PreFlight questions(gateway, insurer, options, my_numbers_read);
    KAIGO_CHECK(questions.check());
    KAIGO_CHECK(questions.preconditions());
    KAIGO_CHECK(questions.accept(
        tr("Send all records of insurer {} to the platform, base date {}? This cannot be undone. (yes/no)",
           insurer.number.value(), base_date)));
    return questions.rows();
}

}  // namespace kaigo::jobs
