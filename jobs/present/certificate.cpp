#include "jobs/present/certificate.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/i18n.h"
#include "crypto/crypto.h"
#include "jobs/present/html_text.h"
#include "jobs/sync/proof/reconcile.h"
#include "jobs/words/words.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

/// A person is shown this many differences of a kind; the JSON document names the others.
constexpr std::size_t kShown = 50;

std::string number_of(const json::value& value) { return fmt::format("{}", value.to_number<std::int64_t>()); }
std::string text_of(const json::value& value) {
    return value.is_string() ? std::string(value.as_string()) : std::string();
}

std::string difference_in_words(std::string_view what) {
    switch (value_of(kDifferenceNames, what).value_or(Difference::What::not_compared)) {
        case Difference::What::not_compared:
            return tr("new in the source, not compared yet");
        case Difference::What::changed_since:
            return tr("changed in the source since it was registered");
        case Difference::What::gone_since:
            return tr("no longer in the source, still on the platform");
        case Difference::What::unconfirmed:
            return tr("registered by the ledger, but no reception confirms it");
    }
    return std::string(what);
}

/// Lines of a certificate, each a title and what it says; kinds and their parts in the order of the document.
struct Lines {
    std::vector<std::pair<std::string, std::string>> head;
    struct Kind {
        std::string title;
        std::vector<std::pair<std::string, std::string>> lines;
        std::vector<std::string> differences;
        std::size_t unnamed = 0;
    };
    std::vector<Kind> kinds;
};

Lines::Kind kind_lines(const spec::Specification& specification, const json::object& kind) {
    Lines::Kind out;
    const std::string id = text_of(kind.at("kind"));
    out.title = kind_in_words(specification, id) + " (" + id + ")";
    const auto add = [&](const std::string& title, const json::value& number) {
        out.lines.emplace_back(title, number_of(number));
    };
    const json::object& rows = kind.at("rows").as_object();
    add(tr("rows in the source"), rows.at("read"));
    add(tr("registered, the same as in the source"), rows.at("registered"));
    add(tr("taken by offices: the platform's own"), rows.at("platformOwned"));
    for (const json::value& each : kind.at("exceptions").as_array()) {
        const std::string state = text_of(each.at("state"));
        const std::string reason = text_of(each.at("reason"));
        const std::string words = state_in_words(state);
        add(reason.empty() ? words : words + ": " + reason_in_words(specification, reason), each.at("count"));
    }
    for (const auto& [member, what] : {std::pair("notCompared", Difference::What::not_compared),
                                       {"changedSince", Difference::What::changed_since}})
        if (rows.at(member).to_number<std::int64_t>() > 0)
            add(difference_in_words(name_of(kDifferenceNames, what)), rows.at(member));
    add(tr("rows that repeat a key"), rows.at("duplicates"));
    add(tr("rows whose key cannot be read"), rows.at("unreadable"));
    if (!rows.at("closed").as_bool()) out.lines.emplace_back(tr("THE SUMS DO NOT CLOSE"), "");
    for (const auto& [member, what] : {std::pair("goneSince", Difference::What::gone_since),
                                       {"unconfirmed", Difference::What::unconfirmed}})
        if (kind.at(member).to_number<std::int64_t>() > 0)
            add(difference_in_words(name_of(kDifferenceNames, what)), kind.at(member));
    const json::object& receptions = kind.at("receptions").as_object();
    add(tr("receptions whose results were all taken"), receptions.at("settled"));
    add(tr("records in them"), receptions.at("settledRecords"));
    add(tr("requests that came to nothing and were replaced"), receptions.at("refused"));
    add(tr("requests under way"), receptions.at("open"));
    std::int64_t same = 0;
    const json::array& ranges = kind.at("ranges").as_array();
    for (const json::value& range : ranges) same += range.at("same").as_bool() ? 1 : 0;
    out.lines.emplace_back(tr("ranges of keys whose digests agree"),
                           fmt::format("{} / {}", same, ranges.size()));
    const json::array& differences = kind.at("differences").as_array();
    for (const json::value& each : differences) {
        if (out.differences.size() == kShown) break;
        out.differences.push_back(text_of(each.at("key")) + "  " +
                                  difference_in_words(text_of(each.at("what"))));
    }
    out.unnamed = differences.size() - out.differences.size();
    return out;
}

Lines lines_of(const spec::Specification& specification, const std::string& text) {
    const json::value document = json::parse(text);
    const auto member = [&](const char* key) { return text_of(document.at(key)); };
    Lines out;
    out.head = {
        {tr("insurer"), member("insurer") + " " + member("name")},
        {tr("made"), member("madeAt")},
        {tr("run"), fmt::format("{} ({})", number_of(document.at("run")), member("job"))},
        {tr("result"), document.at("complete").as_bool()
                           ? tr("complete: every row of the source is accounted for")
                           : tr("not complete: {} differences", number_of(document.at("differences")))},
        {tr("program"), member("program")},
        {tr("interface specification"),
         member("specification") + " (" + member("specificationFingerprint") + ")"},
        {tr("digest key"), member("digestKey")}};
    if (const json::value* setup = document.as_object().if_contains("setup");
        setup != nullptr && setup->is_object())
        out.head.emplace_back(
            tr("initial setup"),
            tr("base date {}, begun {}, {} minutes", text_of(setup->at("baseDate")),
               text_of(setup->at("begunAt")), setup->at("seconds").to_number<std::int64_t>() / 60));
    out.head.emplace_back("SHA-256", sha256_hex(text));
    for (const json::value& kind : document.at("kinds").as_array())
        out.kinds.push_back(kind_lines(specification, kind.as_object()));
    return out;
}

std::string title() { return tr("Certificate of reconciliation"); }

std::string as_text(const Lines& lines) {
    std::string out = title() + "\n";
    for (const auto& [what, text] : lines.head) out += fmt::format("  {}: {}\n", what, text);
    for (const auto& kind : lines.kinds) {
        out += kind.title + "\n";
        for (const auto& [what, text] : kind.lines) out += fmt::format("  {:>12}  {}\n", text, what);
        for (const std::string& each : kind.differences) out += "    " + each + "\n";
        if (kind.unnamed > 0)
            out += "    " + tr("and {} more: --format json names them", kind.unnamed) + "\n";
    }
    return out;
}

std::string as_html(const Lines& lines) {
    std::string out;
    const auto table = [&](const std::vector<std::pair<std::string, std::string>>& rows, bool figures) {
        out += "<table>";
        for (const auto& [what, text] : rows)
            out += (figures ? "<tr><th scope=\"row\">" : "<tr><th>") + escape_html(what) + "</th>" +
                   (figures ? number_cell(text) : cell(text)) + "</tr>\n";
        out += "</table>\n";
    };
    table(lines.head, false);
    for (const auto& kind : lines.kinds) {
        out += "<h2>" + escape_html(kind.title) + "</h2>\n";
        table(kind.lines, true);
        if (kind.differences.empty()) continue;
        out += "<ul>";
        for (const std::string& each : kind.differences) out += "<li>" + escape_html(each) + "</li>";
        if (kind.unnamed > 0)
            out += "<li>" + escape_html(tr("and {} more: --format json names them", kind.unnamed)) + "</li>";
        out += "</ul>\n";
    }
    return out;
}

}  // namespace

std::string certificates_as(const std::string& format, const spec::Specification& specification,
                            const std::vector<std::string>& documents, const std::string& language) {
    if (format == "json") {
        std::string out;
        for (const std::string& each : documents) out += (out.empty() ? "" : ",") + each;
        return "{\"certificates\":[" + out + "]}\n";
    }
    std::string out = format == "html" ? html_begin(title(), language) : std::string();
    for (const std::string& each : documents) {
        const Lines lines = lines_of(specification, each);
        out += format == "html" ? as_html(lines) : as_text(lines);
    }
    return format == "html" ? out + "</body></html>\n" : out;
}

}  // namespace kaigo::jobs
