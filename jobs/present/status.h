#pragma once
// The state of everything for people and for programs.

#include <boost/json/object.hpp>
#include <iosfwd>

#include "jobs/operate/status.h"

namespace kaigo::jobs {

void write_status(std::ostream& out, const OverallStatus& status);
boost::json::object status_json(const OverallStatus& status);

}  // namespace kaigo::jobs
