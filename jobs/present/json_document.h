#pragma once
// JSON documents on a stream.

#include <boost/json/value.hpp>
#include <iosfwd>

#include "jobs/runtime/json_text.h"

namespace kaigo::jobs {

/// One document and a line end.
void write_json(std::ostream& out, const boost::json::value& value);

}  // namespace kaigo::jobs
