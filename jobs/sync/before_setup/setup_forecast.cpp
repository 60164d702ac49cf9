#include "jobs/sync/before_setup/setup_forecast.h"

#include <algorithm>

namespace kaigo::jobs {

namespace fact = registration::fact;

void SetupForecaster::take(const spec::Record& record, const std::string& key,
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
        forecast_.wrong_check_digit.push_back(insured);
        return;
    }
    NumberOf& person = numbers_.emplace_back();
    person.digest = digest_.digest(number.text);
    std::copy_n(insured.begin(), std::min(insured.size(), person.insured.size()), person.insured.begin());
}

Result<SetupForecast> SetupForecaster::finish(mapping::EvidenceReader* evidence) {
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
            forecast_.without_number[facts.residence].push_back(*without++);
            continue;
        }
        const std::string insured(with++->person());
        while (with != numbers_.end() && with->person() == insured) ++with;
        KAIGO_TRY(const auto facts, of(insured));
        if (facts.exemption.value == fact::kExempt)
            forecast_.exempt.push_back(insured);
        else if (facts.enrolment.value == fact::kNotEnrolled)
            forecast_.not_enrolled.push_back(insured);
        else if (facts.enrolment.value == fact::kUnconfirmable)
            forecast_.unconfirmable.push_back(insured);
    }
    without_number_all_.clear();
    forecast_.same_number = same_numbers();
    return std::move(forecast_);
}

std::vector<Persons> SetupForecaster::same_numbers() {
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

}  // namespace kaigo::jobs
