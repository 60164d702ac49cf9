#include "platform/wire.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::platform;

namespace {
const WireNames& wire() { return test::specification().wire(); }
}  // namespace

TEST_CASE("a request is composed in the interface's names") {
    const std::vector<WireRecord> records = {{"ID1", UpdateKind::update, R"({"insurerNumber":"122192"})"},
                                             {"ID2", UpdateKind::remove, R"({"historyNumber":1})"}};
    CHECK(compose_body(wire(), "R1", "initial", "2026-11-01", records) ==
          R"({"specVersion":"2.02","requestId":"R1","mode":"initial","baseDate":"2026-11-01","records":[)"
          R"({"recordId":"ID1","updateKind":"2","insurerNumber":"122192"},)"
          R"({"recordId":"ID2","updateKind":"3","historyNumber":1}]})");
}

TEST_CASE("an acceptance must be about this request and this many records") {
    const auto parse = [](const std::string& body) { return parse_submit_answer(wire(), body, "R1", 2); };
    const auto good = parse(R"({"receptionNumber":"N1","requestId":"R1","recordCount":2,"duplicate":true})");
    REQUIRE(good);
    CHECK(good->outcome == SubmitResult::Outcome::accepted);
    CHECK(good->reception_number == "N1");
    CHECK_FALSE(parse(R"({"receptionNumber":"N1","requestId":"R2","recordCount":2})"));
    CHECK_FALSE(parse(R"({"receptionNumber":"N1","requestId":"R1","recordCount":1})"));
    CHECK_FALSE(parse(R"({"requestId":"R1","recordCount":2})"));
    CHECK_FALSE(parse("{}"));
    CHECK_FALSE(parse(""));
    CHECK_FALSE(parse("[]"));
}

TEST_CASE("errors inside a 200 are a refusal") {
    const auto refused =
        parse_submit_answer(wire(), R"({"errors":[{"code":"KJQ0400","message":"x"}]})", "R1", 1);
    REQUIRE(refused);
    CHECK(refused->outcome == SubmitResult::Outcome::refused);
    CHECK(refused->error_code == "KJQ0400");
    CHECK(parse_submit_answer(wire(), R"({"errors":[]})", "R1", 1).has_value() == false);
}

TEST_CASE("hostile answers are errors, not crashes") {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    for (const std::string& body :
         {std::string("{\"results\":") + deep + "}", std::string(R"({"total":-1,"results":[]})"),
          std::string(R"({"total":1e99,"results":[]})"), std::string(R"({"total":1,"results":[null]})"),
          std::string(R"({"total":1,"results":[{"recordId":"a","status":"7"}]})"),
          std::string(R"({"total":1,"results":{}})"),
          std::string("{\"total\":1,\"results\":[{\"recordId\":\"\xFF\"}]}"), std::string("null"),
          std::string("{")})
        CHECK_FALSE(parse_results(wire(), body));
    for (const std::string& body :
         {std::string(R"({"receptions":[{}]})"), std::string(R"({"receptions":[7]})"), std::string("7")})
        CHECK_FALSE(parse_receptions(wire(), body));
    CHECK_FALSE(parse_error_code(wire(), deep));
}

TEST_CASE("results say what was stored") {
    const auto page = parse_results(
        wire(),
        R"({"total":2,"results":[{"recordId":"a","status":"1","stored":true,"platformPersonKey":"k"},)"
        R"({"recordId":"b","status":"2","stored":true,"errorId":"KJP0001","errorMessage":"…"}]})");
    REQUIRE(page);
    CHECK(page->results[0].ok);
    CHECK_FALSE(page->results[1].ok);
    CHECK(page->results[1].stored);
    CHECK(page->results[1].error_id == "KJP0001");
}
