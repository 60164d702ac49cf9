#include "jobs/present/html_text.h"

#include <fmt/format.h>

namespace kaigo::jobs {
namespace {

constexpr const char* kStyle = R"css(
@page { size: A4; margin: 15mm }
body { font: 10.5pt/1.5 "Noto Sans JP", "Noto Sans CJK JP", "Yu Gothic", Meiryo, sans-serif; color: #222; max-width: 180mm; margin: 0 auto }
h1 { font-size: 15pt; margin: 0 0 2mm }
h2 { font-size: 12pt; margin: 6mm 0 2mm; border-bottom: 1px solid #888; break-after: avoid }
table { border-collapse: collapse; width: 100%; margin-bottom: 3mm }
tr { break-inside: avoid }
thead { display: table-header-group }
th, td { border: 1px solid #bbb; padding: 0.6mm 1.5mm; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { background: #eee; font-weight: 600 }
th[scope=row] { width: 65% }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
ul.todo { margin: 0; padding-left: 6mm; font-size: 11.5pt }
.made { color: #666; font-size: 9pt }
.bad { color: #a00; font-weight: 600 }
svg { display: block }
)css";

}  // namespace

std::string escape_html(const std::string& text) {
    std::string out;
    for (const char c : text) switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    return out;
}

std::string cell(const std::string& text) { return "<td>" + escape_html(text) + "</td>"; }

std::string number_cell(const std::string& number) {
    return "<td class=\"n\">" + escape_html(number) + "</td>";
}
std::string cell(std::int64_t number) { return number_cell(std::to_string(number)); }

std::string header(const std::vector<std::string>& titles) {
    // In a thead, so that every printed page begins with it.
    std::string out = "<table><thead><tr>";
    for (const std::string& title : titles) out += "<th>" + escape_html(title) + "</th>";
    return out + "</tr></thead>\n";
}

std::string html_begin(const std::string& title, const std::string& language) {
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"{0}\"><head><meta "
        "charset=\"utf-8\"><title>{1}</title><style>{2}</style></head>\n"
        "<body><h1>{1}</h1>\n",
        escape_html(language), escape_html(title), kStyle);
}

}  // namespace kaigo::jobs
