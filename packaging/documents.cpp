// Writes what the packages carry beside the programs: manual pages in both languages, the completion for
// bash, and docs/events.md. One source: the programs' own options, keys and events.
//
//   documents manuals FOLDER     FOLDER/man1/… and FOLDER/ja/man1/…
//   documents completion         the script, on standard output
//   documents events             docs/events.md, on standard output
//   documents metrics            docs/metrics.md, on standard output

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "base/i18n.h"
#include "config/keys.h"
#include "jobs/commands/registry.h"
#include "jobs/words/case_words.h"
#include "observe/events.h"
#include "observe/metrics.h"

using namespace kaigo;

namespace {

struct Tool {
    const char* name;
    const char* what;
    std::vector<std::pair<const char*, const char*>> options;
};

std::string roff(std::string_view text) {
    std::string out;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
        line_begins = c == '\n';
    }
    return out;
}

class Page {
  public:
    Page(const std::string& name, int section, const std::string& what) {
        out_ << ".TH " << roff(name) << ' ' << section << " \"\" \"kaigo-gateway " << KAIGO_VERSION << "\"\n";
        heading(tr("NAME"));
        out_ << roff(name) << " \\- " << roff(what) << '\n';
    }
    Page& heading(const std::string& title) {
        out_ << ".SH \"" << roff(title) << "\"\n";
        return *this;
    }
    Page& sub_heading(const std::string& title) {
        out_ << ".SS \"" << roff(title) << "\"\n";
        return *this;
    }
    Page& text(const std::string& words) {
        out_ << roff(words) << "\n.PP\n";
        return *this;
    }
    Page& item(const std::string& tag, const std::string& words) {
        out_ << ".TP\n.B " << roff(tag) << '\n' << roff(words.empty() ? " " : words) << '\n';
        return *this;
    }
    bool write(const std::filesystem::path& file) const {
        std::filesystem::create_directories(file.parent_path());
        std::ofstream stream(file);
        stream << out_.str();
        return stream.flush().good();
    }

  private:
    std::ostringstream out_;
};

/// "--format text|json", "FILE", "--yes".
std::string form_of(const jobs::Option& option) {
    if (option.by_place() || !option.takes_value()) return option.name;
    std::string values;
    for (const std::string& each : option.choices) values += (values.empty() ? "" : "|") + each;
    return option.name + " " + (values.empty() ? tr("VALUE") : values);
}

void commands_of(Page& page) {
    jobs::Arguments arguments;
    for (const jobs::Command& command : jobs::all_commands()) {
        page.sub_heading(std::string(command.path)).text(translate(command.help));
        for (const jobs::Option& option : command.options(arguments)) page.item(form_of(option), option.help);
    }
}

/// Commands that go through the daemon, as a sentence lists them.
std::string remote_commands() {
    std::string out;
    for (const jobs::Command& command : jobs::all_commands())
        if (command.place == jobs::Place::at_daemon)
            out += (out.empty() ? "" : ", ") + std::string(command.path);
    return out;
}

void exit_statuses(Page& page) {
    page.heading(tr("EXIT STATUS"))
        .item("0", tr("done"))
        .item("1", tr("a person must act: it is done and something is left to see to, or it was held and "
                      "nothing went out"))
        .item("2", tr("wrong use"))
        .item("65", tr("bad data: mapping, specification or imported file"))
        .item("69", tr("platform or database unreachable"))
        .item("70", tr("internal error"))
        .item("73", tr("cannot write"))
        .item("75", tr("try again later: closed, locked or busy"))
        .item("77", tr("permission or certificate refused"))
        .item("78", tr("bad configuration"));
}

void findings(Page& page) {
    page.heading(tr("FINDINGS"))
        .text(tr("What --finding of cases decide says, at the steps of the ministry's procedure:"));
    for (const auto finding : registration::kFindings) {
        std::string effects;
        for (const auto& [state, name] : registration::kCaseStateNames) {
            const auto to = registration::next_case_state(state, finding);
            if (!to || !registration::is_open(state)) continue;
            if (!effects.empty()) effects += " ";
            effects += jobs::step_number(state) + ": " + jobs::effect_in_words(state, finding) + ".";
        }
        page.item(std::string(name_of(registration::kCaseEventNames, finding)),
                  jobs::case_event_in_words(finding) + ". " + effects);
    }
}

Page gateway_page() {
    Page page("kaigo-gateway", 1, tr("the municipality's side of 介護情報基盤"));
    page.heading(tr("SYNOPSIS")).text("kaigo-gateway [--config FILE] COMMAND …");
    page.heading(tr("DESCRIPTION"))
        .text(tr(
            "Runs the jobs of linkage, shows where every record stands and why, and takes the decisions of "
            "operators. Where the daemon runs, some commands go through its control socket: {}. Elsewhere "
            "they work in this process.",
            remote_commands()));
    page.heading(tr("OPTIONS"));
    page.item("--config FILE", tr("configuration file"));
    page.heading(tr("COMMANDS"));
    commands_of(page);
    findings(page);
    exit_statuses(page);
    page.heading(tr("EXAMPLES"))
        .item("kaigo-gateway validate-mapping", tr("what of the source can be sent, and why the rest cannot"))
        .item("kaigo-gateway run initial-setup --dry-run", tr("how much a setup would send"))
        .item("kaigo-gateway run daily-sync --quiet", tr("the line for cron: nothing is printed on success"))
        .item("kaigo-gateway explain --insured 0000000062", tr("where this person's records stand, and why"))
        .item("kaigo-gateway cases export cases.csv",
              tr("the work list for a spreadsheet; cases import takes it back"))
        .item("kaigo-gateway cases decide --insured 0000000062 --finding mynumber-correct",
              tr("one answer; the command repeats the person, the question and what follows"));
    page.heading(tr("FILES")).item("/etc/kaigo-gateway/kaigo-gateway.yaml", tr("the configuration"));
    page.heading(tr("SEE ALSO")).text("kaigo-gatewayd(8), kaigo-gateway.yaml(5)");
    page.text(tr("The clerks' handbook (Japanese): /usr/share/doc/kaigo-gateway/operations.ja.md"));
    return page;
}

Page daemon_page() {
    Page page("kaigo-gatewayd", 8, tr("runs the jobs of kaigo-gateway by their schedule"));
    page.heading(tr("SYNOPSIS")).text("kaigo-gatewayd [--config FILE]");
    page.heading(tr("DESCRIPTION"))
        .text(tr(
            "Starts the jobs of every insurer by its schedule, catches up what was missed, fetches results, "
            "repeats what is due, takes renewed certificates into use, and answers commands on its control "
            "socket and "
            "monitoring on its address. It tells what happens as lines of JSON on standard error; the list "
            "of "
            "events stands in events.md beside this package's documents."));
    page.heading(tr("SIGNALS"))
        .item("SIGTERM, SIGINT", tr("lets what is under way end, then ends; the second one ends at once"))
        .item("SIGHUP",
              tr("reads configuration, specification, mappings and certificates anew; with any fault in "
                 "them everything stays as it was"));
    exit_statuses(page);
    page.heading(tr("SEE ALSO")).text("kaigo-gateway(1), kaigo-gateway.yaml(5)");
    return page;
}

Page configuration_page() {
    Page page("kaigo-gateway.yaml", 5, tr("configuration of kaigo-gateway and kaigo-gatewayd"));
    page.heading(tr("DESCRIPTION"))
        .text(tr(
            "A YAML file. Unknown and doubled keys are errors, told all at once with line and column. "
            "Relative "
            "paths are relative to the file. Secrets are files, never values; credential:NAME is a systemd "
            "credential. A DURATION is an integer and ms, s, m, h or d; a SIZE an integer and B, KiB, MiB or "
            "GiB. All times are Japan's."));
    page.heading(tr("KEYS"));
    for (const config::KeyHelp& key : config::all_keys()) {
        std::string words = translate(key.help);
        if (!key.by_default.empty()) words += " " + tr("Default: {}", key.by_default);
        page.item(std::string(key.key) + ": " + std::string(key.form), words);
    }
    page.heading(tr("SEE ALSO")).text("kaigo-gateway(1), kaigo-gatewayd(8)");
    return page;
}

const std::vector<Tool>& tools() {
    static const std::vector<Tool> kTools = {
        {"kaigo-platform-sim",
         N_("stand-in for the platform and the intermediate server behind it"),
         {{"--listen HOST:PORT", N_("where to listen")},
          {"--certificate FILE", N_("its certificate")},
          {"--private-key FILE", N_("the private key of that certificate")},
          {"--client-ca FILE", N_("whose client certificates are accepted")},
          {"--interface-spec DIR", N_("folder of the interface specification")},
          {"--state FILE", N_("database in which it keeps what it was sent")},
          {"--seed N", N_("seed of everything that is left to chance")},
          {"--scenario FILE", N_("faults and moods to show; read again at SIGHUP")},
          {"--sink", N_("accept, answer and count, but validate and store nothing")}}},
        {"kaigo-sample-db",
         N_("writes a synthetic database of a municipality"),
         {{"--persons N", N_("how many insured persons")},
          {"--seed N", N_("the same seed writes the same database")},
          {"--insurer NO", N_("保険者番号")},
          {"--output FILE", N_("the database")},
          {"--dense", N_("exactly one certification and one consent a person")},
          {"--schema NAME", N_("whose tables to write")},
          {"--advance-days D", N_("let so many days of change come over an existing database")}}}};
    return kTools;
}

Page tool_page(const Tool& tool) {
    Page page(tool.name, 1, translate(tool.what));
    page.heading(tr("OPTIONS"));
    for (const auto& [form, words] : tool.options) page.item(form, translate(words));
    page.heading(tr("SEE ALSO")).text("kaigo-gateway(1)");
    return page;
}

bool write_manuals(const std::filesystem::path& folder) {
    bool good = true;
    for (const auto& [language, in] : {std::pair{"en", ""}, std::pair{"ja", "ja"}}) {
        set_language(language);
        const std::filesystem::path here = folder / in;
        good = good && gateway_page().write(here / "man1/kaigo-gateway.1") &&
               daemon_page().write(here / "man8/kaigo-gatewayd.8") &&
               configuration_page().write(here / "man5/kaigo-gateway.yaml.5");
        for (const Tool& tool : tools())
            good = good && tool_page(tool).write(here / "man1" / (std::string(tool.name) + ".1"));
    }
    return good;
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

/// What can follow each command, and the values of each option.
void write_completion() {
    set_language("en");
    std::map<std::string, std::vector<std::string>> words;
    std::map<std::string, std::string> values;
    std::set<std::string> files = {"--config"};
    jobs::Arguments arguments;
    for (const jobs::Command& command : jobs::all_commands()) {
        const std::string path(command.path);
        const std::size_t space = path.find(' ');
        const std::string group = space == std::string::npos ? "" : path.substr(0, space);
        std::vector<std::string>& first = words[""];
        const std::string& leading = group.empty() ? path : group;
        if (std::ranges::find(first, leading) == first.end()) first.push_back(leading);
        if (!group.empty()) words[group].push_back(path.substr(space + 1));
        std::vector<std::string>& here = words[path];
        for (const jobs::Option& option : command.options(arguments)) {
            if (!option.by_place()) here.push_back(option.name);
            if (option.by_place()) here.insert(here.end(), option.choices.begin(), option.choices.end());
            if (!option.by_place() && !option.choices.empty())
                values[path + " " + option.name] = joined(option.choices);
            if (option.name == "FILE") files.insert(path.substr(space + 1));
            if (option.name == "--output") files.insert(option.name);
        }
    }
    std::string file_words;
    for (const std::string& each : files) file_words += (file_words.empty() ? "" : "|") + each;
    std::cout
        << "# Completion of kaigo-gateway for bash.\n"
           "_kaigo_gateway() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path= word "
           "words=\n"
           "    case $previous in\n"
           "        "
        << file_words
        << ") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
           "    esac\n"
           "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "        case \"$path $word\" in\n";
    for (const auto& [path, following] : words)
        if (!path.empty())
            std::cout << "            '" << (path.find(' ') == std::string::npos ? " " : "") << path
                      << "') path='" << path << "' ;;\n";
    std::cout << "        esac\n"
                 "    done\n"
                 "    case \"$path $previous\" in\n";
    for (const auto& [option, choices] : values)
        std::cout << "        '" << option << "') words='" << choices << "' ;;\n";
    std::cout << "        *)\n"
                 "            case $path in\n";
    for (const auto& [path, following] : words)
        std::cout << "                '" << path << "') words='" << joined(following) << "' ;;\n";
    std::cout << "            esac ;;\n"
                 "    esac\n"
                 "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                 "}\n"
                 "complete -F _kaigo_gateway kaigo-gateway\n";
}

void write_events() {
    set_language("en");
    std::cout << "# Events\n\n"
                 "Written by `documents events` from lib/observe/events.cpp.\n\n"
                 "`kaigo-gatewayd` writes one line of JSON to standard error for each event; under systemd "
                 "they stand\n"
                 "in the journal: `journalctl -u kaigo-gatewayd -o cat`. Every line has `time`, `level`, "
                 "`event` and "
                 "`what`;\nfields with a value follow (`insurer`, `job`, `run`, `error`, counts), and "
                 "`remedy` where a "
                 "person can do\nsomething. Names are stable. No line holds personal data.\n\n"
                 "| event | level | what | what to do |\n|---|---|---|---|\n";
    for (const observe::EventInfo& event : observe::all_events())
        std::cout << "| `" << event.id << "` | " << observe::name_of(event.severity) << " | " << event.what
                  << " | " << event.remedy << " |\n";
}

void write_metrics() {
    std::cout
        << "# Metrics\n\n"
           "Written by `documents metrics` from lib/observe/metrics.cpp.\n\n"
           "`/metrics` of `kaigo-gatewayd` (`http: {listen: …}`) tells these gauges in Prometheus's text "
           "form. Labels are\n"
           "insurers, kinds, states and jobs, never persons; `run_job` is the job of a run (`job` is "
           "Prometheus's own).\n\n"
           "| metric | labels | what |\n|---|---|---|\n";
    for (const observe::MetricInfo& metric : observe::all_metrics())
        std::cout << "| `kaigo_" << metric.name << "` | " << metric.labels << " | " << metric.help << " |\n";
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "manuals" && argc == 3) return write_manuals(argv[2]) ? 0 : 1;
    if (what == "completion") {
        write_completion();
    } else if (what == "events") {
        write_events();
    } else if (what == "metrics") {
        write_metrics();
    } else {
        std::cerr << "usage: documents manuals FOLDER | completion | events | metrics\n";
        return 2;
    }
    return 0;
}
