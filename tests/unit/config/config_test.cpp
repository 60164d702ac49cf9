#include "config/config.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;

namespace {

const std::string kGood = R"(language: en
interface_spec: spec
sources:
  core: {driver: sqlite, database: core.db, mapping: m.yaml}
insurers:
  - {number: "122192", source: core}
platform:
  url: https://127.0.0.1:8443/kaigo/v1
  ca_file: ca.pem
  certificate_file: gw.pem
  private_key_file: gw.key
ledger: {path: state/ledger.db}
spool: {directory: state/spool, key_file: "credential:spool"}
audit: {path: state/audit.log}
)";

std::string faults(const std::string& what, const std::string& to) {
    const test::Folder folder;
    std::string text = kGood;
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    text.replace(at, what.size(), to);
    const auto loaded = config::load(folder.write("c.yaml", text));
    if (loaded) return "";
    CHECK(loaded.error().code == ErrorCode::bad_configuration);
    return loaded.error().message;
}

}  // namespace

TEST_CASE("defaults, relative paths and credentials") {
    const test::Folder folder;
    const auto loaded = config::load(folder.write("c.yaml", kGood));
    REQUIRE(loaded);
    CHECK(loaded->ledger == folder / "state/ledger.db");
    CHECK(loaded->spool_key == "credential:spool");
    CHECK(loaded->platform.connections == 4);
    CHECK(loaded->platform.max_records == 1000);
    CHECK(loaded->insurers[0].consent_before_go_live);
    CHECK(loaded->insurers[0].certificate_file ==
          loaded->platform.url.substr(0, 0) + (folder / "gw.pem").string());
    CHECK(loaded->insurers[0].wants("anything"));
}

TEST_CASE("unknown and duplicate keys, wrong values and missing sections are faults with line and column") {
    CHECK(faults("language: en", "language: en\ncolour: red").find(":2:1:") != std::string::npos);
    CHECK(faults("language: en", "language: en\nlanguage: ja").find(":2:1:") != std::string::npos);
    CHECK_FALSE(faults("language: en", "language: fr").empty());
    CHECK_FALSE(faults("https://", "http://").empty());
    CHECK_FALSE(faults("number: \"122192\"", "number: \"12219\"").empty());
    CHECK_FALSE(faults("source: core}\n", "source: other}\n").empty());
    CHECK_FALSE(faults("driver: sqlite", "driver: excel").empty());
    CHECK_FALSE(faults("ledger: {path: state/ledger.db}\n", "").empty());
    CHECK_FALSE(faults("source: core}", "source: core, certificate_file: x.pem}").empty());
    CHECK_FALSE(faults("source: core}", "source: core, go_live: 2026-02-30}").empty());
    CHECK_FALSE(faults("ca_file: ca.pem", "ca_file: ca.pem\n  max_bytes: 8MB").empty());
    CHECK_FALSE(faults("ca_file: ca.pem", "ca_file: ca.pem\n  service_window: 9-17").empty());
    CHECK_FALSE(faults("language: en", "language: &a en").empty());
    CHECK_FALSE(faults("language: en", "language: [en").empty());
}

TEST_CASE("all faults are told at once") {
    const std::string found = faults("language: en\ninterface_spec: spec", "language: fr\ncolour: red");
    CHECK(found.find("language") != std::string::npos);
    CHECK(found.find("colour") != std::string::npos);
    CHECK(found.find("interface_spec") != std::string::npos);
}

TEST_CASE("a service window may run over midnight") {
    const config::ServiceWindow night{22 * 60, 6 * 60};
    CHECK(night.contains(23 * 60));
    CHECK(night.contains(0));
    CHECK_FALSE(night.contains(12 * 60));
    CHECK_FALSE(night.contains(6 * 60));
    CHECK(config::ServiceWindow{}.contains(1439));
}
