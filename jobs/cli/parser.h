#pragma once
// Command lines, read by the registry of commands.

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "jobs/commands/registry.h"

namespace kaigo::jobs {

/// A parser with every command, and what it has read.
class Parser {
  public:
    Parser();
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;

    /// @param arguments  without the program's name
    Status parse(const std::vector<std::string>& arguments);
    /// Help or version was asked for: what is to be printed.
    const std::string& asked() const { return asked_; }
    /// After parse(), when nothing was asked for.
    const Command& command() const { return *command_; }
    Arguments& arguments() { return arguments_; }

  private:
    CLI::App* group(const std::string& name);
    void add(CLI::App& app, const Option& option);

    Arguments arguments_;
    CLI::App app_;
    std::map<std::string, CLI::App*> groups_;
    std::vector<std::pair<const CLI::App*, const Command*>> commands_;
    const Command* command_ = nullptr;
    std::string asked_;
};

}  // namespace kaigo::jobs
