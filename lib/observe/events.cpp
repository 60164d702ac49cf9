#include "observe/events.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/i18n.h"
#include "base/text.h"

namespace kaigo::observe {

std::string_view name_of(Severity severity) {
    switch (severity) {
        case Severity::error:
            return "error";
        case Severity::warning:
            return "warning";
        case Severity::notice:
            return "notice";
        case Severity::info:
            return "info";
    }
    return {};
}

const std::vector<EventInfo>& all_events() {
    static const std::vector<EventInfo> kEvents = {
        // The daemon.
        {"started", Severity::notice, N_("the daemon is ready"), ""},
        {"stopping", Severity::notice, N_("the daemon was told to stop, and lets what is under way end"), ""},
        {"stopped", Severity::notice, N_("the daemon has ended"), ""},
        {"drain-limit", Severity::warning,
         N_("jobs did not end in time after the stop; the next start settles what they left"), ""},
        {"fatal", Severity::error, N_("the daemon ends itself: what it wrote last cannot be believed"),
         N_("check the disk; systemd starts it anew, and the ledger is checked then")},
        {"trouble-at-start", Severity::error,
         N_("a certificate or mapping of some insurers cannot be used; the other insurers go on"),
         N_("mend what is named, then: systemctl reload kaigo-gatewayd")},
        {"reloaded", Severity::notice,
         N_("configuration, specification, mappings and certificates are read anew"), ""},
        {"reload-refused", Severity::error, N_("what is installed has faults: the old state is kept"),
         N_("mend what is named, then: systemctl reload kaigo-gatewayd")},
        {"certificate-renewed", Severity::notice, N_("a renewed certificate is used from now on"), ""},
        {"certificate-not-usable", Severity::error,
         N_("a new certificate on the disk cannot be used: the old one is kept"),
         N_("install certificate and private key of one issue")},
        {"certificate-ends-soon", Severity::warning, N_("a client certificate ends soon"),
         N_("have it renewed; the daemon takes the new pair by itself")},
        {"housekeeping", Severity::info, N_("what is past its retention was deleted"), ""},
        {"disk-low", Severity::warning, N_("little room is left where the ledger lies"),
         N_("make room: a full disk stops every job")},
        {"stalled", Severity::error, N_("a job has not moved for long: the watchdog is no longer fed"),
         N_("systemd starts the daemon anew; report it to the vendor with a support bundle")},
        // Control.
        {"control-refused", Severity::warning, N_("someone without the right asked for something"),
         N_("if they should have it, add them to the group of operators or viewers")},
        {"control-request", Severity::info, N_("someone asked for something that changes the state"), ""},
        // Jobs.
        {"run-begun", Severity::info, N_("a job began"), ""},
        {"run-ended", Severity::info, N_("a job ended; all is well"), ""},
        {"run-needs-person", Severity::warning, N_("a job ended, and something waits for a person"),
         N_("see it with: kaigo-gateway report")},
        {"run-later", Severity::notice, N_("a job could not do all of its work now; it is tried again"), ""},
        {"run-failed", Severity::error, N_("a job failed"), N_("see it with: kaigo-gateway jobs")},
        {"job-trouble", Severity::warning, N_("a job met with an error"), N_("the error says what to do")},
        // Alarms of the exchange with the platform; they stand in the ledger too.
        {"request-id-conflict", Severity::error, N_("the platform knows this requestId with another content"),
         N_("report it to the vendor; the records go out again under another id, and are held when that "
            "happens too often")},
        {"request-refused", Severity::error, N_("the platform refused a whole request"),
         N_("see it with: kaigo-gateway held list (held after the fifth refusal)")},
        {"answered-on-the-way", Severity::error,
         N_("something between here and the platform answers in its place"),
         N_("ask who runs the proxy or gateway; nothing is lost, and it is tried again")},
        {"batch-aborted", Severity::warning,
         N_("the platform aborted a request; its records go out again, and are held when that happens too "
            "often"),
         ""},
        {"results-unreadable", Severity::warning,
         N_("results of a request cannot be read; they are asked for again"),
         N_("if it stays so, report it to the platform's operator")},
        {"results-incomplete", Severity::warning,
         N_("the platform has no result for some records of a request"),
         N_("report it to the platform's operator")},
        {"result-of-unknown-record", Severity::warning,
         N_("results name records that were not in the request"), N_("report it to the platform's operator")},
        {"result-needs-person", Severity::warning, N_("a result is of a kind that a person must look at"),
         N_("see it with: kaigo-gateway report; one person with: kaigo-gateway explain")},
        {"unknown-reception", Severity::warning,
         N_("the platform names receptions that this ledger does not know"),
         N_("if the ledger was put back from a backup: nothing, the next daily-sync takes over what they "
            "registered; "
            "else report it to the vendor")},
        {"spool-file-lost", Severity::warning,
         N_("the kept body of a request was lost; its records are read from the source again"), ""},
        {"evidence-unreadable", Severity::warning,
         N_("the evidence for cases cannot be read; no case moves by it"),
         N_("correct the mapping's part evidence")},
    };
    return kEvents;
}

void JsonEvents::record(std::string_view id, Fields fields) {
    const auto& events = all_events();
    const auto found =
        std::find_if(events.begin(), events.end(), [&](const EventInfo& e) { return e.id == id; });
    if (found == events.end()) throw std::logic_error("an event that stands in no list: " + std::string(id));
    std::string line = R"({"time":)";
    append_json_string(line, format_instant(clock_.now()));
    line += R"(,"level":)";
    append_json_string(line, name_of(found->severity));
    line += R"(,"event":)";
    append_json_string(line, id);
    line += R"(,"what":)";
    append_json_string(line, translate(found->what));
    for (const auto& [name, value] : fields) {
        if (value.empty()) continue;
        line += ',';
        append_json_string(line, name);
        line += ':';
        // Texts of peers and the platform might not be UTF-8: a line that is not JSON would be lost to every
        // reader.
        append_json_string(line, is_well_formed(value) ? std::string_view(value) : "(not UTF-8)");
    }
    if (*found->remedy != '\0') {
        line += R"(,"remedy":)";
        append_json_string(line, translate(found->remedy));
    }
    line += '}';
    const Lock lock(mutex_);
    std::string whole = priorities_ ? fmt::format("<{}>", static_cast<int>(found->severity)) : std::string();
    whole += line;
    whole += '\n';
    write_(whole);
    if (recent_.size() < kRecent) {
        recent_.push_back(std::move(line));
    } else {
        recent_[next_] = std::move(line);
        next_ = (next_ + 1) % kRecent;
    }
}

std::vector<std::string> JsonEvents::recent() const {
    const Lock lock(mutex_);
    std::vector<std::string> out(recent_.begin() + static_cast<std::ptrdiff_t>(next_), recent_.end());
    out.insert(out.end(), recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(next_));
    return out;
}

}  // namespace kaigo::observe
