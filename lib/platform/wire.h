#pragma once
// Answers of the platform, from hostile bytes to checked values.

#include <string_view>

#include "platform/client.h"

namespace kaigo::platform {

/// An answer of any 2xx status to a submission: accepted, or refused with `errors`. What is neither is an
/// error.
Result<SubmitResult> parse_submit_answer(const WireNames& wire, std::string_view body,
                                         std::string_view request_id, std::size_t record_count);
/// Code of the first error in a body of the interface; nothing when the body has no `errors`.
std::optional<std::string> parse_error_code(const WireNames& wire, std::string_view body);
/// Whether a body is JSON at all, as every body of the interface is.
bool is_object(std::string_view body);
Result<ServiceStatus> parse_service_status(const WireNames& wire, std::string_view body);
Result<ReceptionPage> parse_receptions(const WireNames& wire, std::string_view body);
Result<Reception> parse_reception(const WireNames& wire, std::string_view body);
Result<ResultPage> parse_results(const WireNames& wire, std::string_view body);

}  // namespace kaigo::platform
