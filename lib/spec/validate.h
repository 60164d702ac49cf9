#pragma once
// Is a record what the specification asks for?

#include <string>
#include <string_view>
#include <vector>

#include "base/date.h"
#include "base/identifiers.h"
#include "spec/record.h"

namespace kaigo::spec {

/// One breach of a rule. Names items and rules, never values.
struct Finding {
    std::string path;         ///< items from the record's root: survey.items.1-3
    std::string_view rule;    ///< required, unreadable, type, empty, length, charset, encoding, code, range,
                              ///< order, check-digit, unique, my-number-missing
    std::string_view family;  ///< which validation error of the catalogue it is: required, length, charset, …
    Severity severity = Severity::error;
};

struct ValidationSettings {
    Date today;
    MyNumberCheck my_number_check = MyNumberCheck::real;
    /// Rules on context items cannot be checked by who has only what was sent.
    bool has_context = true;
};

/// All breaches. A missing マイナンバー is a finding of its own rule, `my-number-missing`: it blocks, not
/// rejects.
void validate(const Record& record, const ValidationSettings& settings, std::vector<Finding>& findings);

inline constexpr std::string_view kMyNumberMissing = "my-number-missing";

}  // namespace kaigo::spec
