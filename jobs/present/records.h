#pragma once
// Single records, each with its reason and what is next, for people and for programs.

#include <iosfwd>

#include "jobs/operate/explain.h"
#include "jobs/operate/held.h"

namespace kaigo::jobs {

void write_explanation(std::ostream& out, const spec::Specification& specification,
                       const Explanation& explanation, bool json);
/// @param format  text, json or csv
/// @param all     the text does not stop at twenty
void write_held(std::ostream& out, const spec::Specification& specification, const HeldRecords& held,
                const HeldSelection& selection, const std::string& format, bool all);

}  // namespace kaigo::jobs
