#include "jobs/present/checks.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "jobs/runtime/json_text.h"

namespace kaigo::jobs {

void write_checks(std::ostream& out, const std::vector<Check>& checks) {
    for (const Check& check : checks) {
        out << fmt::format("{:<8} {:<14} {}\n", level_name(check.level), check.name, check.text);
        if (!check.remedy.empty()) out << fmt::format("{:<24} → {}\n", "", check.remedy);
    }
}

boost::json::array checks_json(const std::vector<Check>& checks) {
    boost::json::array out;
    for (const Check& check : checks)
        out.push_back(boost::json::object{{"level", level_name(check.level)},
                                          {"check", check.name},
                                          {"text", check.text},
                                          {"remedy", json_text(check.remedy)}});
    return out;
}

}  // namespace kaigo::jobs
