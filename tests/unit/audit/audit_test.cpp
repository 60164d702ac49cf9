#include <catch2/catch.hpp>

#include "audit/audit_log.h"
#include "base/files.h"
#include "unit/support.h"

using namespace kaigo;

namespace {

std::filesystem::path log_of_three(const test::Folder& folder) {
    auto log = *audit::AuditLog::open(folder / "audit.log");
    for (const char* event : {"one", "two", "three"})
        REQUIRE(log.append(test::kNoon, event, "tester", {{"count", "1\"2"}}));
    return folder / "audit.log";
}

}  // namespace

TEST_CASE("a hash kept elsewhere shows a cut tail, and one process writes at a time") {
    const test::Folder folder;
    const auto path = log_of_three(folder);
    const auto whole = audit::verify(path);
    CHECK(audit::verify(path, whole->head)->anchor_seen);
    const std::string text = *read_file(path, 1 << 20);
    const auto cut = folder.write("cut.log", text.substr(0, text.rfind('\n', text.size() - 2) + 1));
    CHECK(audit::verify(cut)->lines == 2);
    CHECK_FALSE(audit::verify(cut, whole->head)->anchor_seen);
    const auto log = audit::AuditLog::open(path);
    CHECK(audit::AuditLog::open(path).error().code == ErrorCode::busy);
}

TEST_CASE("the chain holds, over a reopening too") {
    const test::Folder folder;
    const auto path = log_of_three(folder);
    auto log = *audit::AuditLog::open(path);
    REQUIRE(log.append(test::kNoon, "four", "tester", {}));
    const auto found = audit::verify(path);
    REQUIRE(found);
    CHECK(found->lines == 4);
    CHECK(found->head == log.head());
}

TEST_CASE("a changed, removed or inserted line breaks the chain at its place") {
    const test::Folder folder;
    const std::string text = *read_file(log_of_three(folder), 1 << 20);
    const std::size_t second = text.find('\n') + 1;
    const std::size_t third = text.find('\n', second) + 1;
    const auto verify = [&](const std::string& changed) {
        return audit::verify(folder.write("changed.log", changed)).has_value();
    };
    CHECK(verify(text));
    std::string edited = text;
    edited.replace(text.find("two"), 3, "TWO");
    CHECK_FALSE(verify(edited));
    CHECK_FALSE(verify(text.substr(0, second) + text.substr(third)));
    CHECK_FALSE(verify(text.substr(0, third) + text.substr(second)));
    CHECK_FALSE(verify(text.substr(second)));
}

TEST_CASE("a log that cannot be read is left as it is") {
    const test::Folder folder;
    std::filesystem::create_directory(folder / "audit.log");
    CHECK(audit::AuditLog::open(folder / "audit.log").error().code == ErrorCode::cannot_read);
}

TEST_CASE("a line that power loss cut short is dropped, and the log goes on") {
    const test::Folder folder;
    const auto path = log_of_three(folder);
    std::ofstream(path, std::ios::app) << "{\"seq\":4,\"prev";
    auto log = audit::AuditLog::open(path);
    REQUIRE(log);
    REQUIRE(log->append(test::kNoon, "four", "tester", {}));
    CHECK(audit::verify(path)->lines == 4);
}

TEST_CASE("what was told behind a known line can be named") {
    const test::Folder folder;
    const auto path = folder / "audit.log";
    auto log = *audit::AuditLog::open(path);
    REQUIRE(log.append(test::kNoon, "run-end", "someone", {}));
    const std::string head = log.head();
    CHECK(audit::verify(path, head)->events_after.empty());
    REQUIRE(log.append(test::kNoon, "validate-mapping", "someone", {{"event", "no"}}));
    CHECK(audit::verify(path, head)->events_after == std::vector<std::string>{"validate-mapping"});
    CHECK(audit::verify(path)->events_after.size() == 2);
}
