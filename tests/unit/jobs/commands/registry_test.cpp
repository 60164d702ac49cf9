#include "jobs/commands/registry.h"

#include <catch2/catch.hpp>
#include <set>

#include "jobs/cli/remote_command.h"

using namespace kaigo;
using namespace kaigo::jobs;

TEST_CASE("who may give which command") {
    std::map<std::string, Right> rights;
    for (const Command& command : all_commands()) rights.emplace(command.path, command.right);
    CHECK(rights.size() == all_commands().size());  // each path once
    for (const char* path : {"run", "held resend", "cases decide", "cases import", "validate-mapping"})
        CHECK(rights.at(path) == Right(Right::operate));
    for (const char* path : {"ledger backup", "ledger rotate-key"})
        CHECK(rights.at(path) == Right(Right::administer));
    for (const char* path :
         {"status", "jobs", "explain", "held list", "cases list", "cases show", "cases export", "report",
          "doctor", "check-spec", "audit verify", "ledger check"})
        CHECK(rights.at(path) == Right(Right::view));
}

TEST_CASE("every option says what it is for, and its values where they are few") {
    Arguments arguments;
    for (const Command& command : all_commands()) {
        INFO(command.path);
        CHECK(command.execute != nullptr);
        std::set<std::string> names;
        for (const Option& option : command.options(arguments)) {
            INFO(option.name);
            CHECK(names.insert(option.name).second);
            CHECK(!option.help.empty());
            CHECK((option.excludes.empty() || names.contains(option.excludes)));
            if (option.name == "--format" || option.name == "--finding" || option.name == "--state")
                CHECK(!option.choices.empty());
        }
    }
}

TEST_CASE("what comes over the socket is read as the command line is") {
    const auto parse = [](const std::vector<std::string>& words) { return RemoteCommand::parse(words, ""); };
    const auto job = parse({"run", "daily-sync", "--insurer", "122192", "--accept-drop"});
    REQUIRE(job);
    REQUIRE(job->job() != nullptr);
    CHECK(job->job()->job == JobName::daily_sync);
    CHECK(job->job()->accept_drop);
    CHECK(job->right() == Right(Right::operate));
    CHECK(job->name() == "run daily-sync");
    const auto list = parse({"cases", "list", "--state", "left-in-error"});
    REQUIRE(list);
    CHECK(list->job() == nullptr);
    CHECK(list->right() == Right(Right::view));
    CHECK(list->name() == "cases list");
}

TEST_CASE("what does not go through the daemon, or is no command, is refused") {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{},
                                               {"doctor"},
                                               {"ledger", "rotate-key"},
                                               {"support-bundle", "--output", "/tmp/x"},
                                               {"run"},
                                               {"run", "nothing"},
                                               {"run", "daily-sync", "--sneaky"},
                                               {"cases"},
                                               {"cases", "decide", "1", "--finding", "perhaps"},
                                               {"cases", "show", "062"},
                                               {"cases", "show", "1", "--insured", "0000000001"},
                                               {"jobs", "1", "2"},
                                               {"--help"},
                                               {"--version"}})
        CHECK(RemoteCommand::parse(words, "").error().code == ErrorCode::usage);
}
