#include <catch2/catch.hpp>

#include "mapping/plan.h"
#include "mapping/reader.h"
#include "source/source.h"
#include "sqlite/sqlite.h"
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

TEST_CASE("a child query that no item uses is refused: whoever wrote it believes that it is sent") {
    Fixture fixture;
    Faults faults;
    fixture.load(
        changed(kMapping, "    platform_owned:",
                "    children:\n      c: {select: \"SELECT 番号, 連番 FROM 同意 WHERE 保険者 = :insurer\", "
                "key: [番号, 連番]}\n    platform_owned:"),
        faults);
    REQUIRE(faults.list().size() == 1);
    CHECK(faults.list()[0].message.find("none of it would be sent") != std::string::npos);
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

namespace {

/// A source of three tables for the certification kind, whose items are constants but for what a test maps.
class Certifications {
  public:
    Certifications() : database_(folder_ / "source.db", sqlite::Open::create) {
        database_.execute("CREATE TABLE n (i TEXT, p, v, w); CREATE TABLE c (p, s, t)");
    }
    void sql(const std::string& text) {
        snapshot_.reset();  // it would lock the writer out
        database_.execute(text);
    }

    /// @param items  what stands beside the constants, over them where both name an item
    std::string yaml(const std::map<std::string, std::string>& items,
                     const std::string& children = "") const {
        std::map<std::string, std::string> all = {{"insurerNumber", "{column: i}"},
                                                  {"insuredNumber", "{column: p, pad_left: 10}"},
                                                  {"historyNumber", "{constant: \"1\"}"},
                                                  {"applicationDate", "{constant: \"2026-05-01\"}"},
                                                  {"certificationHistoryNumber", "{constant: \"1\"}"},
                                                  {"applicationKind", "{constant: \"1\"}"},
                                                  {"certificationStatus", "{constant: \"01\"}"},
                                                  {"consentAtApplication", "{constant: \"false\"}"}};
        for (const auto& [key, expression] : items) all[key] = expression;
        std::string out =
            "mapping: test\ninterface_spec: \"2.02\"\nrecords:\n  care-certifications:\n    select: |\n      "
            "SELECT i, p, v, "
            "w\n      FROM n WHERE i = :insurer ORDER BY p, v\n";
        if (!children.empty()) out += "    children:\n" + children;
        out += "    context: {insuredCategory: {constant: \"1\"}}\n    items:\n";
        for (const auto& [key, expression] : all) out += "      " + key + ": " + expression + "\n";
        return out;
    }

    std::string faults(const std::string& yaml) {
        Faults faults;
        load(yaml, faults);
        std::string out;
        for (const Fault& fault : faults.list()) out += fault.text() + "\n";
        return out;
    }

    struct Outcome {
        std::vector<std::string> records;
        std::vector<mapping::ChildCount> children;
        std::string error;
    };
    Outcome read(const std::string& yaml) {
        Faults faults;
        const auto plan = load(yaml, faults);
        for (const Fault& fault : faults.list()) UNSCOPED_INFO(fault.text());
        REQUIRE(faults.empty());
        const auto reader =
            *mapping::RecordReader::open(*plan->kind("care-certifications"), *snapshot_, kInsurer, {});
        Outcome out;
        for (;;) {
            const auto more = reader->next();
            if (!more) out.error = more.error().message;
            if (!more || !*more) break;
            out.records.emplace_back();
            spec::append_canonical(out.records.back(), reader->record());
        }
        out.children = reader->child_counts();
        return out;
    }

    std::unique_ptr<mapping::Plan> load(const std::string& yaml, Faults& faults) {
        const auto file = folder_.write("mapping.yaml", yaml);
        auto plan = mapping::Plan::load(file, test::specification(), faults);
        source_ = *source::open_source("sqlite", (folder_ / "source.db").string());
        snapshot_ = *source_->snapshot();
        if (plan) plan->resolve(*snapshot_, faults);
        return plan;
    }
    source::Snapshot& snapshot() { return *snapshot_; }

  private:
    test::Folder folder_;
    sqlite::Database database_;
    std::unique_ptr<source::Source> source_;
    std::unique_ptr<source::Snapshot> snapshot_;
};

std::string child(const std::string& select, const std::string& more = "") {
    return "      c: {select: \"" + select + "\", key: [p]" + more + "}\n";
}

/// A survey that holds nothing but the overview under test.
std::string survey(const std::string& overview) {
    return "{object: {surveyedOn: {constant: \"2026-05-02\"}, place: {constant: \"1\"}, items: {object: {" +
           [] {
               std::string out;
               for (const auto& [group, last] : {std::pair{1, 13}, {2, 12}, {3, 9}, {4, 15}, {5, 6}})
                   for (int n = 1; n <= last; ++n)
                       out += std::string(out.empty() ? "" : ", ") + "\"" + std::to_string(group) + "-" +
                              std::to_string(n) +
                              (group == 1 && n < 3 ? "\": {list: []}" : "\": {constant: \"1\"}");
               return out;
           }() +
           "}}, medicalTreatments: {list: []}, overview: " + overview + "}}";
}

const std::string kFacilities =
    survey("{object: {services: {rows: c, each: {object: {code: {column: t}, count: {column: s}}}}}}");

std::string services_of(const std::string& record) {
    const std::size_t begin = record.find("\"services\":");
    return begin == std::string::npos ? "" : record.substr(begin + 11, record.find(']', begin) - begin - 10);
}

}  // namespace

TEST_CASE("every child row goes to all main rows of its key, or is an orphan with its key") {
    Certifications city;
    city.sql(
        "INSERT INTO n VALUES ('122192', '1', 1, ''), ('122192', '1', 2, ''), ('122192', '3', 1, '');"
        "INSERT INTO c VALUES ('1', 1, 'A'), ('1', 2, 'B'), ('2', 3, 'C'), ('3 ', 4, 'D'), (NULL, 5, 'E'), "
        "('4', 6, 'F')");
    const auto found = city.read(city.yaml(
        {{"survey", kFacilities}}, child("SELECT p, s, t FROM c WHERE :insurer <> '' ORDER BY p, s")));
    REQUIRE(found.records.size() == 3);
    const std::string both = R"([{"code":"A","count":1},{"code":"B","count":2}])";
    CHECK(services_of(found.records[0]) == both);
    CHECK(services_of(found.records[1]) == both);
    CHECK(services_of(found.records[2]).empty());
    REQUIRE(found.children.size() == 1);
    CHECK(found.children[0].rows == 6);
    CHECK(found.children[0].orphans == 4);
    CHECK(found.children[0].examples == std::vector<std::string>{"NULL", "2", "'3 '", "4"});
}

TEST_CASE("keys of numbers and text mixed come in the database's order, and are joined") {
    Certifications city;
    city.sql(
        "INSERT INTO n VALUES ('122192', 1, 1, ''), ('122192', 'H1', 1, '');"
        "INSERT INTO c VALUES (1, 1, 'A'), (1.0, 2, 'B'), ('H1', 3, 'C'), ('1', 4, 'D')");
    const auto found = city.read(city.yaml(
        {{"survey", kFacilities}}, child("SELECT p, s, t FROM c WHERE :insurer <> '' ORDER BY p, s")));
    CHECK(found.error.empty());
    REQUIRE(found.records.size() == 2);
    CHECK(services_of(found.records[0]) == R"([{"code":"A","count":1},{"code":"B","count":2}])");
    CHECK(services_of(found.records[1]) == R"([{"code":"C","count":3}])");
    CHECK(found.children[0].orphans == 1);  // the text '1' is not the number 1
}

TEST_CASE("the rows of one key have an order of their own, not the database's") {
    Certifications city;
    city.sql(
        "INSERT INTO n VALUES ('122192', '1', 1, ''); INSERT INTO c VALUES ('1', 3, 'A'), ('1', 10, 'B'), "
        "('1', 2, 'C')");
    for (const char* order : {"s", "s DESC", "t DESC", "1"}) {
        const std::string sql =
            std::string("SELECT p, s, t FROM c WHERE :insurer <> '' ORDER BY p, ") + order;
        CHECK(services_of(city.read(city.yaml({{"survey", kFacilities}}, child(sql))).records[0]) ==
              R"([{"code":"C","count":2},{"code":"A","count":3},{"code":"B","count":10}])");
        CHECK(
            services_of(
                city.read(city.yaml({{"survey", kFacilities}}, child(sql, ", order_by: [t]"))).records[0]) ==
            R"([{"code":"A","count":3},{"code":"B","count":10},{"code":"C","count":2}])");
    }
    CHECK(city.faults(city.yaml(
                          {}, child("SELECT p FROM c WHERE :insurer <> '' ORDER BY p", ", order_by: [none]")))
              .find("none") != std::string::npos);
}

TEST_CASE("columns go by their names, also when the table was rebuilt after the mapping was checked") {
    Certifications city;
    city.sql("INSERT INTO n VALUES ('122192', '1', 'left', 'right')");
    const std::string yaml =
        changed(city.yaml({{"survey", survey("{object: {facility: {column: v}, remarks: {column: w}}}")}}),
                "SELECT i, p, v, w", "SELECT n.*        ");
    Faults faults;
    const auto plan = city.load(yaml, faults);
    REQUIRE(faults.empty());
    city.sql(
        "ALTER TABLE n RENAME TO o; CREATE TABLE n (w, v, p, i TEXT); INSERT INTO n SELECT w, v, p, i FROM "
        "o");
    Faults later;
    static_cast<void>(city.load(yaml, later));
    {
        const auto reader =
            *mapping::RecordReader::open(*plan->kind("care-certifications"), city.snapshot(), kInsurer, {});
        REQUIRE(*reader->next());
        std::string record;
        spec::append_canonical(record, reader->record());
        CHECK(record.find(R"("facility":"left","remarks":"right")") != std::string::npos);
    }
    city.sql("DROP TABLE n; CREATE TABLE n (v, p, i TEXT)");
    Faults gone;
    static_cast<void>(city.load(yaml, gone));
    const auto failed =
        mapping::RecordReader::open(*plan->kind("care-certifications"), city.snapshot(), kInsurer, {});
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::busy);
}

TEST_CASE("a word in a mapping that would do nothing is a fault, with its place") {
    Certifications city;
    const auto fault = [&](const std::string& item, const std::string& expression) {
        return city.faults(city.yaml({{item, expression}}));
    };
    const std::string nothing = "has no effect here";
    CHECK(fault("applicationKind", "{column: v, date: iso}").find(nothing) != std::string::npos);
    CHECK(fault("certificationHistoryNumber", "{column: v, pad_left: 3}").find(nothing) != std::string::npos);
    CHECK(fault("applicationKind", "{column: v, text: [full-width-kana]}").find(nothing) !=
          std::string::npos);
    CHECK(fault("firstJudgement", "{text: [trim], object: {}}").find(nothing) != std::string::npos);
    CHECK(fault("survey", survey("{codes: {a: b}, object: {facility: {column: v}}}")).find(nothing) !=
          std::string::npos);
    CHECK(fault("applicationKind", "{column: v, text: [trim], codes: {\"1 \": \"1\"}}").find("never match") !=
          std::string::npos);
    CHECK(fault("applicationKind", "{column: v, when: {column: w, in: [\" \"]}}").find("never match") !=
          std::string::npos);
    CHECK(fault("applicationKind", "{column: v, unknown: 1}").find("unknown key") != std::string::npos);
    CHECK(fault("applicationKind", "{column: v, text: [trim], codes: {\"1\": \"1\"}}").empty());
}

TEST_CASE("a condition compares without the spaces around its values, on both sides") {
    Certifications city;
    city.sql(
        "INSERT INTO n VALUES ('122192', '1', 'Y ', ''), ('122192', '2', 'Y', ''), ('122192', '3', 'N', '')");
    for (const char* in : {"[\"Y \"]", "[Y]", "[\"　Y\"]"}) {
        const auto found = city.read(
            city.yaml({{"applicationKind", "{constant: \"2\", when: {column: v, in: " + std::string(in) +
                                               "}, otherwise: {constant: \"1\"}}"}}));
        REQUIRE(found.records.size() == 3);
        CHECK(found.records[0].find(R"("applicationKind":"2")") != std::string::npos);
        CHECK(found.records[1].find(R"("applicationKind":"2")") != std::string::npos);
        CHECK(found.records[2].find(R"("applicationKind":"1")") != std::string::npos);
    }
}

TEST_CASE("a constant is checked like a value of the source, before a row is read") {
    Certifications city;
    const auto fault = [&](const std::string& item, const std::string& value) {
        return city.faults(city.yaml({{item, "{constant: \"" + value + "\"}"}}));
    };
    CHECK(fault("applicationDate", "2026-02-30").find("applicationDate") != std::string::npos);
    CHECK(fault("consentAtApplication", "no").find("not-a-boolean") != std::string::npos);
    CHECK(fault("certificationHistoryNumber", "x").find("not-an-integer") != std::string::npos);
    CHECK(fault("certificationHistoryNumber", "0").find("range") != std::string::npos);
    CHECK(fault("applicationKind", "9").find("not in its list") != std::string::npos);
    CHECK(fault("applicationKind", "2").empty());
}

TEST_CASE("a flag is set, unset, or unreadable; parts of a split text take the conversions of any value") {
    Certifications city;
    city.sql(
        "INSERT INTO n VALUES ('122192', '1', '1', 'A,B'), ('122192', '2', '0', '2 '), ('122192', '3', NULL, "
        "''), "
        "('122192', '4', '', NULL), ('122192', '5', 'Y', 'A,X'), ('122192', '6', '1 ', x'00'), ('122192', "
        "'7', '１', '値')");
    const auto records = [&](const std::string& flags, const std::string& split) {
        const std::string one = changed(survey("{object: {facility: {constant: x}}}"),
                                        "medicalTreatments: {list: []}", "medicalTreatments: " + flags);
        return city.read(city.yaml({{"survey", changed(one, "\"1-1\": {list: []}", "\"1-1\": " + split)}}))
            .records;
    };
    const auto treatments = [](const std::string& record) {
        const std::size_t begin = record.find("\"medicalTreatments\":") + 20;
        return record.substr(begin, record.find_first_of("]l", begin) - begin + 1);
    };
    const auto parts = [](const std::string& record) {
        const std::size_t begin = record.find("\"1-1\":") + 6;
        return record.substr(begin, record.find_first_of("]l", begin) - begin + 1);
    };
    const auto plain =
        records("{flags: {\"01\": v}}",
                "{split: w, separator: \",\", text: [trim], codes: {A: \"1\", B: \"2\", \"2\": \"3\"}}");
    REQUIRE(plain.size() == 7);
    const std::vector<std::string> flags = {R"(["01"])", "[]", "[]", "[]", "nul", "nul", "nul"};
    const std::vector<std::string> split = {R"(["1","2"])", R"(["3"])", "[]",  "[]",
                                            R"(["1",nul)",  "nul",      "[nul"};
    for (std::size_t i = 0; i < plain.size(); ++i) {
        CHECK(treatments(plain[i]) == flags[i]);
        CHECK(parts(plain[i]) == split[i]);
    }
    const auto other =
        records("{flags: {\"01\": v}, set: Y, unset: [\"1\", \"0\"], text: [trim]}", "{split: w}");
    CHECK(treatments(other[4]) == R"(["01"])");
    CHECK(treatments(other[5]) == "[]");
    CHECK(treatments(other[6]) == "nul");
    CHECK(parts(other[6]) == R"(["値"])");
    CHECK(city.faults(city.yaml({{"survey", changed(survey("{object: {facility: {constant: x}}}"),
                                                    "medicalTreatments: {list: []}",
                                                    "medicalTreatments: {flags: {\"01\": v}, set: \"0\"}")}}))
              .find("both set and unset") != std::string::npos);
}

TEST_CASE("nothing is no object, and no child row is an answer where one is required") {
    Certifications city;
    city.sql("INSERT INTO n VALUES ('122192', '1', '', NULL), ('122192', '2', 'x', NULL)");
    const std::string empty = survey(
        "{object: {facility: {column: v}, services: {rows: c, each: {object: {code: {column: t}, count: "
        "{column: s}}}}}}");
    const auto found = city.read(city.yaml(
        {{"survey", changed(empty, "\"1-1\": {list: []}", "\"1-1\": {rows: c, each: {column: t}}")}},
        child("SELECT p, s, t FROM c WHERE :insurer <> '' ORDER BY p")));
    REQUIRE(found.records.size() == 2);
    CHECK(found.records[0].find("overview") == std::string::npos);
    CHECK(found.records[0].find("\"1-1\":[]") != std::string::npos);
    CHECK(found.records[1].find(R"("overview":{"facility":"x"})") != std::string::npos);
}

TEST_CASE("line ends become a space where the mapping says so") {
    Certifications city;
    city.sql(
        "INSERT INTO n VALUES ('122192', '1', char(13) || char(10) || '一行目' || char(13) || char(10) || "
        "'二行目' || char(10), '')");
    const auto facility = [&](const char* conversions) {
        const std::string record =
            city.read(city.yaml({{"survey", survey("{object: {facility: {column: v, text: [" +
                                                   std::string(conversions) + "]}}}")}}))
                .records[0];
        const std::size_t begin = record.find("\"facility\":") + 11;
        return record.substr(begin, record.find('}', begin) - begin);
    };
    CHECK(facility("one-line") == "\"一行目 二行目\"");
    CHECK(facility("trim, one-line") == "\"一行目 二行目\"");
}

TEST_CASE("what is wrong with a statement is told at its line; what stands behind it is refused") {
    Certifications city;
    const auto fault = [&](const std::string& what, const std::string& to) {
        return city.faults(changed(city.yaml({}), what, to));
    };
    CHECK(fault("SELECT i, p, v, w\n      FROM", "SELECT i, p, v,\n        gone, w\n      FROM")
              .find("mapping.yaml:7:9: ") != std::string::npos);
    CHECK(fault("ORDER BY p, v", "ORDER BY p, v; AND v = 1").find("only one statement") != std::string::npos);
    CHECK(fault("ORDER BY p, v", "ORDER BY p, v; -- so").empty());
    CHECK(fault("{column: p, pad_left: 10}", "{column: か\u3099}").find("no column") != std::string::npos);
    city.sql("ALTER TABLE n RENAME COLUMN v TO が");
    CHECK(changed(city.yaml({}), "SELECT i, p, v, w", "SELECT i, p, が, w").find("が") != std::string::npos);
    CHECK(city.faults(changed(changed(changed(city.yaml({}), "SELECT i, p, v, w", "SELECT i, p, が, w"),
                                      "ORDER BY p, v", "ORDER BY p"),
                              "{column: p, pad_left: 10}", "{column: か\u3099}"))
              .find("composed") != std::string::npos);
}

TEST_CASE("a second document, or another encoding than UTF-8, is told by its name") {
    Certifications city;
    CHECK(city.faults(city.yaml({}) + "---\nrecords: {}\n").find("second document") != std::string::npos);
    CHECK(city.faults("# \x94\xED\x95\xDB\x8C\xAF\x8E\xD2\n" + city.yaml({})).find("CP932") !=
          std::string::npos);
    CHECK(city.faults("\xEF\xBB\xBF" + city.yaml({})).empty());
}
