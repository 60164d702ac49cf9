#pragma once
// A command line that came over the control socket. The daemon opens no file that it names.

#include <memory>
#include <string>
#include <vector>

#include "jobs/cli/parser.h"

namespace kaigo::jobs {

class RemoteCommand {
  public:
    /// @param input  content of the file that the command reads
    static Result<RemoteCommand> parse(const std::vector<std::string>& arguments, std::string input);

    /// Who may give it.
    Right right() const { return parser_->command().right; }
    /// A job, which has its place in a lane; null for what is answered at once.
    const RunOptions* job() const { return parser_->command().is_job ? &parser_->arguments().run : nullptr; }
    /// In words, for the audit log and events: no values of options.
    std::string name() const;
    /// What only the configuration knows to be wrong.
    Status check(const config::Config& config);
    /// @return the exit status
    int execute(const CommandContext& context) const;

  private:
    explicit RemoteCommand(std::unique_ptr<Parser> parser) : parser_(std::move(parser)) {}
    std::unique_ptr<Parser> parser_;
};

}  // namespace kaigo::jobs
