#pragma once
// What a status means. Between here and the platform stand proxies, gateways and balancers: what they answer
// in its place says nothing of the records. The table is docs/answers.md.

#include <string>

#include "domain/vocabulary.h"
#include "http/client.h"
#include "platform/client.h"

namespace kaigo::platform {

/// Of a request that the platform refused with this errorId.
SubmitResult::Outcome outcome_of_error(const WireNames& wire, const std::string& code, int status);

/// Of a submission that was answered with another status than 2xx.
/// @param response  whole
SubmitResult refused_submission(const WireNames& wire, const http::ClientResponse& response);

/// Why the answer to a question cannot be used.
/// @param where  what was asked, for people
Error unusable_answer(const WireNames& wire, const http::ClientResponse& response, const std::string& where,
                      const std::string& insurer);

/// What was received, for people: status, kind, the first words. No digit of a body is repeated.
std::string in_words(const http::ClientResponse& response);

}  // namespace kaigo::platform
