#pragma once
// Which persons' records will meet a PMHキー error, as far as the source tells before anything is sent.

#include <array>
#include <map>
#include <string>
#include <vector>

#include "crypto/crypto.h"
#include "mapping/evidence.h"
#include "registration/pmh_case.h"
#include "spec/record.h"
#include "spec/validate.h"

namespace kaigo::jobs {

using Persons = std::vector<std::string>;  ///< 被保険者番号
/// Persons by what will go wrong.
struct SetupForecast {
    std::map<std::string, Persons> without_number;  ///< by municipality to ask; empty: none
    Persons wrong_check_digit;
    std::vector<Persons> same_number;  ///< persons whose number others have too, group by group
    Persons exempt;
    Persons not_enrolled;
    Persons unconfirmable;
};

/// Finds out what is to be forecast. One for each insurer.
class SetupForecaster {
  public:
    /// @param secret  32 random bytes: numbers are compared by digests under a key of this process
    explicit SetupForecaster(std::string_view secret) : digest_(secret) {}

    /// Rows come in any order.
    /// @param key       as spec::append_key made it
    /// @param findings  of this record
    void take(const spec::Record& record, const std::string& key, const std::vector<spec::Finding>& findings);
    /// After the last row: what the source says of each person.
    /// @param evidence  null: the mapping names none
    Result<SetupForecast> finish(mapping::EvidenceReader* evidence);

  private:
    std::vector<Persons> same_numbers();

    Hmac digest_;
    Persons without_number_all_;
    SetupForecast forecast_;
    /// 26 bytes a person: of the check's memory what grows with the city.
    struct NumberOf {
        Digest digest;
        std::array<char, spec::kInsuredNumberWidth> insured;
        std::string_view person() const { return {insured.data(), insured.size()}; }
        auto operator<=>(const NumberOf&) const = default;
    };
    std::vector<NumberOf> numbers_;
};

}  // namespace kaigo::jobs
