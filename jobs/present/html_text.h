#pragma once
// Pieces of an HTML file that needs nothing from outside: no scripts, A4.

#include <cstdint>
#include <string>
#include <vector>

namespace kaigo::jobs {

std::string escape_html(const std::string& text);
std::string cell(const std::string& text);
std::string cell(std::int64_t number);
/// A figure that is text already, such as "3 / 4".
std::string number_cell(const std::string& number);
/// Opens a table; the caller closes it.
std::string header(const std::vector<std::string>& titles);
/// Up to the opened body, its heading included.
std::string html_begin(const std::string& title, const std::string& language);

}  // namespace kaigo::jobs
