#pragma once
// What the rows of a source break, for people and for programs.

#include <boost/json/value.hpp>
#include <iosfwd>

#include "jobs/sync/before_setup/validation.h"

namespace kaigo::jobs {

void write_validation(std::ostream& out, const std::vector<KindValidation>& kinds);
boost::json::value validation_json(const Validation& validation);

}  // namespace kaigo::jobs
