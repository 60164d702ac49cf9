#pragma once
// The certificate of a reconciliation for people.

#include <string>
#include <vector>

#include "spec/spec.h"

namespace kaigo::jobs {

/// Kept certificates of one run, one an insurer.
/// @param format  text, html or json
std::string certificates_as(const std::string& format, const spec::Specification& specification,
                            const std::vector<std::string>& documents, const std::string& language);

}  // namespace kaigo::jobs
