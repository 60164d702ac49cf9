#pragma once
// Is a record what the specification asks for?

#include <string>
#include <string_view>
#include <vector>

#include "base/date.h"
#include "domain/identifiers.h"
#include "spec/record.h"

namespace kaigo::spec {

/// One breach of a rule. Names items and rules; a value only where its kind may be shown.
struct Finding {
    std::string path;       ///< items from the record's root: survey.items.1-3
    std::string_view rule;  ///< required, type, empty, length, charset, encoding, control, suspicious, code,
                            ///< range, order, check-digit, unique, my-number-missing; of a value that could
                            ///< not be read why: not-a-date, code-not-in-table, bad-bytes, …
    std::string_view family;  ///< which validation error of the catalogue it is: required, length, charset, …
    Severity severity = Severity::error;
    std::string value;  ///< of codes, numbers and yes or no, where it is short; else empty
};

struct ValidationSettings {
    Date today;
    MyNumberCheck my_number_check = MyNumberCheck::real;
    /// False if only what was sent is at hand: rules on context items cannot be checked then.
    bool has_context = true;
};

/// All breaches. A missing マイナンバー is a finding of its own rule, `my-number-missing`: it blocks, not
/// rejects.
void validate(const Record& record, const ValidationSettings& settings, std::vector<Finding>& findings);

/// The same for one value that stands in no record: a mapping's constant.
void validate_value(const Item& item, const Value& value, const ValidationSettings& settings,
                    std::vector<Finding>& findings);

inline constexpr std::string_view kMyNumberMissing = "my-number-missing";

}  // namespace kaigo::spec
