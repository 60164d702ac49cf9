#pragma once
// kaigo-gateway's arguments, from main(), from a test, or from the daemon's control socket.

#include <memory>
#include <string>
#include <vector>

#include "jobs/commands/commands.h"

namespace kaigo::jobs {

/// Runs the command in this process, or through the daemon where one runs.
/// @return the exit status
int command_line(int argc, const char* const* argv, Environment& environment, Terminal& terminal);

/// What --help says, for the manual page and the completion, in the language that is set.
struct OptionHelp {
    std::string form;  ///< --name VALUE, or NAME of what has a place of its own
    std::string text;
};
struct CommandHelp {
    std::string name, text;
    std::vector<OptionHelp> options;
    std::vector<CommandHelp> commands;
};
CommandHelp command_help();

/// A command line that came over the control socket. The daemon opens no file that it names.
class RemoteCommand {
  public:
    /// @param input  content of the file that the command reads
    static Result<RemoteCommand> parse(const std::vector<std::string>& arguments, std::string input);
    RemoteCommand(RemoteCommand&& other) noexcept;
    ~RemoteCommand();

    /// Whether it changes the state: operators alone may give it.
    bool changes() const;
    /// A job, which has its place in a lane; null for what is answered at once.
    const RunOptions* job() const;
    /// In words, for the audit log and events: no values of options.
    std::string name() const;
    /// What only the configuration knows to be wrong.
    Status check(const config::Config& config) const;
    /// @return the exit status
    int execute(const CommandContext& context) const;

  private:
    struct Parsed;
    explicit RemoteCommand(std::unique_ptr<Parsed> parsed);
    std::unique_ptr<Parsed> parsed_;
};

}  // namespace kaigo::jobs
