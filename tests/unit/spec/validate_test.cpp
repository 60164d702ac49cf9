#include "spec/validate.h"

#include <catch2/catch.hpp>
#include <set>

#include "unit/support.h"

using namespace kaigo;
using spec::Value;

namespace {

/// A valid person, item by item, and what validation says after a change.
class Person {
  public:
    Person()
        : kind_(*test::specification().kind("insured-persons")), record_(spec::make_record(kind_, arena_)) {
        set("insurerNumber", "122192");
        set("insuredNumber", "0000000001");
        number("historyNumber", 1);
        set("myNumber", "123456789019");
        set("insuredCategory", "1");
        set("name", "見本　太郎");
        set("nameKana", "ミホン　タロウ");
        set("birthDate", "1940-03-01");
        set("sex", "1");
        set("address", "見本市1丁目");
        set("acquiredOn", "2005-03-01");
        set("residenceException", "1");
        boolean("nonDisclosure", false);
    }
    Value& operator[](const std::string& key) { return record_.items[*kind_.item_index(key)]; }
    void set(const std::string& key, std::string_view text) {
        (*this)[key] = {.kind = Value::Kind::text, .text = arena_.copy(text)};
    }
    void number(const std::string& key, std::int64_t n) {
        (*this)[key] = {.kind = Value::Kind::number, .number = n};
    }
    void boolean(const std::string& key, bool b) {
        (*this)[key] = {.kind = Value::Kind::boolean, .number = b};
    }
    void remove(const std::string& key) { (*this)[key] = {}; }

    std::set<std::string> errors() const {
        std::vector<spec::Finding> findings;
        spec::validate(record_, {*Date::from(2026, 11, 1), MyNumberCheck::test, true}, findings);
        std::set<std::string> out;
        for (const auto& finding : findings)
            if (finding.severity == spec::Severity::error)
                out.insert(finding.path + ":" + std::string(finding.rule));
        return out;
    }
    const spec::Record& record() const { return record_; }

  private:
    const spec::RecordKind& kind_;
    spec::Arena arena_;
    spec::Record record_;
};

using Rules = std::set<std::string>;

}  // namespace

TEST_CASE("a right record passes") { CHECK(Person().errors().empty()); }

TEST_CASE("each rule is enforced") {
    const auto after = [](auto change) {
        Person person;
        change(person);
        return person.errors();
    };
    CHECK(after([](Person& p) { p.remove("address"); }) == Rules{"address:required"});
    CHECK(after([](Person& p) { p.remove("myNumber"); }) == Rules{"myNumber:my-number-missing"});
    CHECK(after([](Person& p) { p.set("myNumber", "123456789018"); }) == Rules{"myNumber:check-digit"});
    CHECK(after([](Person& p) { p.set("sex", "3"); }) == Rules{"sex:code"});
    CHECK(after([](Person& p) { p.set("name", std::string(303, 'a')); }) == Rules{"name:length"});
    CHECK(after([](Person& p) { p.set("nameKana", "みほん"); }) == Rules{"nameKana:charset"});
    CHECK(after([](Person& p) { p.set("name", "見\x01本"); }) == Rules{"name:control"});
    CHECK(after([](Person& p) { p.set("name", "か\u3099"); }) == Rules{"name:encoding"});
    CHECK(after([](Person& p) { p.set("name", "見\xFF"); }) == Rules{"name:encoding"});
    CHECK(after([](Person& p) { p.set("birthDate", "2026-11-02"); }) == Rules{"birthDate:order"});
    CHECK(after([](Person& p) { p.set("birthDate", "2026-02-30"); }) == Rules{"birthDate:type"});
    CHECK(after([](Person& p) { p.set("postalCode", "123456"); }) == Rules{"postalCode:length"});
    CHECK(after([](Person& p) { p.number("historyNumber", 1000); }) == Rules{"historyNumber:range"});
    CHECK(after([](Person& p) { p.set("lostOn", "2026-01-01"); }) == Rules{"lossReason:required"});
    CHECK(after([](Person& p) {
              p.set("lostOn", "2004-01-01");
              p.set("lossReason", "01");
          }) == Rules{"lostOn:order"});
    CHECK(after([](Person& p) { p.set("residenceException", "2"); }) ==
          Rules{"facilityInsurerNumber:required"});
    CHECK(after([](Person& p) { p.set("name", ""); }) == Rules{"name:empty"});
    CHECK(after([](Person& p) { p["sex"] = {.kind = Value::Kind::malformed, .text = "x"}; }) ==
          Rules{"sex:x"});
    CHECK(after([](Person& p) { p.set("insurerNumber", "123456"); }).empty());  // a warning
}

TEST_CASE("length counts characters, not variation selectors") {
    Person person;
    std::string name;
    for (int i = 0; i < 100; ++i) name += "葛\U000E0100";
    person.set("name", name);
    CHECK(person.errors().empty());
    person.set("name", name + "西");
    CHECK(person.errors() == Rules{"name:length"});
}

TEST_CASE("findings never carry a value") {
    Person person;
    person.set("myNumber", "123456789018");
    std::vector<spec::Finding> findings;
    spec::validate(person.record(), {*Date::from(2026, 11, 1), MyNumberCheck::test, true}, findings);
    for (const auto& finding : findings) CHECK(finding.path.find("1234") == std::string::npos);
}

TEST_CASE("canonical bytes have the specification's order, no spaces and no absent members") {
    const Person person;
    std::string out;
    spec::append_canonical(out, person.record());
    CHECK(
        out ==
        R"({"insurerNumber":"122192","insuredNumber":"0000000001","historyNumber":1,"myNumber":"123456789019",)"
        R"("insuredCategory":"1","name":"見本　太郎","nameKana":"ミホン　タロウ","birthDate":"1940-03-01","sex":"1",)"
        R"("address":"見本市1丁目","acquiredOn":"2005-03-01","residenceException":"1","nonDisclosure":false})");
}

TEST_CASE("keys sort as bytes and turn back into a deletion") {
    const auto& kind = *test::specification().kind("care-certifications");
    spec::Arena arena;
    const auto key = [&](std::string_view date, std::int64_t number) {
        const auto record = spec::make_record(kind, arena);
        record.items[*kind.item_index("insuredNumber")] = {.kind = Value::Kind::text, .text = "0000000001"};
        record.items[*kind.item_index("applicationDate")] = {.kind = Value::Kind::text, .text = date};
        record.items[*kind.item_index("certificationHistoryNumber")] = {.kind = Value::Kind::number,
                                                                        .number = number};
        std::string out;
        REQUIRE(spec::append_key(out, record));
        return out;
    };
    CHECK(key("2026-04-01", 2) < key("2026-04-01", 10));
    CHECK(key("2026-04-01", 300) < key("2026-04-02", 1));
    CHECK(spec::insured_number_of(key("2026-04-01", 2)) == "0000000001");
    CHECK(spec::describe_key(kind, key("2026-04-01", 300)) == "0000000001 2026-04-01 300");
    std::string deletion;
    spec::append_deletion(deletion, kind, "122192", key("2026-04-01", 300), 7);
    CHECK(deletion == R"({"insurerNumber":"122192","insuredNumber":"0000000001","historyNumber":7,)"
                      R"("applicationDate":"2026-04-01","certificationHistoryNumber":300})");
    std::string none;
    CHECK_FALSE(spec::append_key(none, spec::make_record(kind, arena)));
}
