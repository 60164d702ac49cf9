#include "jobs/cli/parser.h"

#include <algorithm>

#include "base/i18n.h"
#include "base/text.h"

#ifndef KAIGO_VERSION
#error "the build says the version"
#endif

namespace kaigo::jobs {
namespace {

/// The parser's own sentences are English. Their kinds are few.
std::string parse_error_in_words(const CLI::ParseError& error) {
    std::string what = error.what();
    const auto after = [&](const char* mark) {
        const std::size_t at = what.find(mark);
        return at == std::string::npos ? what : what.substr(at + std::string_view(mark).size());
    };
    const auto before = [&](const char* mark) { return what.substr(0, what.find(mark)); };
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
        return tr("not expected here: {}", after(": "));
    if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
        return what.starts_with("A subcommand") ? tr("a command is missing")
                                                : tr("{} is missing", before(" is required"));
    if (dynamic_cast<const CLI::ExcludesError*>(&error) != nullptr)
        return tr("{} and {} do not go together", before(" excludes "), after(" excludes "));
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr)
        return tr("{}: a value is missing, or there is one too many", before(":"));
    if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
        return tr("not what is expected there: {}", after(": "));
    if (const std::size_t set = what.find(" not in {"); set != std::string::npos)
        return tr("{}: possible are {}", before(" not in {"), what.substr(set + 8));
    return what;
}

/// Numbers are written as they are printed: 062 and 0x3e would be others to the parser.
CLI::Validator decimal() {
    return CLI::Validator(
        [](std::string& text) {
            const bool printed = !text.empty() && is_digits(text) && (text == "0" || text.front() != '0');
            return printed ? std::string()
                           : tr("\"{}\": a number is written in digits, without leading zeros", text);
        },
        "");
}

/// The words of its help, in the language that is set.
std::shared_ptr<CLI::Formatter> formatter() {
    auto out = std::make_shared<CLI::Formatter>();
    out->label("Usage", tr("Usage"));
    out->label("Positionals", tr("Arguments"));
    out->label("SUBCOMMAND", tr("COMMAND"));
    out->label("SUBCOMMANDS", tr("COMMAND"));
    out->label("OPTIONS", tr("OPTIONS"));
    out->label("REQUIRED", tr("(required)"));
    out->label("Excludes", tr("not together with"));
    return out;
}

/// A command's own parser, which speaks the language that is set.
CLI::App* command_of(CLI::App& parent, const std::string& name, const char* help) {
    CLI::App* const out = parent.add_subcommand(name, translate(help));
    out->group(tr("Commands"));
    out->set_help_flag("-h,--help", tr("show this help"))->group(tr("Options"));
    out->option_defaults()->group(tr("Options"));
    return out;
}

}  // namespace

Parser::Parser() : app_(tr("kaigo-gateway: the municipality's side of 介護情報基盤")) {
    app_.formatter(formatter());
    app_.option_defaults()->group(tr("Options"));
    app_.set_help_flag("-h,--help", tr("show this help"))->group(tr("Options"));
    app_.set_version_flag("--version", std::string("kaigo-gateway ") + KAIGO_VERSION, tr("show the version"))
        ->group(tr("Options"));
    app_.add_option("--config", arguments_.config, tr("configuration file"))->type_name(tr("FILE"));
    app_.require_subcommand(1);
    for (const Command& command : all_commands()) {
        const std::string path(command.path);
        const std::size_t space = path.find(' ');
        CLI::App* const parent = space == std::string::npos ? &app_ : group(path.substr(0, space));
        CLI::App* const app =
            command_of(*parent, space == std::string::npos ? path : path.substr(space + 1), command.help);
        for (const Option& option : command.options(arguments_)) add(*app, option);
        commands_.emplace_back(app, &command);
    }
}

CLI::App* Parser::group(const std::string& name) {
    CLI::App*& out = groups_[name];
    if (out != nullptr) return out;
    out = command_of(app_, name, group_help(name));
    out->require_subcommand(1);
    return out;
}

void Parser::add(CLI::App& app, const Option& option) {
    CLI::Option* added = nullptr;
    if (auto* const* flag = std::get_if<bool*>(&option.into)) {
        added = app.add_flag(option.name, **flag, option.help);
    } else if (auto* const* text = std::get_if<std::string*>(&option.into)) {
        added = app.add_option(option.name, **text, option.help)->type_name(tr("VALUE"));
    } else if (auto* const* number = std::get_if<std::int64_t*>(&option.into)) {
        added = app.add_option(option.name, **number, option.help)->type_name(tr("NUMBER"))->check(decimal());
    } else {
        added = app.add_option(option.name, *std::get<std::vector<std::string>*>(option.into), option.help);
        added->type_name(tr("VALUE"))->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    if (!option.choices.empty()) {
        // The help names them as the kind of value; the check need not do so again.
        added->check(CLI::IsMember(option.choices).description(""));
        std::string values;
        for (const std::string& each : option.choices) values += (values.empty() ? "" : "|") + each;
        if (!option.by_place()) added->type_name(values);
    }
    if (option.required) added->required();
    if (!option.excludes.empty()) added->excludes(app.get_option(option.excludes));
}

Status Parser::parse(const std::vector<std::string>& arguments) {
    try {
        // CLI11 takes them from the back.
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        app_.parse(reversed);
    } catch (const CLI::CallForAllHelp&) {
        asked_ = app_.help("", CLI::AppFormatMode::All);
    } catch (const CLI::CallForVersion& version) {
        asked_ = std::string(version.what()) + "\n";
    } catch (const CLI::CallForHelp&) {
        const CLI::App* at = &app_;
        while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
        asked_ = at->help();
    } catch (const CLI::ParseError& error) {
        return fail(ErrorCode::usage, parse_error_in_words(error))
            .remedy(tr("see: kaigo-gateway --help, and --help behind each command"));
    }
    const auto given = std::ranges::find_if(commands_, [](const auto& each) { return each.first->parsed(); });
    if (given != commands_.end()) command_ = given->second;
    // The parser has seen that it is one of the names.
    if (const auto job = value_of(kJobNames, arguments_.job)) arguments_.run.job = *job;
    return {};
}

}  // namespace kaigo::jobs
