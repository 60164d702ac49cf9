#include "jobs/cli/remote_command.h"

#include "base/i18n.h"

namespace kaigo::jobs {

Result<RemoteCommand> RemoteCommand::parse(const std::vector<std::string>& arguments, std::string input) {
    auto parser = std::make_unique<Parser>();
    KAIGO_CHECK(parser->parse(arguments));
    if (!parser->asked().empty() || parser->command().place != Place::at_daemon)
        return fail(ErrorCode::usage, tr("this command does not go through the daemon"));
    parser->arguments().table.bytes = std::move(input);
    return RemoteCommand(std::move(parser));
}

std::string RemoteCommand::name() const {
    const std::string path(parser_->command().path);
    return job() != nullptr ? path + " " + text_of(job()->job) : path;
}

Status RemoteCommand::check(const config::Config& config) {
    KAIGO_CHECK(parser_->arguments().check(config));
    if (const auto check = parser_->command().check; check != nullptr) return check(parser_->arguments());
    return {};
}

int RemoteCommand::execute(const CommandContext& context) const {
    return parser_->command().execute(context, parser_->arguments());
}

}  // namespace kaigo::jobs
