// Commands that only look: status, jobs, explain, held list, audit verify, check-spec.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "audit/audit_log.h"
#include "base/csv.h"
#include "base/i18n.h"
#include "jobs/case_words.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"
#include "jobs/looking.h"
#include "jobs/report.h"
#include "jobs/tasks.h"
#include "jobs/words.h"
#include "ledger/view.h"
#include "platform/certificate.h"
#include "spec/record.h"

namespace kaigo::jobs {

namespace json = boost::json;
using ledger::LedgerView;

namespace {

constexpr int kMostHeld = 1'000'000;
constexpr std::size_t kShownHeld = 20;
constexpr int kMostAlarms = 20;

std::string describe(const spec::Specification& specification, const ledger::RecordRow& record) {
    const spec::RecordKind* kind = specification.kind(record.kind);
    return kind == nullptr ? hex(record.key) : spec::describe_key(*kind, record.key);
}

json::value consent_json(const ledger::RecordRow& record) {
    if (!record.consent) return nullptr;
    return json::object{
        {"granted", registration::is_granted(record.consent->reason)},
        {"reason", std::string(name_of(registration::kConsentReasonNames, record.consent->reason))},
        {"day", record.consent->day ? json::value(record.consent->day->iso()) : json::value()},
        {"words", consent_in_words(*record.consent)}};
}

json::object record_json(const spec::Specification& specification, const ledger::RecordRow& record) {
    json::array history;
    for (const auto& row : record.history)
        history.push_back(json::object{{"at", json_time(row.at)},
                                       {"from", row.from},
                                       {"to", row.to},
                                       {"event", row.event},
                                       {"reason", json_text(row.reason)},
                                       {"requestId", json_text(row.request_id)},
                                       {"actor", json_text(row.actor)}});
    return {{"insurer", record.insurer},
            {"kind", record.kind},
            {"key", describe(specification, record)},
            {"state", record.state},
            {"reason", json_text(record.reason)},
            {"why", json_text(record.reason.empty() ? "" : reason_in_words(specification, record.reason))},
            {"next", next_in_words(specification, record)},
            {"onPlatform", record.on_platform},
            {"dueAt", json_time(record.due_at)},
            {"attempts", record.attempts},
            {"requestId", json_text(record.request_id)},
            {"receptionNumber", json_text(record.reception_number)},
            {"case", record.case_state.empty() ? json::value(nullptr)
                                               : json::value(json::object{{"id", *record.case_id},
                                                                          {"state", record.case_state},
                                                                          {"errorId", record.case_error}})},
            {"consent", consent_json(record)},
            {"history", std::move(history)}};
}

void write_record(std::ostream& out, const spec::Specification& specification,
                  const ledger::RecordRow& record) {
    const spec::RecordKind* kind = specification.kind(record.kind);
    out << fmt::format("{} {}  {}\n", record.kind, kind == nullptr ? "" : kind->name,
                       describe(specification, record));
    out << "  " << tr("state: {} ({})", state_in_words(record.state), record.state);
    if (record.owed) out << ", " << tr("owed: {}", update_kind_in_words(*record.owed));
    out << '\n';
    if (!record.reason.empty())
        out << "  " << tr("why: {}", reason_in_words(specification, record.reason)) << '\n';
    if (!record.request_id.empty())
        out << "  " << tr("request: {} ({})", record.request_id, record.batch_state) << '\n';
    if (!record.reception_number.empty()) out << "  " << tr("reception: {}", record.reception_number) << '\n';
    if (!record.case_state.empty())
        out << "  "
            << tr("PMH key case {}: {} ({}); see it with: kaigo-gateway cases show {}", *record.case_id,
                  numbered_step(value_of(registration::kCaseStateNames, record.case_state)
                                    .value_or(registration::CaseState::none)),
                  record.case_error, *record.case_id)
            << '\n';
    if (record.consent) out << "  " << consent_in_words(*record.consent) << '\n';
    out << "  " << tr("next: {}", next_in_words(specification, record)) << '\n';
    for (const auto& row : record.history) {
        out << fmt::format("    {}  {} → {}  {}", format_instant(from_milliseconds(row.at)),
                           state_in_words(row.from), state_in_words(row.to), event_in_words(row.event));
        if (!row.reason.empty()) out << "  [" << reason_in_words(specification, row.reason) << "]";
        if (!row.actor.empty()) out << "  " << row.actor;
        out << '\n';
    }
}

}  // namespace

int refuse(World& world, const Error& error) {
    world.err << tr("error: {}", error.text()) << '\n';
    return info(error.code).exit_status;
}

int check_spec(const config::Config& config, World& world, bool json_format) {
    Faults faults;
    const auto specification = spec::Specification::load(config.interface_spec, faults);
    if (json_format) {
        json::array list;
        for (const Fault& fault : faults.list())
            list.push_back(json::object{{"file", fault.file},
                                        {"line", fault.line},
                                        {"column", fault.column},
                                        {"message", fault.message}});
        write_json(world.out, json::object{{"ok", faults.empty()}, {"faults", std::move(list)}});
        return faults.empty() ? 0 : info(ErrorCode::bad_specification).exit_status;
    }
    for (const Fault& fault : faults.list()) world.err << fault.text() << '\n';
    if (!faults.empty()) return info(ErrorCode::bad_specification).exit_status;
    world.out << tr("{}: in order, {} record kinds", specification->profile(), specification->kinds().size())
              << '\n';
    return 0;
}

int list_jobs(const config::Config& config, World& world, std::int64_t id, bool json_format) {
    return look(config, world, [&](const spec::Specification& specification, LedgerView& view) {
        if (id == 0) {
            report_runs(world.out, view, json_format);
            return 0;
        }
        if (!view.run(id))
            return refuse(world, Error{ErrorCode::usage, tr("there is no run {}", id), "", ""});
        report_run(world.out, specification, view, id, json_format);
        return 0;
    });
}

int status(const config::Config& config, World& world, bool json_format) {
    return look(config, world, [&](const spec::Specification& specification, LedgerView& view) {
        const auto counts = view.counts();
        const auto oldest = view.oldest_waiting();
        if (json_format) {
            json::array insurers;
            for (const config::Insurer& insurer : config.insurers) {
                json::object records;
                for (const auto& kind : specification.kinds()) {
                    json::object states;
                    for (const auto& count : counts)
                        if (count.insurer == insurer.number.value() && count.kind == kind->id)
                            states[count.state] = count.count;
                    records[kind->id] = std::move(states);
                }
                std::int64_t cases = 0;
                for (const auto& each : view.open_cases())
                    if (each.insurer == insurer.number.value()) cases += each.count;
                json::object entry{{"insurer", insurer.number.value()},
                                   {"records", std::move(records)},
                                   {"openCases", cases}};
                const auto certificate = platform::inspect_certificate(insurer.certificate_file);
                entry["certificateDaysLeft"] =
                    certificate ? json::value(platform::days_left(*certificate, world.clock.now()))
                                : json::value(nullptr);
                entry["setupComplete"] = false;
                for (const auto& setup : view.setups())
                    if (setup.insurer == insurer.number.value()) entry["setupComplete"] = setup.completed;
                insurers.push_back(std::move(entry));
            }
            json::object last;
            for (const auto& run : view.last_runs())
                last[run.job] = json::object{{"run", run.id},
                                             {"startedAt", json_time(run.started_at)},
                                             {"endedAt", json_time(run.ended_at)},
                                             {"outcome", json_text(run.outcome)},
                                             {"exitStatus", run.exit_status}};
            json::array alarms;
            for (const auto& alarm : view.alarms(kMostAlarms))
                alarms.push_back(json::object{{"at", json_time(alarm.at)},
                                              {"insurer", json_text(alarm.insurer)},
                                              {"code", alarm.code},
                                              {"detail", alarm.detail}});
            json::array to_do;
            for (const Task& task : tasks_of(specification, view)) to_do.emplace_back(task.text);
            write_json(world.out, json::object{{"insurers", std::move(insurers)},
                                               {"toDo", std::move(to_do)},
                                               {"oldestWaiting", json_time(oldest)},
                                               {"lastRuns", std::move(last)},
                                               {"alarms", std::move(alarms)}});
            return 0;
        }
        for (const auto& count : counts)
            world.out << fmt::format("{} {:<24} {:>10}  {}\n", count.insurer, count.kind, count.count,
                                     state_in_words(count.state));
        const auto tasks = tasks_of(specification, view);
        if (!tasks.empty()) world.out << tr("To do:") << '\n';
        for (const Task& task : tasks) world.out << "  - " << task.text << '\n';
        for (const auto& each : view.open_cases())
            world.out << tr("open PMH key cases: {} {} {} ({})", each.insurer, each.count, each.kind,
                            each.state)
                      << '\n';
        if (oldest)
            world.out << tr("oldest request under way: {}", format_instant(from_milliseconds(*oldest)))
                      << '\n';
        for (const config::Insurer& insurer : config.insurers) {
            const auto certificate = platform::inspect_certificate(insurer.certificate_file);
            if (certificate)
                world.out << tr("certificate of {}: {} days left", insurer.number.value(),
                                platform::days_left(*certificate, world.clock.now()))
                          << '\n';
        }
        for (const auto& run : view.last_runs())
            world.out << tr("last {}: {}, {}", run.job, format_instant(from_milliseconds(run.started_at)),
                            outcome_in_words(run.outcome))
                      << '\n';
        for (const auto& alarm : view.alarms(kMostAlarms))
            world.out << tr("alarm {}: {} {}", format_instant(from_milliseconds(alarm.at)), alarm.code,
                            alarm.detail)
                      << '\n';
        return 0;
    });
}

int explain(const config::Config& config, World& world, const std::string& insurer,
            const std::string& insured, bool json_format) {
    const auto number = InsuredNumber::parse(insured);
    if (!number) {
        world.err << tr("error: {}", number.error().text()) << '\n';
        return info(ErrorCode::usage).exit_status;
    }
    return look(config, world, [&](const spec::Specification& specification, LedgerView& view) {
        const auto records = view.records_of(insurer, number->value());
        // What waits for a whole kind keeps this person's records back too.
        std::vector<std::string> withheld;
        for (const Task& task : tasks_of(specification, view))
            if (task.withheld && std::ranges::any_of(records, [&](const ledger::RecordRow& record) {
                    return record.insurer == task.insurer;
                }))
                withheld.push_back(task.text);
        if (json_format) {
            json::array list;
            for (const auto& record : records) list.push_back(record_json(specification, record));
            write_json(world.out, json::object{{"insured", number->value()},
                                               {"records", std::move(list)},
                                               {"withheld", json::array(withheld.begin(), withheld.end())}});
        } else if (records.empty()) {
            world.out << tr("the ledger knows no record of {}", number->value()) << '\n';
        } else {
            for (const auto& record : records) write_record(world.out, specification, record);
            for (const std::string& each : withheld) world.out << tr("note: {}", each) << '\n';
        }
        return records.empty() ? info(ErrorCode::needs_person).exit_status : 0;
    });
}

int held_list(const config::Config& config, World& world, const HeldOptions& options) {
    return look(config, world, [&](const spec::Specification& specification, LedgerView& view) {
        if (!options.kind.empty() && specification.kind(options.kind) == nullptr)
            return refuse(world,
                          Error{ErrorCode::usage,
                                tr("the specification has no record kind \"{}\"", options.kind), "", ""});
        const auto held =
            view.held({options.insurer, options.kind, options.insured, options.reason}, kMostHeld);
        const auto tasks = tasks_of(specification, view);
        if (options.format == "json") {
            json::array list;
            for (const auto& record : held) list.push_back(record_json(specification, record));
            json::array withheld;
            for (const Task& task : tasks)
                if (task.withheld) withheld.emplace_back(task.text);
            write_json(world.out, json::object{{"held", std::move(list)}, {"withheld", std::move(withheld)}});
            return 0;
        }
        if (options.format == "csv") {
            world.out << kCsvByteOrderMark
                      << csv_line({tr("insurer"), tr("record kind"), tr("record"), tr("cause"),
                                   tr("what is next")});
            for (const auto& record : held)
                world.out << csv_line({record.insurer, kind_in_words(specification, record.kind),
                                       describe(specification, record),
                                       reason_in_words(specification, record.reason),
                                       next_in_words(specification, record)});
            return 0;
        }
        for (const Task& task : tasks)
            if (task.withheld) world.out << task.text << '\n';
        const std::size_t shown = options.all ? held.size() : std::min(held.size(), kShownHeld);
        for (std::size_t i = 0; i < shown; ++i)
            world.out << fmt::format(
                "{} {} {}: {}\n", held[i].insurer, kind_in_words(specification, held[i].kind),
                describe(specification, held[i]), reason_in_words(specification, held[i].reason));
        const bool filtered = !options.kind.empty() || !options.insured.empty() || !options.reason.empty();
        if (held.empty())
            world.out << (filtered ? tr("no held record fits what was asked for") : tr("no record is held"))
                      << '\n';
        if (shown < held.size())
            world.out << tr("… and {} more: held list --all, or --format csv", held.size() - shown) << '\n';
        return 0;
    });
}

int audit_verify(const config::Config& config, World& world, bool json_format) {
    // The ledger keeps the last hash it knows: a log whose tail was cut off is whole, but too short.
    std::string anchor;
    if (auto view = LedgerView::open(config.ledger)) anchor = view->meta("audit-head");
    const auto found = audit::verify(config.audit, anchor);
    if (!found) return refuse(world, found.error());
    if (!anchor.empty() && !found->anchor_seen)
        return refuse(
            world,
            Error{
                ErrorCode::bad_data,
                tr("the audit log does not reach the line that the ledger remembers: lines are missing"),
                config.audit.string(),
                tr("keep the file as it is and report it to the person in charge of information security")});
    if (json_format)
        write_json(world.out, json::object{{"ok", true}, {"lines", found->lines}, {"head", found->head}});
    else
        world.out << tr("audit log: {} lines, the chain is whole", found->lines) << '\n';
    return 0;
}

}  // namespace kaigo::jobs
