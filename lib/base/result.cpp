#include "base/result.h"

#include <array>

namespace kaigo {
namespace {

constexpr std::array kRegistry = {
    ErrorInfo{ErrorCode::usage, "usage", 2, false},
    ErrorInfo{ErrorCode::bad_configuration, "bad-configuration", 78, false},
    ErrorInfo{ErrorCode::bad_specification, "bad-specification", 65, false},
    ErrorInfo{ErrorCode::bad_mapping, "bad-mapping", 65, false},
    ErrorInfo{ErrorCode::bad_data, "bad-data", 65, false},
    ErrorInfo{ErrorCode::source_unavailable, "source-unavailable", 69, true},
    ErrorInfo{ErrorCode::source_refused, "source-refused", 65, false},
    ErrorInfo{ErrorCode::platform_unreachable, "platform-unreachable", 69, true},
    ErrorInfo{ErrorCode::platform_closed, "platform-closed", 75, true},
    ErrorInfo{ErrorCode::platform_refused, "platform-refused", 1, false},
    ErrorInfo{ErrorCode::platform_protocol, "platform-protocol", 69, true},
    ErrorInfo{ErrorCode::certificate_refused, "certificate-refused", 77, false},
    ErrorInfo{ErrorCode::permission_denied, "permission-denied", 77, false},
    ErrorInfo{ErrorCode::cannot_read, "cannot-read", 78, false},
    ErrorInfo{ErrorCode::cannot_write, "cannot-write", 73, false},
    ErrorInfo{ErrorCode::key_missing, "key-missing", 78, false},
    ErrorInfo{ErrorCode::spool_damaged, "spool-damaged", 70, false},
    ErrorInfo{ErrorCode::busy, "busy", 75, true},
    ErrorInfo{ErrorCode::needs_person, "needs-person", 1, false},
    ErrorInfo{ErrorCode::internal, "internal", 70, false},
};

}  // namespace

const ErrorInfo& info(ErrorCode code) {
    for (const ErrorInfo& row : kRegistry)
        if (row.code == code) return row;
    return kRegistry.back();
}

std::string Error::text() const {
    std::string out;
    if (!place.empty()) out += place + ": ";
    out += message;
    if (!remedy.empty()) out += "\n  → " + remedy;
    return out;
}

}  // namespace kaigo
