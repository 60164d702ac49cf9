#pragma once
// Checks of this host for people and for programs.

#include <boost/json/array.hpp>
#include <iosfwd>
#include <vector>

#include "jobs/checks/check.h"

namespace kaigo::jobs {

void write_checks(std::ostream& out, const std::vector<Check>& checks);
boost::json::array checks_json(const std::vector<Check>& checks);

}  // namespace kaigo::jobs
