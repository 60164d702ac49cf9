#include "platform/wire.h"

#include <boost/json.hpp>

#include "base/i18n.h"
#include "base/text.h"

namespace kaigo::platform {

namespace json = boost::json;

namespace {

constexpr std::size_t kDepth = 12;
constexpr std::size_t kLongestText = 400;

Failure protocol(const std::string& what) {
    return fail(ErrorCode::platform_protocol, tr("the platform's answer cannot be used: {}", what));
}

Result<json::object> parse_object(std::string_view body) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = kDepth;
    json::value value = json::parse(json::string_view(body.data(), body.size()), error, {}, options);
    if (error) return protocol(error.message());
    if (!value.is_object()) return protocol(tr("it is not a JSON object"));
    return std::move(value.as_object());
}

std::string text(const json::object& object, const std::string& key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return {};
    const json::string& found = value->as_string();
    if (found.size() > kLongestText) return {};
    return {found.data(), found.size()};
}

std::optional<std::int64_t> integer(const json::object& object, const std::string& key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr) return std::nullopt;
    json::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    if (error || number < 0) return std::nullopt;
    return number;
}

bool boolean(const json::object& object, const std::string& key) {
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_bool() && value->as_bool();
}

const json::array* list(const json::object& object, const std::string& key) {
    const json::value* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_array();
}

std::string first_error(const WireNames& wire, const json::object& object) {
    const json::array* errors = list(object, wire.key("errors"));
    if (errors == nullptr || errors->empty() || !errors->front().is_object()) return {};
    return text(errors->front().as_object(), wire.key("error_code"));
}

bool has_errors(const WireNames& wire, const json::object& object) {
    const json::array* errors = list(object, wire.key("errors"));
    return errors != nullptr && !errors->empty();
}

Result<Reception> reception(const WireNames& wire, const json::object& object) {
    Reception out;
    out.reception_number = text(object, wire.key("reception_number"));
    out.request_id = text(object, wire.key("request_id"));
    out.processing_status = text(object, wire.key("processing_status"));
    if (out.reception_number.empty() || out.request_id.empty())
        return protocol(tr("a reception without number or request id"));
    if (const json::value* counts = object.if_contains(wire.key("counts"));
        counts != nullptr && counts->is_object())
        out.total = integer(counts->as_object(), wire.key("count_total")).value_or(0);
    return out;
}

}  // namespace

std::string compose_body(const WireNames& wire, const std::string& request_id, const std::string& mode,
                         const std::optional<std::string>& base_date,
                         const std::vector<WireRecord>& records) {
    const std::string id_member = "{\"" + wire.record_id_key + "\":\"";
    std::map<UpdateKind, std::string> kind_members;
    for (const auto& [kind, code] : wire.update_codes)
        kind_members[kind] = "\",\"" + wire.update_kind_key + "\":\"" + code + "\",";
    std::size_t size = 256;
    for (const WireRecord& record : records)
        size += record.canonical.size() + record.record_id.size() + id_member.size() + 32;
    std::string out;
    out.reserve(size);
    const auto member = [&](const std::string& key, const std::string& value) {
        out += out.empty() ? "{" : ",";
        append_json_string(out, wire.key(key));
        out += ':';
        append_json_string(out, value);
    };
    member("spec_version", wire.spec_version);
    member("request_id", request_id);
    member("mode", mode);
    if (base_date) member("base_date", *base_date);
    out += ',';
    append_json_string(out, wire.key("records"));
    out += ":[";
    for (std::size_t i = 0; i < records.size(); ++i) {
        const WireRecord& record = records[i];
        if (i > 0) out += ',';
        out += id_member;
        out += record.record_id;
        out += kind_members.at(record.update_kind);
        out += record.canonical.substr(1);
    }
    out += "]}";
    return out;
}

Result<SubmitResult> parse_submit_answer(const WireNames& wire, std::string_view body,
                                         std::string_view request_id, std::size_t record_count) {
    KAIGO_TRY(const json::object object, parse_object(body));
    SubmitResult out;
    if (has_errors(wire, object)) {
        out.outcome = SubmitResult::Outcome::refused;
        out.error_code = first_error(wire, object);
        return out;
    }
    KAIGO_TRY(const Reception accepted, reception(wire, object));
    if (accepted.request_id != request_id) return protocol(tr("it is about another request"));
    if (integer(object, wire.key("record_count")) != static_cast<std::int64_t>(record_count))
        return protocol(tr("it counts another number of records"));
    out.outcome = SubmitResult::Outcome::accepted;
    out.reception_number = accepted.reception_number;
    return out;
}

std::optional<std::string> parse_error_code(const WireNames& wire, std::string_view body) {
    const auto object = parse_object(body);
    if (!object || !has_errors(wire, *object)) return std::nullopt;
    return first_error(wire, *object);
}

bool is_object(std::string_view body) { return parse_object(body).has_value(); }

Result<ServiceStatus> parse_service_status(const WireNames& wire, std::string_view body) {
    KAIGO_TRY(const json::object object, parse_object(body));
    const std::string status = text(object, wire.key("service_status"));
    if (status.empty()) return protocol(tr("no status"));
    return ServiceStatus{status == wire.value("service_open"), text(object, wire.key("reopens_at"))};
}

Result<ReceptionPage> parse_receptions(const WireNames& wire, std::string_view body) {
    KAIGO_TRY(const json::object object, parse_object(body));
    const json::array* receptions = list(object, wire.key("receptions"));
    if (has_errors(wire, object) || receptions == nullptr) return protocol(tr("no list of receptions"));
    ReceptionPage page;
    for (const json::value& each : *receptions) {
        if (!each.is_object()) return protocol(tr("no list of receptions"));
        KAIGO_TRY(auto found, reception(wire, each.as_object()));
        page.receptions.push_back(std::move(found));
    }
    page.cursor = text(object, wire.key("cursor"));
    return page;
}

Result<Reception> parse_reception(const WireNames& wire, std::string_view body) {
    KAIGO_TRY(const json::object object, parse_object(body));
    if (has_errors(wire, object)) return protocol(first_error(wire, object));
    return reception(wire, object);
}

Result<ResultPage> parse_results(const WireNames& wire, std::string_view body) {
    KAIGO_TRY(const json::object object, parse_object(body));
    const json::array* results = list(object, wire.key("results"));
    const auto total = integer(object, wire.key("total"));
    if (has_errors(wire, object) || results == nullptr || !total) return protocol(tr("no list of results"));
    ResultPage page;
    page.total = *total;
    for (const json::value& each : *results) {
        if (!each.is_object()) return protocol(tr("no list of results"));
        const json::object& one = each.as_object();
        RecordResult result;
        result.record_id = text(one, wire.key("record_id"));
        const std::string status = text(one, wire.key("record_status"));
        if (status != wire.value("record_ok") && status != wire.value("record_error"))
            return protocol(tr("a result of unknown status"));
        result.ok = status == wire.value("record_ok");
        result.stored = boolean(one, wire.key("stored"));
        result.error_id = text(one, wire.key("error_id"));
        page.results.push_back(std::move(result));
    }
    return page;
}

}  // namespace kaigo::platform
