#include <catch2/catch.hpp>

#include "base/sqlite.h"
#include "mapping/plan.h"
#include "mapping/reader.h"
#include "source/source.h"
#include "unit/support.h"

using namespace kaigo;

namespace {

const auto kInsurer = *InsurerNumber::parse("122192");

/// A source of one table for the consent kind, and mappings over it.
class Fixture {
  public:
    Fixture() {
        sqlite::Database db(folder_ / "source.db", sqlite::Open::create);
        db.execute(
            "CREATE TABLE 同意 (保険者 TEXT, 番号 TEXT, 連番 INTEGER, 版 INTEGER, 日 TEXT, 区分 TEXT, 経路 "
            "TEXT)");
        database_ = std::make_unique<sqlite::Database>(std::move(db));
    }
    void row(const std::string& values) { database_->execute("INSERT INTO 同意 VALUES (" + values + ")"); }

    std::unique_ptr<mapping::Plan> load(const std::string& yaml, Faults& faults) {
        const auto file = folder_.write("mapping.yaml", yaml);
        auto plan = mapping::Plan::load(file, test::specification(), faults);
        source_ = *source::open_source("sqlite", (folder_ / "source.db").string());
        snapshot_ = *source_->snapshot();
        if (plan) plan->resolve(*snapshot_, faults);
        return plan;
    }

    std::vector<std::string> canonical(const std::string& yaml) {
        Faults faults;
        const auto plan = load(yaml, faults);
        for (const Fault& fault : faults.list()) UNSCOPED_INFO(fault.text());
        REQUIRE(faults.empty());
        const auto reader =
            *mapping::RecordReader::open(*plan->kind("comprehensive-consents"), *snapshot_, kInsurer, {});
        std::vector<std::string> out;
        for (;;) {
            const auto more = reader->next();
            if (!more) {
                out.push_back("error: " + more.error().message);
                return out;
            }
            if (!*more) return out;
            out.emplace_back(reader->platform_owned() ? "owned " : "");
            spec::append_canonical(out.back(), reader->record());
        }
    }

  private:
    test::Folder folder_;
    std::unique_ptr<sqlite::Database> database_;
    std::unique_ptr<source::Source> source_;
    std::unique_ptr<source::Snapshot> snapshot_;
};

const std::string kMapping = R"(mapping: test
interface_spec: "2.02"
records:
  comprehensive-consents:
    select: SELECT * FROM 同意 WHERE 保険者 = :insurer ORDER BY 番号, 連番
    platform_owned: {column: 経路, in: ["3"]}
    items:
      insurerNumber: {column: 保険者}
      insuredNumber: {column: 番号, pad_left: 10}
      historyNumber: {column: 版}
      consentSequence: {column: 連番}
      consentDate: {column: 日, date: [iso, wareki]}
      consent:
        derive: consent-outside-application
        codes: {granted: "1", refused: "2", withdrawn: "3"}
        from:
          act: {column: 区分, codes: {"1": granted, "2": refused, "3": withdrawn}}
          actedOn: {column: 日, date: [iso, wareki]}
)";

std::string changed(std::string from, const std::string& what, const std::string& to) {
    const std::size_t at = from.find(what);
    REQUIRE(at != std::string::npos);
    return from.replace(at, what.size(), to);
}

}  // namespace

TEST_CASE("rows become records: padding, 和暦, codes, rules") {
    Fixture fixture;
    fixture.row("'122192', '1', 1, 1, '令和8年5月1日', '1', '2'");
    fixture.row("'122192', '2', 1, 1, '2025-05-01', '1', '2'");
    fixture.row("'122192', '3', 1, 1, '2026-05-01', '3', '3'");
    const auto records = fixture.canonical(kMapping);
    REQUIRE(records.size() == 3);
    CHECK(records[0] == R"({"insurerNumber":"122192","insuredNumber":"0000000001","historyNumber":1,)"
                        R"("consentSequence":1,"consentDate":"2026-05-01","consent":"1"})");
    CHECK(records[1].find(R"("consent":"2")") != std::string::npos);
    CHECK(records[2].starts_with("owned "));
}

TEST_CASE("what cannot be read becomes a malformed value, not a lost row") {
    Fixture fixture;
    fixture.row("'122192', '1', 1, 1, '2026-02-30', '1', '2'");
    fixture.row("'122192', '2', 1, 'x', '2026-05-01', '7', '2'");
    fixture.row("'122192', '3', 1, NULL, '9999-12-31', '1', '2'");
    const auto records = fixture.canonical(kMapping);
    REQUIRE(records.size() == 3);
    CHECK(records[0].find("\"consentDate\":null") != std::string::npos);
    CHECK(records[1].find("\"historyNumber\":null") != std::string::npos);
    CHECK(records[1].find("\"consent\":null") != std::string::npos);
    CHECK(records[2].find("historyNumber") == std::string::npos);
    CHECK(records[2].find("consentDate") == std::string::npos);
}

TEST_CASE("an open end is no date, in whatever form it is written") {
    Fixture fixture;
    fixture.row("'122192', '1', 1, 1, '9999-12-31', '1', '2'");
    fixture.row("'122192', '2', 1, 1, '99991231', '1', '2'");
    fixture.row("'122192', '3', 1, 1, '00000101', '1', '2'");
    for (const std::string& record :
         fixture.canonical(changed(kMapping, "consentDate: {column: 日, date: [iso, wareki]}",
                                   "consentDate: {column: 日, date: [iso, compact]}")))
        CHECK(record.find("consentDate") == std::string::npos);
}

TEST_CASE("a row of another insurer fails the run") {
    Fixture fixture;
    fixture.row("'122192', '1', 1, 1, '2026-05-01', '1', '2'");
    fixture.row("'122069', '2', 1, 1, '2026-05-01', '1', '2'");
    const auto records =
        fixture.canonical(changed(kMapping, "WHERE 保険者 = :insurer", "WHERE :insurer IS NOT NULL"));
    REQUIRE(records.size() == 2);
    CHECK(records[1].starts_with("error: "));
}

TEST_CASE("all faults of a mapping are told at once, with their lines, before a row is read") {
    Fixture fixture;
    Faults faults;
    std::string yaml = changed(kMapping, "column: 版", "column: 無い列");
    yaml = changed(yaml, "consentSequence: {column: 連番}", "consentSequence: {column: 連番, colour: red}");
    yaml = changed(yaml, "{column: 日, date: [iso, wareki]}\n      consent:", "{column: 日}\n      consent:");
    yaml = changed(yaml, "      insuredNumber: {column: 番号, pad_left: 10}\n", "");
    fixture.load(yaml, faults);
    std::string all;
    for (const Fault& fault : faults.list()) {
        CHECK(fault.line > 0);
        all += fault.message + "\n";
    }
    CHECK(all.find("colour") != std::string::npos);
    CHECK(all.find("a date says its form") != std::string::npos);
    CHECK(all.find("insuredNumber") != std::string::npos);
    // Columns are checked against the database once the file itself is in order.
    Faults later;
    fixture.load(changed(kMapping, "column: 版", "column: 無い列"), later);
    REQUIRE(later.list().size() == 1);
    CHECK(later.list()[0].message.find("無い列") != std::string::npos);
    CHECK(later.list()[0].line == 10);
}

TEST_CASE("children join by equal keys: NULL joins with nothing, and mixed types are refused") {
    const auto with_child = [](const std::string& key) {
        return changed(kMapping, "    platform_owned:",
                       "    children:\n      c: {select: \"SELECT 番号 AS 親, " + key +
                           " AS 数, 日 FROM 同意 WHERE 保険者 = :insurer ORDER BY 1, 2\", key: [親, 数], "
                           "parent: [番号, 連番]}\n    platform_owned:");
    };
    Fixture fixture;
    fixture.row("'122192', '1', 1, 1, '2026-05-01', '1', '2'");
    fixture.row("'122192', '2', NULL, 1, '2026-05-01', '1', '2'");
    CHECK(fixture.canonical(with_child("連番")).size() == 2);
    const auto mixed = fixture.canonical(with_child("CAST(連番 AS TEXT)"));
    REQUIRE_FALSE(mixed.empty());
    CHECK(mixed.back().find("of another type") != std::string::npos);
}

TEST_CASE("a SELECT that writes, or does not bind the insurer, is refused") {
    for (const char* sql : {"DELETE FROM 同意 WHERE 保険者 = :insurer", "SELECT * FROM 同意",
                            "SELECT * FROM 同意 WHERE 保険者 = :insurer AND 番号 = :other",
                            "SELECT * FROM 無い WHERE 1 = :insurer"}) {
        Fixture fixture;
        Faults faults;
        fixture.load(changed(kMapping, "SELECT * FROM 同意 WHERE 保険者 = :insurer ORDER BY 番号, 連番", sql),
                     faults);
        CHECK_FALSE(faults.empty());
    }
}

TEST_CASE("the sample mapping fits the specification") {
    Faults faults;
    const auto plan = mapping::Plan::load(test::project("etc/mappings/sample-standard.yaml"),
                                          test::specification(), faults);
    for (const Fault& fault : faults.list()) UNSCOPED_INFO(fault.text());
    CHECK(faults.empty());
    CHECK(plan);
}
