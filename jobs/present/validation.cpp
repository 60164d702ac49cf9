#include "jobs/present/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "base/i18n.h"
#include "jobs/present/faults.h"
#include "jobs/words/words.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

constexpr std::size_t kShown = 20;

void write_persons(std::ostream& out, const std::string& what, const std::vector<std::string>& persons) {
    if (persons.empty()) return;
    out << "    " << persons.size() << "  " << what << ':';
    for (std::size_t i = 0; i < std::min(persons.size(), kShown); ++i) out << ' ' << persons[i];
    if (persons.size() > kShown)
        out << ' ' << tr("… and {} more: --format json names them all", persons.size() - kShown);
    out << '\n';
}

json::array persons_json(const std::vector<std::string>& persons) {
    return json::array(persons.begin(), persons.end());
}

json::object forecast_json(const SetupForecast& forecast) {
    json::array without;
    for (const auto& [municipality, persons] : forecast.without_number)
        without.push_back(
            json::object{{"ask", municipality.empty() ? json::value(nullptr) : json::value(municipality)},
                         {"insured", persons_json(persons)}});
    json::array same;
    for (const Persons& group : forecast.same_number) same.push_back(persons_json(group));
    return {{"withoutMyNumber", std::move(without)},
            {"wrongMyNumber", persons_json(forecast.wrong_check_digit)},
            {"sameMyNumber", std::move(same)},
            {"exempt", persons_json(forecast.exempt)},
            {"notEnrolled", persons_json(forecast.not_enrolled)},
            {"enrolmentUnconfirmable", persons_json(forecast.unconfirmable)}};
}

void write_forecast(std::ostream& out, const SetupForecast& forecast, const std::string& insurer) {
    const auto& same = forecast.same_number;
    const bool nothing = forecast.without_number.empty() && forecast.wrong_check_digit.empty() &&
                         same.empty() && forecast.exempt.empty() && forecast.not_enrolled.empty() &&
                         forecast.unconfirmable.empty();
    out << "  " << tr("insurer {}: PMH key errors to be expected", insurer) << '\n';
    if (nothing) out << "    " << tr("none") << '\n';
    for (const auto& [municipality, persons] : forecast.without_number)
        write_persons(out,
                      municipality.empty()
                          ? tr("no マイナンバー: held until it is in the core system")
                          : tr("no マイナンバー (住所地特例): look in the application first, then ask "
                               "municipality {}",
                               municipality),
                      persons);
    write_persons(out, tr("the マイナンバー is no valid one: held until it is corrected"),
                  forecast.wrong_check_digit);
    for (const Persons& group : same)
        write_persons(out, tr("have the same マイナンバー: find out whose it is"), group);
    write_persons(out, tr("exempt (生活保護): probably not known to the 中間サーバー"), forecast.exempt);
    write_persons(out, tr("not enrolled: probably not known to the 中間サーバー"), forecast.not_enrolled);
    write_persons(out, tr("enrolment cannot be confirmed: perhaps not known to the 中間サーバー"),
                  forecast.unconfirmable);
}

/// A finding in words: of an item, or of rows.
std::string breach_in_words(const std::string& path, const std::string& rule) {
    if (rule == breach::kNoRows)
        return path.empty() ? tr("no row: is the insurer's number written so in the source, and is the "
                                 "condition right?")
                            : tr("the child query \"{}\" gives no row", path);
    if (rule == breach::kOrphan)
        return tr(
            "rows of the child query \"{}\" belong to no row of the main query: are the keys written the "
            "same "
            "way (blanks, dates, numbers and text), and the conditions the same?",
            path);
    if (rule == breach::kDuplicate)
        return tr("rows have a key that comes several times with different contents: none of them is sent");
    if (rule == breach::kRepeated)
        return tr("rows have a key that comes several times with the same content");
    if (rule == breach::kFormUnknown)
        return tr(
            "consents are told as なし because nobody says on which form they were given: map \"form\", or "
            "set "
            "new_form_from for the insurer");
    return path + " " + rule_in_words(rule);
}

}  // namespace

void write_validation(std::ostream& out, const std::vector<KindValidation>& results) {
    for (const KindValidation& result : results) {
        out << fmt::format("{} {}\n  ", result.insurer, result.kind)
            << tr("rows {}, usable {}, not usable {}", result.rows, result.usable,
                  result.rows - result.usable)
            << '\n';
        for (const auto& [where, breach] : result.breaches) {
            out << fmt::format("  {:>8}  {}{}", breach.count,
                               breach.warning ? tr("warning: ") : std::string(),
                               breach_in_words(where.first, where.second));
            for (std::size_t i = 0; i < breach.values.size(); ++i)
                out << (i == 0 ? ": " : ", ") << '"' << breach.values[i] << '"';
            for (std::size_t i = 0; i < breach.examples.size(); ++i)
                out << (i == 0 ? "  (" : ", ") << breach.examples[i];
            const bool more = breach.count > static_cast<std::int64_t>(breach.examples.size());
            out << (breach.examples.empty() ? "\n" : more ? ", …)\n" : ")\n");
        }
        if (result.forecast) write_forecast(out, *result.forecast, result.insurer);
    }
}

json::value validation_json(const Validation& validation) {
    json::array kinds;
    for (const KindValidation& result : validation.kinds) {
        json::array findings;
        for (const auto& [where, breach] : result.breaches) {
            json::array examples;
            for (const std::string& example : breach.examples) examples.emplace_back(example);
            json::array values(breach.values.begin(), breach.values.end());
            findings.push_back(json::object{{"item", where.first},
                                            {"values", std::move(values)},
                                            {"rule", where.second},
                                            {"severity", breach.warning ? "warning" : "error"},
                                            {"count", breach.count},
                                            {"examples", std::move(examples)}});
        }
        json::array children;
        for (const mapping::ChildCount& child : result.children)
            children.push_back(
                json::object{{"query", child.name}, {"rows", child.rows}, {"orphans", child.orphans}});
        json::object kind{{"insurer", result.insurer},
                          {"kind", result.kind},
                          {"rows", result.rows},
                          {"usable", result.usable},
                          {"childQueries", std::move(children)},
                          {"findings", std::move(findings)}};
        if (result.forecast) kind["setupErrors"] = forecast_json(*result.forecast);
        kinds.push_back(std::move(kind));
    }
    return json::object{{"faults", faults_json(validation.faults)}, {"kinds", std::move(kinds)}};
}

}  // namespace kaigo::jobs
