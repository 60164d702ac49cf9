#include "jobs/setup_forecast.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <ostream>

#include "base/i18n.h"

namespace kaigo::jobs {

namespace json = boost::json;
namespace fact = registration::fact;

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

}  // namespace

void SetupForecast::take(const spec::Record& record, const std::string& key,
                         const std::vector<spec::Finding>& findings) {
    const std::string insured(spec::insured_number_of(key));
    const spec::Value& number = record.items[*record.kind->my_number];
    if (number.kind != spec::Value::Kind::text) {
        without_number_all_.push_back(insured);
        return;
    }
    const std::string& item = record.kind->items[*record.kind->my_number].key;
    const bool wrong = std::any_of(findings.begin(), findings.end(), [&](const spec::Finding& finding) {
        return finding.path == item && finding.severity == spec::Severity::error;
    });
    if (wrong) {
        wrong_check_digit_.push_back(insured);
        return;
    }
    NumberOf& person = numbers_.emplace_back();
    person.digest = digest_.digest(number.text);
    std::copy_n(insured.begin(), std::min(insured.size(), person.insured.size()), person.insured.begin());
}

Status SetupForecast::ask(mapping::EvidenceReader* evidence) {
    std::ranges::sort(numbers_, {}, &NumberOf::insured);
    std::ranges::sort(without_number_all_);
    const auto of = [&](std::string_view person) -> Result<registration::Evidence> {
        if (evidence == nullptr) return registration::Evidence{};
        KAIGO_TRY(auto facts, evidence->of(person));
        return facts.value_or(registration::Evidence{});
    };
    // Both in one ascending order: that is how evidence is asked.
    auto without = without_number_all_.begin();
    for (auto with = numbers_.begin(); with != numbers_.end() || without != without_number_all_.end();) {
        const bool first_without =
            without != without_number_all_.end() && (with == numbers_.end() || *without < with->person());
        if (first_without) {
            KAIGO_TRY(const auto facts, of(*without));
            without_number_[facts.residence].push_back(*without++);
            continue;
        }
        const std::string insured(with++->person());
        while (with != numbers_.end() && with->person() == insured) ++with;
        KAIGO_TRY(const auto facts, of(insured));
        if (facts.exemption.value == fact::kExempt)
            exempt_.push_back(insured);
        else if (facts.enrolment.value == fact::kNotEnrolled)
            not_enrolled_.push_back(insured);
        else if (facts.enrolment.value == fact::kUnconfirmable)
            unconfirmable_.push_back(insured);
    }
    without_number_all_.clear();
    return {};
}

std::vector<SetupForecast::Persons> SetupForecast::same_numbers() {
    std::sort(numbers_.begin(), numbers_.end());
    std::vector<Persons> out;
    for (std::size_t i = 0; i < numbers_.size();) {
        std::size_t end = i + 1;
        while (end < numbers_.size() && numbers_[end].digest == numbers_[i].digest) ++end;
        // Several rows of one person are a fault of another kind.
        Persons group;
        for (; i < end; ++i)
            if (group.empty() || group.back() != numbers_[i].person())
                group.emplace_back(numbers_[i].person());
        if (group.size() > 1) out.push_back(std::move(group));
        i = end;
    }
    return out;
}

json::object SetupForecast::as_json() {
    json::array without;
    for (const auto& [municipality, persons] : without_number_)
        without.push_back(
            json::object{{"ask", municipality.empty() ? json::value(nullptr) : json::value(municipality)},
                         {"insured", persons_json(persons)}});
    json::array same;
    for (const Persons& group : same_numbers()) same.push_back(persons_json(group));
    return {{"withoutMyNumber", std::move(without)},
            {"wrongMyNumber", persons_json(wrong_check_digit_)},
            {"sameMyNumber", std::move(same)},
            {"exempt", persons_json(exempt_)},
            {"notEnrolled", persons_json(not_enrolled_)},
            {"enrolmentUnconfirmable", persons_json(unconfirmable_)}};
}

void SetupForecast::write(std::ostream& out, const std::string& insurer) {
    const auto same = same_numbers();
    const bool nothing = without_number_.empty() && wrong_check_digit_.empty() && same.empty() &&
                         exempt_.empty() && not_enrolled_.empty() && unconfirmable_.empty();
    out << "  " << tr("insurer {}: PMH key errors to be expected", insurer) << '\n';
    if (nothing) out << "    " << tr("none") << '\n';
    for (const auto& [municipality, persons] : without_number_)
        write_persons(out,
                      municipality.empty()
                          ? tr("no マイナンバー: held until it is in the core system")
                          : tr("no マイナンバー (住所地特例): look in the application first, then ask "
                               "municipality {}",
                               municipality),
                      persons);
    write_persons(out, tr("the マイナンバー is no valid one: held until it is corrected"),
                  wrong_check_digit_);
    for (const Persons& group : same)
        write_persons(out, tr("have the same マイナンバー: find out whose it is"), group);
    write_persons(out, tr("exempt (生活保護): probably not known to the 中間サーバー"), exempt_);
    write_persons(out, tr("not enrolled: probably not known to the 中間サーバー"), not_enrolled_);
    write_persons(out, tr("enrolment cannot be confirmed: perhaps not known to the 中間サーバー"),
                  unconfirmable_);
}

}  // namespace kaigo::jobs
