#include "jobs/json_text.h"

#include <boost/json/serialize.hpp>

namespace kaigo::jobs {

void write_json(std::ostream& out, const boost::json::value& value) {
    out << boost::json::serialize(value) << '\n';
}

}  // namespace kaigo::jobs
