#include "spool/spool.h"

#include <catch2/catch.hpp>

#include "base/files.h"
#include "unit/support.h"

using namespace kaigo;

TEST_CASE("bodies come back as they were stored, and lie sealed meanwhile") {
    const test::Folder folder;
    const Keys keys = Keys::derive(SecretBytes(std::string(32, 's')));
    auto spool = *spool::Spool::open(folder / "spool", keys);
    const std::vector<std::string> records = {"{\"a\":\"123456789019\"}", "", "見本"};
    REQUIRE(spool.store("R1", {records.begin(), records.end()}));
    CHECK(*spool.load("R1") == records);
    const auto bytes = *read_file(folder / "spool/R1.spool", 1 << 20);
    CHECK(bytes.find("123456789019") == std::string::npos);
    CHECK(bytes.find(keys.id) != std::string::npos);
    REQUIRE(spool.remove("R1"));
    CHECK(spool.remove("R1"));  // gone is gone
    CHECK_FALSE(spool.load("R1"));
}

TEST_CASE("what a crash left is tidied away, what is needed stays") {
    const test::Folder folder;
    auto spool = *spool::Spool::open(folder / "spool", Keys::derive(SecretBytes(std::string(32, 's'))));
    const std::string record = "{}";
    REQUIRE(spool.store("R1", {record}));
    REQUIRE(spool.store("R2", {record}));
    folder.write("spool/R3.spool.part", "half");
    folder.write("spool/ledger.db", "not ours");
    REQUIRE(spool.tidy({"R1"}));
    CHECK(spool.load("R1"));
    CHECK_FALSE(spool.load("R2"));
    CHECK_FALSE(std::filesystem::exists(folder / "spool/R3.spool.part"));
    CHECK(std::filesystem::exists(folder / "spool/ledger.db"));
}

TEST_CASE("a damaged, renamed or foreign spool file is refused") {
    const test::Folder folder;
    auto spool = *spool::Spool::open(folder / "spool", Keys::derive(SecretBytes(std::string(32, 's'))));
    const std::string record = "{}";
    REQUIRE(spool.store("R1", {record}));
    std::filesystem::copy(folder / "spool/R1.spool", folder / "spool/R2.spool");
    CHECK(spool.load("R2").error().code == ErrorCode::spool_damaged);
    std::string bytes = *read_file(folder / "spool/R1.spool", 1 << 20);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x40);
        std::ofstream(folder / "spool/R1.spool", std::ios::binary) << damaged;
        CHECK_FALSE(spool.load("R1"));
    }
    std::ofstream(folder / "spool/R1.spool", std::ios::binary) << bytes;
    auto other = *spool::Spool::open(folder / "spool", Keys::derive(SecretBytes(std::string(32, 'x'))));
    CHECK(other.load("R1").error().code == ErrorCode::key_missing);
}
