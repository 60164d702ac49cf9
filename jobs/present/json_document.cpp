#include "jobs/present/json_document.h"

#include <boost/json/serialize.hpp>
#include <ostream>

namespace kaigo::jobs {

void write_json(std::ostream& out, const boost::json::value& value) {
    out << boost::json::serialize(value) << '\n';
}

}  // namespace kaigo::jobs
