#pragma once
// Every key of the configuration file, for its manual page.

#include <string_view>
#include <vector>

namespace kaigo::config {

struct KeyHelp {
    std::string_view key;         ///< with the sections it stands in; [] is an element of a list
    std::string_view form;        ///< how its value is written
    std::string_view by_default;  ///< empty: it must be given, or has no value
    const char* help;             ///< a message of the catalogs
};

const std::vector<KeyHelp>& all_keys();

}  // namespace kaigo::config
