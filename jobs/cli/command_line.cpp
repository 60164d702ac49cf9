#include "jobs/cli/command_line.h"

#include <cstdlib>
#include <sstream>

#include "base/i18n.h"
#include "base/store_failure.h"
#include "jobs/cli/parser.h"
#include "jobs/cli/remote.h"

namespace kaigo::jobs {
namespace {

int place(const Command& command, const Arguments& arguments, Terminal& terminal, int status,
          const std::string& output) {
    if (status == 0 && command.place_output != nullptr)
        return command.place_output(terminal, arguments, output);
    terminal.out << output;
    return status;
}

int in_process(const Command& command, Arguments& arguments, const config::Config& config,
               Environment& environment, Terminal& terminal) {
    if (command.place_output == nullptr) return command.execute({config, environment, terminal}, arguments);
    std::ostringstream printed;
    Terminal inner{printed, terminal.err, terminal.interactive, terminal.ask};
    const int status = command.execute({config, environment, inner}, arguments);
    return place(command, arguments, terminal, status, printed.str());
}

int dispatch(const Command& command, Arguments& arguments, Environment& environment, Terminal& terminal,
             std::vector<std::string> words) {
    const auto config = config::load(arguments.config);
    if (!config) return refuse(terminal, config.error());
    set_language(config->language);
    if (const auto good = arguments.check(*config); !good) return refuse(terminal, good.error());
    if (command.check != nullptr)
        if (const auto good = command.check(arguments); !good) return refuse(terminal, good.error());
    if (command.reads != nullptr) {
        auto bytes = read_case_table(command.reads(arguments));
        if (!bytes) return refuse(terminal, bytes.error());
        arguments.table.bytes = std::move(*bytes);
    }
    if (command.place == Place::at_daemon && !arguments.standalone && !config->control.socket.empty()) {
        const RemoteRequest request{std::move(words), arguments.table.bytes, arguments.json()};
        auto reply = through_daemon(config->control.socket, request, environment, terminal);
        if (!reply) return refuse(terminal, reply.error());
        if (*reply) return place(command, arguments, terminal, (*reply)->exit_status, (*reply)->output);
    }
    return in_process(command, arguments, *config, environment, terminal);
}

/// Calls `found` for the value of --config and says how many words it takes.
template <class Found>
std::size_t config_at(const std::vector<std::string>& words, std::size_t at, Found found) {
    constexpr std::string_view kOption = "--config";
    const std::string& word = words[at];
    if (word == kOption && at + 1 < words.size()) {
        found(words[at + 1]);
        return 2;
    }
    if (word.starts_with(kOption) && word.size() > kOption.size() && word[kOption.size()] == '=') {
        found(word.substr(kOption.size() + 1));
        return 1;
    }
    return 0;
}

/// The language of the help, before the arguments are read: the configuration's, else that of the
/// environment.
void choose_language(const std::vector<std::string>& words) {
    bool chosen = false;
    for (std::size_t i = 0; i < words.size(); ++i)
        config_at(words, i, [&](const std::string& file) {
            const auto config = config::load(file);
            if (!config) return;
            set_language(config->language);
            chosen = true;
        });
    if (chosen) return;
    const char* language = std::getenv("LANG");
    set_language(language != nullptr && std::string_view(language).starts_with("ja") ? "ja" : "en");
}

/// The words as they were given, without --config: the daemon has its own configuration.
std::vector<std::string> words_for_daemon(const std::vector<std::string>& words) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < words.size();) {
        const std::size_t taken = config_at(words, i, [](const std::string&) {});
        if (taken == 0) out.push_back(words[i]);
        i += std::max<std::size_t>(1, taken);
    }
    return out;
}

}  // namespace

int command_line(int argc, const char* const* argv, Environment& environment, Terminal& terminal) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    choose_language(words);
    Parser parser;
    if (const auto parsed = parser.parse(words); !parsed) return refuse(terminal, parsed.error());
    if (!parser.asked().empty()) {
        terminal.out << parser.asked();
        return 0;
    }
    try {
        return dispatch(parser.command(), parser.arguments(), environment, terminal, words_for_daemon(words));
    } catch (const StoreFailure& failure) {
        // After a failed write or fsync the handle cannot be trusted: this process ends here.
        return refuse(terminal, Error{ErrorCode::cannot_write, failure.what(), "",
                                      tr("check the disk and the ledger with: kaigo-gateway doctor")});
    } catch (const std::exception& error) {
        return refuse(terminal,
                      Error{ErrorCode::internal, error.what(), "", tr("report this to the vendor")});
    }
}

}  // namespace kaigo::jobs
