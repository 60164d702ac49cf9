// Writes what the packages carry beside the programs: manual pages in both languages, the completion for
// bash, and docs/events.md. One source: the programs' own options, keys and events.
//
//   documents manuals FOLDER     FOLDER/man1/… and FOLDER/ja/man1/…
//   documents completion         the script, on standard output
//   documents events             docs/events.md, on standard output

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/i18n.h"
#include "config/keys.h"
#include "jobs/words/case_words.h"
#include "jobs/cli/command_line.h"
#include "observe/events.h"

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

void options_of(Page& page, const jobs::CommandHelp& command) {
    for (const jobs::OptionHelp& option : command.options) page.item(option.form, option.text);
}

void commands_of(Page& page, const jobs::CommandHelp& command, const std::string& before) {
    for (const jobs::CommandHelp& each : command.commands) {
        const std::string name = before.empty() ? each.name : before + " " + each.name;
        if (!each.commands.empty()) {
            commands_of(page, each, name);
            continue;
        }
        page.sub_heading(name).text(each.text);
        options_of(page, each);
    }
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
    const jobs::CommandHelp help = jobs::command_help();
    Page page("kaigo-gateway", 1, tr("the municipality's side of 介護情報基盤"));
    page.heading(tr("SYNOPSIS")).text("kaigo-gateway [--config FILE] COMMAND …");
    page.heading(tr("DESCRIPTION"))
        .text(tr(
            "Runs the jobs of linkage, shows where every record stands and why, and takes the decisions of "
            "operators. Where the daemon runs, the commands run, jobs, status, explain, held, cases and "
            "report go through its control socket; elsewhere they work in this process."));
    page.heading(tr("OPTIONS"));
    options_of(page, help);
    page.heading(tr("COMMANDS"));
    commands_of(page, help, "");
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

/// One line a command: its path, then what can follow it.
void completion_lines(const jobs::CommandHelp& command, const std::string& path) {
    std::string words;
    for (const jobs::CommandHelp& each : command.commands) words += each.name + " ";
    for (const jobs::OptionHelp& option : command.options)
        if (option.form.starts_with("--")) words += option.form.substr(0, option.form.find(' ')) + " ";
    if (path == "run") words += "initial-setup daily-sync collect-results retry-due reconcile ";
    std::cout << "        '" << path << "') words='" << words << "' ;;\n";
    for (const jobs::CommandHelp& each : command.commands)
        completion_lines(each, path.empty() ? each.name : path + " " + each.name);
}

void write_completion() {
    set_language("en");
    std::cout
        << "# Completion of kaigo-gateway for bash.\n"
           "_kaigo_gateway() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} path= word "
           "words=\n"
           "    case $previous in\n"
           "        --config|--output|export|import|backup) COMPREPLY=($(compgen -f -- \"$current\")); "
           "return ;;\n"
           "        --format) COMPREPLY=($(compgen -W 'text json html csv' -- \"$current\")); return ;;\n"
           "    esac\n"
           "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "        case $word in\n"
           "            "
           "run|jobs|status|explain|doctor|check-spec|validate-mapping|report|support-bundle|held|cases|"
           "audit|ledger) path=$word ;;\n"
           "            list|resend|show|decide|export|import|verify|check|backup|rotate-key)\n"
           "                case $path in held|cases|audit|ledger) path=\"$path $word\" ;; esac ;;\n"
           "        esac\n"
           "    done\n"
           "    case $path in\n";
    completion_lines(jobs::command_help(), "");
    std::cout << "    esac\n"
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

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "";
    if (what == "manuals" && argc == 3) return write_manuals(argv[2]) ? 0 : 1;
    if (what == "completion") {
        write_completion();
    } else if (what == "events") {
        write_events();
    } else {
        std::cerr << "usage: documents manuals FOLDER | completion | events\n";
        return 2;
    }
    return 0;
}
