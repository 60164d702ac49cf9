// Every command of the registry over the same small city: its text in both languages, its JSON, its exit
// status.

#include <boost/json.hpp>
#include <sstream>

#include "base/i18n.h"
#include "jobs/cli/parser.h"
#include "support/small_city.h"

using namespace kaigo;
using namespace kaigo::jobs;
using test::insured;
using test::SmallCity;

namespace {

struct Said {
    int status = 0;
    std::string out, err;
};

/// As the command line gives it, in this process.
Said give(SmallCity& city, std::vector<std::string> words) {
    Parser parser;
    if (const auto read = parser.parse(words); !read) FAIL(read.error().text());
    if (const auto fits = parser.arguments().check(city.config); !fits) FAIL(fits.error().text());
    std::ostringstream out;
    std::ostringstream err;
    Terminal terminal{out, err};
    const int status =
        parser.command().execute({city.config, city.environment, terminal}, parser.arguments());
    return {status, out.str(), err.str()};
}

boost::json::value json_of(SmallCity& city, std::vector<std::string> words) {
    words.insert(words.end(), {"--format", "json"});
    const Said said = give(city, std::move(words));
    INFO(said.out + said.err);
    boost::system::error_code failed;
    auto value = boost::json::parse(said.out, failed);
    REQUIRE_FALSE(failed);
    return value;
}

/// One registered, one stored in error, one held, one that waits for a number, and a consent.
struct Worked : SmallCity {
    Worked() : SmallCity(4) {
        add_consent(1, "1", "2026-06-01", "1");
        person(4)[3] = "";
        run_id = daily().run;
        platform.error_for_all = "KJP0001";
        move(2, "elsewhere");
        daily();
        platform.error_for_all = "KJR0001";
        move(3, "elsewhere");
        daily();
        platform.error_for_all.clear();
    }
    std::int64_t run_id = 0;
};

}  // namespace

TEST_CASE("every command answers in words of both languages, and as JSON") {
    Worked city;
    const std::string run = std::to_string(city.run_id);
    const std::vector<std::vector<std::string>> questions = {{"status"},
                                                             {"jobs"},
                                                             {"jobs", run},
                                                             {"explain", "--insured", insured(2)},
                                                             {"held", "list"},
                                                             {"cases", "list"},
                                                             {"cases", "show", "1"},
                                                             {"report"},
                                                             {"report", "--run", run},
                                                             {"ledger", "check"},
                                                             {"audit", "verify"},
                                                             {"check-spec"},
                                                             {"validate-mapping"}};
    for (const auto& words : questions) {
        INFO(words[0] + " " + (words.size() > 1 ? words[1] : ""));
        set_language("en");
        const Said english = give(city, words);
        set_language("ja");
        const Said japanese = give(city, words);
        set_language("en");
        CHECK_FALSE(english.out.empty());
        // What is held is told in the interface's own words, which are Japanese.
        if (words[0] != "held") CHECK(english.out != japanese.out);
        CHECK(english.status == japanese.status);
        for (const std::string& text : {english.out, english.err, japanese.out, japanese.err})
            for (int i = 1; i <= 4; ++i) CHECK(text.find(test::my_number(i)) == std::string::npos);
        const auto value = json_of(city, words);
        CHECK((value.is_object() || value.is_array()));
    }
}

TEST_CASE("no command is without a test") {
    // The others stand above or below; these need a host, a daemon or another key: tests/system.
    const std::set<std::string_view> elsewhere = {"doctor", "support-bundle", "ledger rotate-key"};
    const std::set<std::string_view> here = {
        "run",          "status",        "jobs",         "explain",      "held list",       "held resend",
        "cases list",   "cases show",    "cases decide", "cases export", "cases import",    "report",
        "ledger check", "ledger backup", "audit verify", "check-spec",   "validate-mapping"};
    for (const Command& command : all_commands()) {
        INFO(command.path);
        CHECK(here.contains(command.path) != elsewhere.contains(command.path));
    }
    CHECK(here.size() + elsewhere.size() == all_commands().size());
}

TEST_CASE("status counts what stands where, and what a person must do") {
    Worked city;
    const auto status = json_of(city, {"status"});
    const std::string text = boost::json::serialize(status);
    for (const char* state : {"registered", "stored_in_error", "rejected", "blocked"})
        CHECK(text.find(state) != std::string::npos);
    CHECK(text.find("\"openCases\":1") != std::string::npos);
    CHECK(status.at("toDo").as_array().size() == 3);
}

TEST_CASE("explain says why a record is where it is") {
    Worked city;
    const auto of = [&](int n) { return give(city, {"explain", "--insured", insured(n)}).out; };
    CHECK(of(1).find("registered") != std::string::npos);
    CHECK(of(2).find("KJP0001") != std::string::npos);
    CHECK(of(3).find("KJR0001") != std::string::npos);
    CHECK(of(4).find("マイナンバー") != std::string::npos);
    CHECK(give(city, {"explain", "--insured", insured(99)}).status != 0);
}

TEST_CASE("held records are listed with their reason, and go out again on a person's word") {
    Worked city;
    city.sent();
    const auto list = json_of(city, {"held", "list"});
    CHECK(list.at("held").as_array().size() == 1);
    CHECK(boost::json::serialize(list).find("KJR0001") != std::string::npos);
    CHECK(give(city, {"held", "resend", "--insured", insured(3), "--yes"}).status == 0);
    city.daily();
    CHECK(city.sent() == 1);
    CHECK(city.record(3).state == "registered");
    CHECK(json_of(city, {"held", "list"}).at("held").as_array().empty());
}

TEST_CASE("a case is answered step by step, by number, by person and by table") {
    Worked city;
    const Said wrong = give(city, {"cases", "decide", "1", "--finding", "enrolled"});
    CHECK(wrong.status != 0);  // that is not what is asked now
    CHECK(give(city, {"cases", "decide", "--insured", insured(2), "--finding", "mynumber-correct"}).status ==
          0);
    const auto table = give(city, {"cases", "export", "cases.csv"});
    CHECK(table.status == 0);
    CHECK(table.out.find(insured(2)) != std::string::npos);
    const auto shown = json_of(city, {"cases", "show", "1"});
    CHECK(boost::json::serialize(shown).find("mynumber-correct") != std::string::npos);
    CHECK(give(city, {"cases", "decide", "1", "--finding", "not-exempt", "--finding", "enrolled"}).status ==
          0);
    city.sent();
    city.daily();
    CHECK(city.sent() == 1);  // 更新
    CHECK(city.record(2).state == "registered");
    CHECK(city.view().cases({}).empty());
}

TEST_CASE("a table without answers decides nothing, and one that is none is refused whole") {
    Worked city;
    const auto exported = give(city, {"cases", "export", "cases.csv"}).out;
    const auto import = [&](const std::string& bytes) {
        Parser parser;
        REQUIRE(parser.parse({"cases", "import", "cases.csv"}));
        parser.arguments().table.bytes = bytes;
        std::ostringstream out;
        std::ostringstream err;
        Terminal terminal{out, err};
        return parser.command().execute({city.config, city.environment, terminal}, parser.arguments());
    };
    CHECK(import(exported) == 0);
    CHECK(import("a,b\n1,2\n") != 0);
    CHECK(city.view().pmh_case(1)->version == 1);
}

TEST_CASE("a backup is a whole ledger, and never overwrites a file") {
    Worked city;
    const std::string file = (city.folder / "copy.db").string();
    CHECK(give(city, {"ledger", "backup", file}).status == 0);
    CHECK(ledger::Store(file).view()->counts().size() == city.view().counts().size());
    CHECK(give(city, {"ledger", "backup", file}).status != 0);
}

TEST_CASE("a changed line of the audit log is told") {
    Worked city;
    CHECK(give(city, {"audit", "verify"}).status == 0);
    std::string text;
    {
        std::ifstream in(city.folder / "audit.log");
        text.assign(std::istreambuf_iterator<char>(in), {});
    }
    text.replace(text.find("run-begin"), 9, "run-begun");
    city.folder.write("audit.log", text);
    CHECK(give(city, {"audit", "verify"}).status != 0);
}

TEST_CASE("a run is told in words and as JSON, and its exit status is the command's") {
    SmallCity city(3);
    const Said first = give(city, {"run", "daily-sync"});
    CHECK(first.status == 0);
    CHECK(first.out.find("3") != std::string::npos);
    city.clock.advance(std::chrono::hours(24));
    city.platform.error_for_all = "KJR0001";
    city.move(1, "elsewhere");
    const Said second = give(city, {"run", "daily-sync", "--format", "json"});
    CHECK(second.status == 1);
    CHECK_NOTHROW(boost::json::parse(second.out));
}
