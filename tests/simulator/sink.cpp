#include "simulator/sink.h"

#include <fmt/format.h>

#include "base/clock.h"

namespace kaigo::simulator {
namespace {

/// The text value behind `"key":"`; moves `at` behind it. Empty when there is none.
std::string_view text_after(std::string_view body, const std::string& marker, std::size_t& at) {
    const std::size_t found = body.find(marker, at);
    if (found == std::string_view::npos) return {};
    const std::size_t start = found + marker.size();
    const std::size_t end = std::min(body.find('"', start), body.size());
    at = end;
    return body.substr(start, end - start);
}

std::string number_of(std::int64_t id) { return fmt::format("{:020}", id); }

}  // namespace

std::string Sink::submit(std::string_view record_kind, std::string_view body) {
    Reception reception;
    reception.record_kind = record_kind;
    std::size_t at = 0;
    reception.request_id = text_after(body, "\"" + wire_.key("request_id") + "\":\"", at);
    const std::string marker = "\"" + wire_.record_id_key + "\":\"";
    for (std::string_view id = text_after(body, marker, at); !id.empty(); id = text_after(body, marker, at)) {
        reception.record_ids += static_cast<char>(id.size());
        reception.record_ids += id;
        ++reception.total;
    }
    const std::lock_guard lock(mutex_);
    const std::int64_t id = ++receptions_;
    records_ += reception.total;
    bytes_ += static_cast<std::int64_t>(body.size());
    std::string out =
        fmt::format(R"({{"{}":"{}","{}":"{}","{}":"{}","{}":{}}})", wire_.key("reception_number"),
                    number_of(id), wire_.key("request_id"), reception.request_id, wire_.key("accepted_at"),
                    format_instant(SystemClock().now()), wire_.key("record_count"), reception.total);
    waiting_.emplace(id, std::move(reception));
    return out;
}

std::string Sink::list(std::int64_t after, std::int64_t limit) {
    const std::lock_guard lock(mutex_);
    std::string out = "{\"" + wire_.key("receptions") + "\":[";
    std::int64_t cursor = after;
    std::int64_t listed = 0;
    ++listings_;
    if (receptions_ < waits_for_) limit = 0;
    for (auto it = waiting_.upper_bound(after); it != waiting_.end() && listed < limit; ++it, ++listed) {
        const auto& [id, reception] = *it;
        cursor = id;
        out += fmt::format(R"({}{{"{}":"{}","{}":"{}","{}":"{}","{}":"{}"}})", listed == 0 ? "" : ",",
                           wire_.key("reception_number"), number_of(id), wire_.key("request_id"),
                           reception.request_id, wire_.key("record_kind"), reception.record_kind,
                           wire_.key("processing_status"), wire_.value("processing_done"));
    }
    return out + fmt::format(R"(],"{}":"{}"}})", wire_.key("cursor"), cursor);
}

std::string Sink::results(const std::string& reception_number) {
    Reception reception;
    {
        const std::lock_guard lock(mutex_);
        const auto found = waiting_.find(std::stoll(reception_number));
        if (found == waiting_.end())
            throw std::out_of_range("no such reception, or its results were fetched");
        reception = std::move(found->second);
        waiting_.erase(found);
        told_ += reception.total;
    }
    const std::string good = fmt::format(R"(","{}":"{}","{}":true}})", wire_.key("record_status"),
                                         wire_.value("record_ok"), wire_.key("stored"));
    std::string out =
        fmt::format(R"({{"{}":{},"{}":[)", wire_.key("total"), reception.total, wire_.key("results"));
    std::string_view rest = reception.record_ids;
    while (!rest.empty()) {
        const auto size = static_cast<unsigned char>(rest.front());
        if (rest.size() < reception.record_ids.size()) out += ',';
        out += "{\"" + wire_.key("record_id") + "\":\"";
        out += rest.substr(1, size);
        out += good;
        rest.remove_prefix(1 + size);
    }
    return out + "]}";
}

std::string Sink::summary() {
    const std::lock_guard lock(mutex_);
    return fmt::format("sink: {} requests, {} records, {} bytes, {} listings, {} results told", receptions_,
                       records_, bytes_, listings_, told_);
}

}  // namespace kaigo::simulator
