#pragma once
// Words that several rooms share: what is done to a record, how an answer is classed, what things are called
// on the wire. What the values are is data (interface-spec/); here stand only their meanings.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace kaigo {

/// 更新区分情報: what the platform is asked to do with a record.
enum class UpdateKind : std::uint8_t { create = 1, update = 2, remove = 3 };

/// Class of a record-level errorId; decides what happens to the record (registration/record_state.h).
enum class ErrorClass : std::uint8_t {
    pmh_case,            ///< stored without PMHキー: a case decides
    pmh_unanswered,      ///< stored, PMHキー not issued yet: sent again as 更新
    pmh_operator,        ///< stored, only an operator can tell
    data_error,          ///< held until the source row changes
    dependency,          ///< the prerequisite is not on the platform
    no_such_record,      ///< 更新 or 削除 of what is not there
    already_registered,  ///< 新規 of what is there
    stale,               ///< the platform has a newer version
    transient,           ///< sent again after a while
    unknown,             ///< not in the catalogue: held, alarm
};

/// Class of an error that refuses a whole request.
enum class RequestErrorClass : std::uint8_t { malformed, certificate, conflict, too_large, busy, unknown };

/// How far the platform is with a reception (処理状況).
enum class Processing : std::uint8_t {
    accepted,
    running,
    done,
    done_with_errors,
    aborted,  ///< 異常終了: nothing of it was registered, and it has no results
    unknown,  ///< a code that the interface does not have: its results are asked for
};

constexpr bool is_finished(Processing state) {
    return state != Processing::accepted && state != Processing::running;
}

template <class Enum, std::size_t N>
using Names = std::array<std::pair<Enum, std::string_view>, N>;

inline constexpr Names<ErrorClass, 10> kErrorClassNames = {{
    {ErrorClass::pmh_case, "pmh-case"},
    {ErrorClass::pmh_unanswered, "pmh-unanswered"},
    {ErrorClass::pmh_operator, "pmh-operator"},
    {ErrorClass::data_error, "data-error"},
    {ErrorClass::dependency, "dependency"},
    {ErrorClass::no_such_record, "no-such-record"},
    {ErrorClass::already_registered, "already-registered"},
    {ErrorClass::stale, "stale"},
    {ErrorClass::transient, "transient"},
    {ErrorClass::unknown, "unknown"},
}};

inline constexpr Names<RequestErrorClass, 6> kRequestErrorClassNames = {{
    {RequestErrorClass::malformed, "malformed"},
    {RequestErrorClass::certificate, "certificate"},
    {RequestErrorClass::conflict, "conflict"},
    {RequestErrorClass::too_large, "too-large"},
    {RequestErrorClass::busy, "busy"},
    {RequestErrorClass::unknown, "unknown"},
}};

template <class Enum, std::size_t N>
constexpr std::string_view name_of(const Names<Enum, N>& names, Enum value) {
    for (const auto& [each, name] : names)
        if (each == value) return name;
    return "?";
}

template <class Enum, std::size_t N>
constexpr std::optional<Enum> value_of(const Names<Enum, N>& names, std::string_view text) {
    for (const auto& [each, name] : names)
        if (name == text) return each;
    return std::nullopt;
}

/// Paths, key names, codes and limits of the platform's interface, read from endpoints.yaml. Every role that
/// the programs use is checked when the file is loaded, so that at() below never fails later.
struct WireNames {
    std::string spec_version;
    std::map<std::string, std::string> paths;
    std::map<std::string, std::string> keys;
    std::map<std::string, std::string> values;
    std::map<std::string, std::int64_t> limits;
    std::map<std::string, RequestErrorClass> request_errors;
    std::string record_id_key;
    std::string update_kind_key;
    std::map<UpdateKind, std::string> update_codes;

    const std::string& path(const std::string& role) const { return paths.at(role); }
    const std::string& key(const std::string& role) const { return keys.at(role); }
    const std::string& value(const std::string& role) const { return values.at(role); }
    std::int64_t limit(const std::string& role) const { return limits.at(role); }
    /// @param code  as the platform tells it
    Processing processing(std::string_view code) const {
        if (code == value("processing_accepted")) return Processing::accepted;
        if (code == value("processing_running")) return Processing::running;
        if (code == value("processing_done")) return Processing::done;
        if (code == value("processing_done_with_errors")) return Processing::done_with_errors;
        if (code == value("processing_aborted")) return Processing::aborted;
        return Processing::unknown;
    }
};

}  // namespace kaigo
