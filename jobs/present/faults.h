#pragma once
// Faults of files, for programs.

#include <boost/json/array.hpp>

#include "base/yaml.h"

namespace kaigo::jobs {

inline boost::json::array faults_json(const Faults& faults) {
    boost::json::array out;
    for (const Fault& fault : faults.list())
        out.push_back(boost::json::object{{"file", fault.file},
                                          {"line", fault.line},
                                          {"column", fault.column},
                                          {"message", fault.message}});
    return out;
}

}  // namespace kaigo::jobs
