#include "jobs/present/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "base/csv.h"
#include "base/i18n.h"
#include "base/text.h"
#include "jobs/present/json_document.h"
#include "jobs/words/case_words.h"
#include "jobs/words/words.h"
#include "spec/record.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

constexpr std::size_t kShownHeld = 20;

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

json::array sentences_json(const std::vector<std::string>& sentences) {
    return json::array(sentences.begin(), sentences.end());
}

}  // namespace

void write_explanation(std::ostream& out, const spec::Specification& specification,
                       const Explanation& explanation, bool json_format) {
    if (json_format) {
        json::array list;
        for (const auto& record : explanation.records) list.push_back(record_json(specification, record));
        write_json(out, json::object{{"insured", explanation.insured},
                                     {"records", std::move(list)},
                                     {"withheld", sentences_json(explanation.withheld)}});
        return;
    }
    if (explanation.records.empty()) {
        out << tr("the ledger knows no record of {}", explanation.insured) << '\n';
        return;
    }
    for (const auto& record : explanation.records) write_record(out, specification, record);
    for (const std::string& each : explanation.withheld) out << tr("note: {}", each) << '\n';
}

void write_held(std::ostream& out, const spec::Specification& specification, const HeldRecords& held,
                const HeldSelection& selection, const std::string& format, bool all) {
    const auto& records = held.records;
    if (format == "json") {
        json::array list;
        for (const auto& record : records) list.push_back(record_json(specification, record));
        write_json(out, json::object{{"held", std::move(list)}, {"withheld", sentences_json(held.withheld)}});
        return;
    }
    if (format == "csv") {
        out << kCsvByteOrderMark
            << csv_line({tr("insurer"), tr("record kind"), tr("record"), tr("cause"), tr("what is next")});
        for (const auto& record : records)
            out << csv_line({record.insurer, kind_in_words(specification, record.kind),
                             describe(specification, record), reason_in_words(specification, record.reason),
                             next_in_words(specification, record)});
        return;
    }
    for (const std::string& each : held.withheld) out << each << '\n';
    const std::size_t shown = all ? records.size() : std::min(records.size(), kShownHeld);
    for (std::size_t i = 0; i < shown; ++i)
        out << fmt::format("{} {} {}: {}\n", records[i].insurer,
                           kind_in_words(specification, records[i].kind), describe(specification, records[i]),
                           reason_in_words(specification, records[i].reason));
    if (records.empty())
        out << (selection.filtered() ? tr("no held record fits what was asked for") : tr("no record is held"))
            << '\n';
    if (shown < records.size())
        out << tr("… and {} more: held list --all, or --format csv", records.size() - shown) << '\n';
}

}  // namespace kaigo::jobs
