#pragma once
// The linkage report as a document.

#include <string>

#include "jobs/operate/linkage_report.h"

namespace kaigo::jobs {

std::string as_text(const LinkageReport& report, const spec::Specification& specification);
std::string as_json(const LinkageReport& report);
/// One table: section, insurer, kind, what, count.
std::string as_csv(const LinkageReport& report, const spec::Specification& specification);
/// One file without anything outside it, for A4.
std::string as_html(const LinkageReport& report, const spec::Specification& specification,
                    const std::string& language);

}  // namespace kaigo::jobs
