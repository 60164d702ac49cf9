#pragma once
// Every command there is, once: its name, its options, who may give it, where it runs, what it does. The
// command line, the daemon, the manual pages and the completion read it.

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "jobs/commands/arguments.h"

namespace kaigo::jobs {

/// What somebody may do. Without a default: a command that names no right does not compile.
class Right {
  public:
    enum Value : std::uint8_t { view, operate, administer };
    constexpr Right(Value value) : value_(value) {}  // NOLINT(google-explicit-constructor): a named value
    /// Whoever operates may look, and so on.
    constexpr bool covers(Right wanted) const { return value_ >= wanted.value_; }
    friend constexpr bool operator==(Right, Right) = default;

  private:
    Value value_;
};

/// Where a command runs.
enum class Place : std::uint8_t {
    here,       ///< in the caller's process
    at_daemon,  ///< in the daemon, where one runs; else here
};

/// One option, or an argument with a place of its own. Its value goes into the arguments it was made for.
struct Option {
    using Into = std::variant<bool*, std::string*, std::int64_t*, std::vector<std::string>*>;

    std::string name;  ///< --name; FILE and the like: by its place
    Into into;
    std::string help;                       ///< in the language that is set
    std::vector<std::string> choices = {};  ///< empty: any value
    bool required = false;
    std::string excludes = "";  ///< name of an option that does not go together with it

    bool by_place() const { return !name.starts_with("--"); }
    bool takes_value() const { return !std::holds_alternative<bool*>(into); }
};

struct Command {
    std::string_view path;  ///< "cases decide"
    const char* help;       ///< a message of the catalogs
    Right right;
    Place place;
    std::vector<Option> (*options)(Arguments&);
    int (*execute)(const CommandContext&, Arguments&);
    /// What is wrong with these options together; null: nothing can be.
    Status (*check)(const Arguments&) = nullptr;
    /// File whose bytes the command reads into `table`, before it goes anywhere; null: none.
    const std::string& (*reads)(const Arguments&) = nullptr;
    /// Where the output goes on success; null: to the terminal.
    int (*place_output)(Terminal&, const Arguments&, const std::string& output) = nullptr;
    bool is_job = false;  ///< has its place in a lane of the daemon
};

const std::vector<Command>& all_commands();
/// Help of a group of commands ("cases"), a message of the catalogs.
const char* group_help(std::string_view group);

}  // namespace kaigo::jobs
