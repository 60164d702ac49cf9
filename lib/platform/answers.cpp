#include "platform/answers.h"

#include <fmt/format.h>

#include "base/i18n.h"
#include "platform/wire.h"

namespace kaigo::platform {

using http::ClientResponse;
using Outcome = SubmitResult::Outcome;

namespace {

bool is_about_certificates(int status) {
    // 495 and 496 are nginx's own: a client certificate that it does not believe, or misses.
    return status == 401 || status == 403 || status == 495 || status == 496;
}

bool is_of_the_interface(const ClientResponse& response) {
    return response.body.empty() || is_object(response.body);
}

}  // namespace

Outcome outcome_of_error(const WireNames& wire, const std::string& code, int status) {
    const auto found = wire.request_errors.find(code);
    switch (found == wire.request_errors.end() ? RequestErrorClass::unknown : found->second) {
        case RequestErrorClass::certificate:
            return Outcome::certificate;
        case RequestErrorClass::conflict:
            return Outcome::conflict;
        case RequestErrorClass::too_large:
            return Outcome::too_large;
        case RequestErrorClass::busy:
            return Outcome::busy;
        case RequestErrorClass::malformed:
            return Outcome::refused;
        case RequestErrorClass::unknown:
            break;
    }
    if (status == 401 || status == 403) return Outcome::certificate;
    return status == 409 ? Outcome::conflict : Outcome::refused;
}

std::string in_words(const ClientResponse& response) {
    constexpr std::size_t kShown = 60;
    std::string words;
    bool in_tag = false;
    for (const char c : response.body) {
        if (words.size() >= kShown) break;
        if (c == '<') in_tag = true;
        const bool shown = !in_tag && c >= ' ' && c < 0x7F && c != '"';
        if (shown && !(c == ' ' && (words.empty() || words.back() == ' ')))
            words += c >= '0' && c <= '9' ? '#' : c;
        if (c == '>') {
            in_tag = false;
            if (!words.empty() && words.back() != ' ') words += ' ';
        }
    }
    while (!words.empty() && words.back() == ' ') words.pop_back();
    std::string out = fmt::format("HTTP {}", response.status);
    if (!response.content_type.empty()) out += ", " + response.content_type;
    // An answer of the interface is told by its errorId, not by its text.
    if (!words.empty() && !is_of_the_interface(response)) out += ", \"" + words + "\"";
    return out;
}

SubmitResult refused_submission(const WireNames& wire, const ClientResponse& response) {
    SubmitResult out;
    out.retry_after = response.retry_after;
    out.detail = in_words(response);
    const auto code = parse_error_code(wire, response.body);
    if (code) out.error_code = *code;
    if (response.status == 413)
        out.outcome = Outcome::too_large;
    else if (response.status == 429 || response.status == 503)
        out.outcome = Outcome::busy;
    else if (response.status >= 500)
        out.outcome = Outcome::no_answer;
    else if (code)
        out.outcome = outcome_of_error(wire, *code, response.status);
    else if (is_about_certificates(response.status))
        out.outcome = Outcome::certificate;
    else
        out.outcome = Outcome::not_the_platform;
    return out;
}

Error unusable_answer(const WireNames& wire, const ClientResponse& response, const std::string& where,
                      const std::string& insurer) {
    const std::string told = in_words(response);
    const auto error = [&](ErrorCode code, const std::string& remedy) {
        return Error{code, told, where, remedy};
    };
    const auto code = parse_error_code(wire, response.body);
    if (response.status == 429 || response.status == 503 ||
        (response.status == 409 && is_of_the_interface(response)))
        return error(ErrorCode::platform_closed, tr("nothing is lost; it is tried again"));
    if (is_about_certificates(response.status))
        return error(
            ErrorCode::certificate_refused,
            code ? tr("this certificate is not entitled to insurer {}: ask the platform's operator", insurer)
                 : tr("the platform, or a proxy before it, does not take this certificate: ask who "
                      "runs them, and check it with: kaigo-gateway doctor"));
    if (response.status == 404 && is_of_the_interface(response))
        return error(ErrorCode::platform_refused, tr("check platform.url in the configuration"));
    if (response.status < 500 && !code)
        return error(ErrorCode::platform_unreachable,
                     tr("this is no answer of the platform: something between here and it answers in its "
                        "place; ask who runs the proxy or gateway. Nothing is lost; it is tried again"));
    return error(ErrorCode::platform_protocol, tr("nothing is lost; it is tried again"));
}

}  // namespace kaigo::platform
