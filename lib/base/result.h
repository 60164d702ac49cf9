#pragma once
// Failure as a value: what happened, where, and what to do about it.

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace kaigo {

/// Everything that can go wrong, named once. Its exit status and severity stand in the registry (result.cpp).
enum class ErrorCode {
    usage,
    bad_configuration,
    bad_specification,
    bad_mapping,
    bad_data,
    source_unavailable,
    source_refused,
    platform_unreachable,
    platform_closed,
    platform_refused,
    platform_protocol,
    certificate_refused,
    permission_denied,
    cannot_read,
    cannot_write,
    key_missing,
    spool_damaged,
    busy,
    needs_person,
    internal,
};

/// One row of the registry. `exit_status` follows docs: 65 data, 69 unavailable, 70 internal, 73 cannot
/// write, 75 try again later, 77 permission, 78 configuration.
struct ErrorInfo {
    ErrorCode code;
    const char* name;
    int exit_status;
    bool retryable;
};

const ErrorInfo& info(ErrorCode code);

struct Error {
    ErrorCode code = ErrorCode::internal;
    std::string message;
    std::string place;   ///< file, file:line:column, URL; empty when there is none
    std::string remedy;  ///< what an operator can do; may be empty

    /// "place: message (remedy)", for a person.
    std::string text() const;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// Builder: `return fail(code, message).at(path).remedy("…");`
class [[nodiscard]] Failure {
  public:
    Failure(ErrorCode code, std::string message) : error_{code, std::move(message), {}, {}} {}
    Failure& at(std::string place) {
        error_.place = std::move(place);
        return *this;
    }
    Failure& remedy(std::string remedy) {
        error_.remedy = std::move(remedy);
        return *this;
    }
    template <class T>
    operator tl::expected<T, Error>() const {  // NOLINT(google-explicit-constructor): that is its purpose
        return tl::unexpected<Error>(error_);
    }

  private:
    Error error_;
};

inline Failure fail(ErrorCode code, std::string message) { return {code, std::move(message)}; }

#define KAIGO_CONCAT_(a, b) a##b
#define KAIGO_CONCAT(a, b) KAIGO_CONCAT_(a, b)

/// KAIGO_TRY(auto value, expression): the value, or return the error from this function.
#define KAIGO_TRY(declaration, ...)                                             \
    auto KAIGO_CONCAT(try_, __LINE__) = (__VA_ARGS__);                          \
    if (!KAIGO_CONCAT(try_, __LINE__))                                          \
        return tl::unexpected(std::move(KAIGO_CONCAT(try_, __LINE__)).error()); \
    declaration = std::move(*KAIGO_CONCAT(try_, __LINE__))

/// The same for an expression that yields no value.
#define KAIGO_CHECK(...)                                                                            \
    do {                                                                                            \
        if (auto check_ = (__VA_ARGS__); !check_) return tl::unexpected(std::move(check_).error()); \
    } while (false)

}  // namespace kaigo
