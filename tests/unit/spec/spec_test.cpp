#include "spec/spec.h"

#include <catch2/catch.hpp>
#include <regex>

#include "unit/support.h"

using namespace kaigo;

namespace {

/// The project's specification with one file changed, and what the loader says of it.
std::string faults_after(const std::string& file, const std::string& from, const std::string& to) {
    const test::Folder folder;
    std::filesystem::copy(test::project("interface-spec/2.02"), folder / "spec",
                          std::filesystem::copy_options::recursive);
    std::ifstream in(folder / "spec" / file);
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    std::ofstream(folder / "spec" / file) << text;
    Faults faults;
    const auto loaded = spec::Specification::load(folder / "spec", faults);
    CHECK((loaded == nullptr) == !faults.empty());
    std::string out;
    for (const Fault& fault : faults.list()) {
        CHECK((fault.line > 0 || fault.column == 0));
        out += fault.message + "\n";
    }
    return out;
}

}  // namespace

TEST_CASE("the specification of this version is in order") {
    Faults faults;
    const auto loaded = spec::Specification::load(test::project("interface-spec/2.02"), faults);
    for (const Fault& fault : faults.list()) UNSCOPED_INFO(fault.text());
    REQUIRE(loaded);
    CHECK(loaded->kinds().size() == 3);
    const auto* certification = loaded->kind("care-certifications");
    const auto survey = certification->items[*certification->item_index("survey")];
    for (const spec::Item& member : survey.items)
        if (member.key == "items") CHECK(member.items.size() == 55);
    CHECK(loaded->record_error("KJP0001").error_class == ErrorClass::pmh_case);
    CHECK(loaded->record_error("no such id").error_class == ErrorClass::unknown);
}

TEST_CASE("check-spec finds what dangles, doubles or is unknown") {
    CHECK(faults_after("records/insured-persons.yaml", "codes: sex", "codes: sexes")
              .find("no code list \"sexes\"") != std::string::npos);
    CHECK(
        faults_after("records/insured-persons.yaml", "key: postalCode", "key: address").find("given twice") !=
        std::string::npos);
    CHECK(faults_after("records/insured-persons.yaml", "not_before: acquiredOn", "not_before: bornOn")
              .find("no date \"bornOn\"") != std::string::npos);
    CHECK(faults_after("records/insured-persons.yaml", "{item: lostOn, present: true}",
                       "{item: lost, present: true}")
              .find("no item \"lost\"") != std::string::npos);
    CHECK(
        faults_after("records/insured-persons.yaml", "in: [\"2\"]", "in: [\"7\"]").find("not in its list") !=
        std::string::npos);
    CHECK(faults_after("records/insured-persons.yaml", "source: mynumber-law", "source: hearsay")
              .find("hearsay") != std::string::npos);
    CHECK(faults_after("records/insured-persons.yaml", "required: always, confidence: A",
                       "required: always, confidence: D")
              .find("A, B or C") != std::string::npos);
    CHECK(faults_after("records/insured-persons.yaml", "type: my-number", "tpye: my-number")
              .find("unknown key \"tpye\"") != std::string::npos);
    CHECK(faults_after("records/care-certifications.yaml", "context: insuredCategory", "context: category")
              .find("no context item") != std::string::npos);
    CHECK(
        faults_after("records/comprehensive-consents.yaml", "requires: insured-persons", "requires: persons")
            .find("must stand behind") != std::string::npos);
    CHECK(faults_after("errors.yaml", "class: stale", "class: rotten").find("unknown class") !=
          std::string::npos);
    CHECK(
        faults_after("errors.yaml", "required: KJR0001", "required: KJR9001").find("not in the catalogue") !=
        std::string::npos);
    CHECK(
        faults_after("endpoints.yaml", "request_id: requestId", "requestid: requestId").find("request_id") !=
        std::string::npos);
}

TEST_CASE("all faults of a file are told at once") {
    const std::string found =
        faults_after("records/insured-persons.yaml", "type: my-number, required: always",
                     "type: number, required: sometimes, colour: red");
    CHECK(found.find("unknown item type") != std::string::npos);
    CHECK(found.find("colour") != std::string::npos);
}
