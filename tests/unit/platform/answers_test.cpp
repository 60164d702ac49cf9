#include "platform/answers.h"

#include <catch2/catch.hpp>

#include "unit/support.h"

using namespace kaigo;
using namespace kaigo::platform;
using Outcome = SubmitResult::Outcome;

namespace {

const WireNames& wire() { return test::specification().wire(); }

std::string refusal(const std::string& code) {
    return R"({")" + wire().key("errors") + R"(":[{")" + wire().key("error_code") + R"(":")" + code +
           R"("}]})";
}

const std::string kHtml =
    "<html><head><title>400 The SSL certificate error</title></head><body>nginx/1.22</body>";

Outcome of(int status, const std::string& body) {
    return refused_submission(wire(), {.status = status, .body = body}).outcome;
}

ErrorCode asked(int status, const std::string& body) {
    return unusable_answer(wire(), {.status = status, .body = body}, "https://p", "122192").code;
}

}  // namespace

TEST_CASE("only what speaks the interface's words refuses records") {
    CHECK(of(400, refusal("KJQ0400")) == Outcome::refused);
    CHECK(of(409, refusal("KJQ0409")) == Outcome::conflict);
    CHECK(of(403, refusal("KJQ0403")) == Outcome::certificate);
    for (const std::string& body :
         {std::string(), kHtml, std::string("{}"), std::string(R"({"message":"no"})")}) {
        for (const int status : {300, 301, 302, 307, 400, 402, 404, 405, 407, 409, 410, 418, 451})
            CHECK(of(status, body) == Outcome::not_the_platform);
        for (const int status : {401, 403, 495, 496}) CHECK(of(status, body) == Outcome::certificate);
    }
}

TEST_CASE("a limit splits, a pause waits, a broken way is asked for, whoever says so") {
    for (const std::string& body : {std::string(), kHtml, refusal("KJQ0400")}) {
        CHECK(of(413, body) == Outcome::too_large);
        CHECK(of(429, body) == Outcome::busy);
        CHECK(of(503, body) == Outcome::busy);
        for (const int status : {500, 501, 502, 504, 520}) CHECK(of(status, body) == Outcome::no_answer);
    }
}

TEST_CASE("a question that was not answered by the platform is tried again") {
    for (const int status : {301, 400, 402, 404, 405, 409, 418})
        CHECK(asked(status, kHtml) == ErrorCode::platform_unreachable);
    CHECK(asked(404, "") == ErrorCode::platform_refused);
    CHECK(asked(404, "{}") == ErrorCode::platform_refused);
    CHECK(asked(409, "{}") == ErrorCode::platform_closed);
    CHECK(asked(503, kHtml) == ErrorCode::platform_closed);
    CHECK(asked(502, kHtml) == ErrorCode::platform_protocol);
    CHECK(asked(403, kHtml) == ErrorCode::certificate_refused);
}

TEST_CASE("what was received is told, and nothing of a person with it") {
    http::ClientResponse response{.status = 400, .body = kHtml, .content_type = "text/html"};
    CHECK(in_words(response) == "HTTP 400, text/html, \"### The SSL certificate error nginx/#.##\"");
    response.body = "your request: {\"myNumber\":\"123456789018\",\"name\":\"架空太郎\"}";
    const std::string told = in_words(response);
    CHECK(told.find('1') == std::string::npos);
    CHECK(told.find("架空") == std::string::npos);
    CHECK(in_words({.status = 400, .body = refusal("KJQ0400")}) == "HTTP 400");
}
