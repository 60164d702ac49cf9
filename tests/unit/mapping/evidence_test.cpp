#include "mapping/evidence.h"

#include <catch2/catch.hpp>

#include "sqlite/sqlite.h"
#include "unit/support.h"

using namespace kaigo;
using registration::Evidence;
using registration::Fact;

namespace {

const auto kInsurer = *InsurerNumber::parse("122192");
const Date kToday = *Date::parse_iso("2026-11-02");

const char* const kMapping = R"(
mapping: test
interface_spec: "2.02"
evidence:
  select: SELECT 保険者, 番号, 開始, 終了, 加入, 確認, 居住 FROM 事実 WHERE 保険者 = :insurer ORDER BY 番号
  items:
    insurerNumber: {column: 保険者}
    insuredNumber: {column: 番号, pad_left: 10}
    exemptFrom: {column: 開始, date: iso}
    exemptTo: {column: 終了, date: iso}
    enrolment: {column: 加入, codes: {"1": enrolled, "2": not-enrolled, "9": unconfirmable}}
    enrolmentConfirmedOn: {column: 確認, date: iso}
    residenceInsurer: {column: 居住}
records: {}
)";

/// A source of facts; rows as SQL values: 番号, 開始, 終了, 加入, 確認, 居住.
class Facts {
  public:
    explicit Facts(const std::vector<std::string>& rows, const std::string& mapping = kMapping) {
        {
            sqlite::Database db(folder_ / "source.db", sqlite::Open::create);
            db.execute(
                "CREATE TABLE 事実 (保険者 TEXT, 番号, 開始 TEXT, 終了 TEXT, 加入 TEXT, 確認 TEXT, 居住 "
                "TEXT)");
            for (const std::string& row : rows) db.execute("INSERT INTO 事実 VALUES ('122192', " + row + ")");
        }
        source_ = *source::open_source("sqlite", (folder_ / "source.db").string());
        snapshot_ = *source_->snapshot();
        plan_ = mapping::Plan::load(folder_.write("mapping.yaml", mapping), test::specification(), faults);
        if (plan_) plan_->resolve(*snapshot_, faults);
    }

    Result<std::unique_ptr<mapping::EvidenceReader>> open() {
        return mapping::EvidenceReader::open(*plan_->evidence(), *snapshot_, kInsurer, kToday);
    }
    Evidence of(const std::string& insured) { return **(*open())->of(insured); }

    Faults faults;

  private:
    test::Folder folder_;
    std::unique_ptr<source::Source> source_;
    std::unique_ptr<source::Snapshot> snapshot_;
    std::unique_ptr<mapping::Plan> plan_;
};

std::string with(std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("exempt is who is so today, since when; who was until when, or never") {
    Facts facts({"'0000000001', '2026-11-02', NULL, NULL, NULL, NULL",
                 "'0000000002', '2026-11-03', '9999-12-31', NULL, NULL, NULL",
                 "'0000000003', '2025-01-01', '2026-11-01', NULL, NULL, NULL",
                 "'0000000004', '2025-01-01', '2026-11-02', NULL, NULL, NULL",
                 "'0000000005', NULL, NULL, NULL, NULL, NULL"});
    REQUIRE(facts.faults.empty());
    CHECK(facts.of("0000000001").exemption == Fact{"exempt", "2026-11-02"});
    CHECK(facts.of("0000000002").exemption == Fact{"not-exempt", ""});
    CHECK(facts.of("0000000003").exemption == Fact{"not-exempt", "2026-11-01"});
    CHECK(facts.of("0000000004").exemption == Fact{"exempt", "2025-01-01"});
    CHECK(facts.of("0000000005").exemption == Fact{"not-exempt", ""});
    CHECK_FALSE(facts.of("0000000009").exemption.known());  // no row: the source says nothing
}

TEST_CASE("rows of one person are taken together: any period of today, the enrolment last confirmed") {
    Facts facts({"'1', '2020-01-01', '2021-01-01', '1', '2026-04-01', NULL",
                 "'1', '2026-10-01', NULL, '2', '2026-10-05', '122069'",
                 "'1', '2022-01-01', '2022-06-01', NULL, NULL, NULL"});
    const Evidence evidence = facts.of("0000000001");
    CHECK(evidence.exemption == Fact{"exempt", "2026-10-01"});
    CHECK(evidence.enrolment == Fact{"not-enrolled", "2026-10-05"});
    CHECK(evidence.residence == "122069");
}

TEST_CASE("evidence that cannot be trusted is an error, not a fact") {
    Facts unordered(
        {"'0000000002', NULL, NULL, '1', NULL, NULL", "'0000000001', NULL, NULL, '1', NULL, NULL"},
        with(kMapping, " ORDER BY 番号", ""));
    const auto reader = *unordered.open();
    CHECK_FALSE(reader->of("0000000003"));
    Facts other_insurer({}, with(kMapping, "保険者 = :insurer", ":insurer <> ''"));
    CHECK(other_insurer.faults.empty());
}

TEST_CASE("a row that cannot be read silences its own person and nobody else") {
    Facts facts({"'0000000001', NULL, NULL, '7', NULL, '122069'",
                 "'0000000002', 'soon', NULL, '1', NULL, NULL",
                 "'0000000002', NULL, NULL, '1', '2026-10-01', NULL",
                 "'0000000003', NULL, NULL, '1', '2026-10-01', NULL"});
    const auto reader = *facts.open();
    CHECK_FALSE(reader->of("0000000001")->has_value());
    CHECK_FALSE(reader->of("0000000002")->has_value());
    CHECK((*reader->of("0000000003"))->enrolment == Fact{"enrolled", "2026-10-01"});
    CHECK(reader->unreadable().find("row 1") != std::string::npos);
    Facts nobodys({"'0000000001', NULL, NULL, '1', NULL, NULL", "X'FF', NULL, NULL, '1', NULL, NULL",
                   "'0000000003', NULL, NULL, '1', NULL, '住所'"},
                  with(kMapping, " ORDER BY 番号", ""));
    const auto over = *nobodys.open();
    CHECK((*over->of("0000000001"))->enrolment.known());
    CHECK_FALSE(over->of("0000000003")->has_value());  // a municipality is six digits, never free text
}

TEST_CASE("the evidence section says what its enrolment codes mean, and which columns there are") {
    CHECK_FALSE(Facts({}, with(kMapping, "\"9\": unconfirmable", "\"9\": perhaps")).faults.empty());
    CHECK_FALSE(
        Facts({}, with(kMapping, ", codes: {\"1\": enrolled, \"2\": not-enrolled, \"9\": unconfirmable}", ""))
            .faults.empty());
    CHECK_FALSE(Facts({}, with(kMapping, "{column: 居住}", "{column: 住所}")).faults.empty());
}
