#include "simulator/server.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <zlib.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/json.hpp>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "base/clock.h"
#include "simulator/sink.h"

namespace kaigo::simulator {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;
using tcp = asio::ip::tcp;
using Stream = beast::ssl_stream<beast::tcp_stream>;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

namespace {

constexpr auto kIdle = std::chrono::seconds(60);

std::set<std::string> insurers_of(SSL* ssl) {
    std::set<std::string> out;
    X509* certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) return out;
    X509_NAME* subject = X509_get_subject_name(certificate);
    for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_organizationalUnitName, at)) >= 0;) {
        const ASN1_STRING* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        out.emplace(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                    static_cast<std::size_t>(ASN1_STRING_length(value)));
    }
    return out;
}

std::optional<std::string> gunzip(const std::string& packed, std::size_t limit) {
    z_stream stream{};
    constexpr int kGzipFormat = 15 + 16;
    if (inflateInit2(&stream, kGzipFormat) != Z_OK) return std::nullopt;
    std::string out(limit + 1, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int code = inflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    if (code != Z_STREAM_END) return std::nullopt;
    return out;
}

/// An answer, and what the fault does to it.
struct Answer {
    http::status status = http::status::ok;
    json::object body;
    std::optional<std::string> written;  ///< the sink's: instead of `body`
    std::optional<std::int64_t> retry_after;
    bool drop = false;
    std::int64_t delay_ms = 0;
};

class Platform {
  public:
    Platform(PlatformState* state, const spec::Specification& specification, std::int64_t sink_waits_for)
        : state_(state),
          specification_(specification),
          wire_(specification.wire()),
          sink_(wire_, sink_waits_for) {}

    Answer answer(const Request& request, const std::set<std::string>& entitled) {
        // The sink guards itself: its batches are taken side by side.
        std::unique_lock lock(mutex_, std::defer_lock);
        if (state_ != nullptr) lock.lock();
        const std::string target(request.target());
        const std::string path = target.substr(0, target.find('?'));
        const auto query = parse_query(target);
        constexpr std::string_view kBase = "/kaigo/v1";
        if (!path.starts_with(kBase)) return error(http::status::not_found, "");
        const std::string rest = path.substr(kBase.size());
        std::map<std::string, std::string> names;
        if (matches(wire_.path("service_status"), rest, names)) return service_status();
        const bool post = request.method() == http::verb::post;
        for (const char* role : {"submit", "results", "list", "progress"}) {
            names.clear();
            if (!matches(wire_.path(role), rest, names)) continue;
            if (post != (std::string_view(role) == "submit")) continue;
            const std::string insurer = names["insurerNumber"];
            if (!entitled.contains(insurer)) return error(http::status::forbidden, "KJQ0403");
            if (state_ == nullptr) return into_sink(role, request, names, query);
            if (state_->scenario().maintenance) return closed(60);
            const auto fault = next_fault(post ? Fault::On::submit : Fault::On::query);
            return strike(fault, [&](bool abort) {
                if (post) return submit(insurer, names["recordKind"], request, abort);
                state_->tick(insurer);
                if (std::string_view(role) == "list") return list(insurer, query);
                if (std::string_view(role) == "progress") return progress(insurer, names["receptionNumber"]);
                return results(insurer, names["receptionNumber"], query);
            });
        }
        return error(http::status::not_found, "");
    }

    std::string summary() { return sink_.summary(); }

    void reload(const std::function<void()>& read) {
        const std::lock_guard lock(mutex_);
        read();
    }

  private:
    static std::map<std::string, std::string> parse_query(const std::string& target) {
        std::map<std::string, std::string> out;
        const std::size_t mark = target.find('?');
        if (mark == std::string::npos) return out;
        std::string rest = target.substr(mark + 1);
        while (!rest.empty()) {
            const std::string part = rest.substr(0, rest.find('&'));
            rest = part.size() < rest.size() ? rest.substr(part.size() + 1) : std::string();
            const std::size_t equal = part.find('=');
            if (equal != std::string::npos) out[part.substr(0, equal)] = part.substr(equal + 1);
        }
        return out;
    }

    /// Path against template: /insurers/{insurerNumber}/…
    static bool matches(const std::string& pattern, const std::string& path,
                        std::map<std::string, std::string>& names) {
        std::size_t p = 0;
        std::size_t q = 0;
        while (p < pattern.size()) {
            const std::size_t p_end = std::min(pattern.find('/', p + 1), pattern.size());
            if (q >= path.size()) return false;
            const std::size_t q_end = std::min(path.find('/', q + 1), path.size());
            const std::string expected = pattern.substr(p + 1, p_end - p - 1);
            const std::string found = path.substr(q + 1, q_end - q - 1);
            if (expected.starts_with('{'))
                names[expected.substr(1, expected.size() - 2)] = found;
            else if (expected != found)
                return false;
            p = p_end;
            q = q_end;
        }
        return q == path.size();
    }

    std::optional<Fault> next_fault(Fault::On on) {
        const std::int64_t n = ++counters_[on];
        const auto& faults = state_->scenario().faults;
        for (std::size_t i = 0; i < faults.size(); ++i) {
            if (faults[i].on != on || !faults[i].strikes(n)) continue;
            if (faults[i].times > 0 && struck_[i] >= faults[i].times) continue;
            ++struck_[i];
            return faults[i];
        }
        return std::nullopt;
    }

    Answer into_sink(std::string_view role, const Request& request, std::map<std::string, std::string>& names,
                     const std::map<std::string, std::string>& query) {
        Answer out;
        if (role == "submit") {
            out.status = http::status::accepted;
            const bool packed = request[http::field::content_encoding] == "gzip";
            const auto limit = static_cast<std::size_t>(wire_.limit("max_bytes"));
            out.written = sink_.submit(names["recordKind"],
                                       packed ? gunzip(request.body(), limit).value() : request.body());
        } else if (role == "list" && !query.contains(wire_.key("request_id"))) {
            out.written = sink_.list(asked(query, "completed_after", 0), asked(query, "limit", 100));
        } else if (role == "results") {
            out.written = sink_.results(names["receptionNumber"]);
        } else {
            return error(http::status::not_found, "");
        }
        return out;
    }

    std::int64_t asked(const std::map<std::string, std::string>& query, const char* role,
                       std::int64_t otherwise) const {
        const auto found = query.find(wire_.key(role));
        return found == query.end() ? otherwise : std::stoll(found->second);
    }

    template <class Work>
    Answer strike(const std::optional<Fault>& fault, Work work) {
        if (!fault) return work(false);
        Answer dropped;
        dropped.drop = true;
        switch (fault->what) {
            case Fault::Do::drop_before:
                return dropped;
            case Fault::Do::drop_after:
                work(false);
                return dropped;
            case Fault::Do::delay: {
                Answer late = work(false);
                late.delay_ms = fault->milliseconds;
                return late;
            }
            case Fault::Do::too_many: {
                Answer out = error(http::status::too_many_requests, "KJQ0429");
                out.retry_after = fault->retry_after;
                return out;
            }
            case Fault::Do::closed:
                return closed(fault->retry_after);
            case Fault::Do::error_before:
                return error(http::status::internal_server_error, "");
            case Fault::Do::error_after:
                work(false);
                return error(http::status::internal_server_error, "");
            case Fault::Do::refuse_as_200:
                return error(http::status::ok, fault->error_id.empty() ? "KJQ0503" : fault->error_id);
            case Fault::Do::abort:
                return work(true);
            case Fault::Do::record_error:
                break;
        }
        return work(false);
    }

    Answer error(http::status status, const std::string& code) const {
        Answer out;
        out.status = status;
        if (!code.empty())
            out.body[wire_.key("errors")] = json::array{
                json::object{{wire_.key("error_code"), code}, {wire_.key("error_text"), "refused"}}};
        return out;
    }

    Answer closed(std::int64_t retry_after) const {
        Answer out = error(http::status::service_unavailable, "KJQ0503");
        out.retry_after = retry_after;
        return out;
    }

    Answer service_status() const {
        Answer out;
        out.body[wire_.key("service_status")] = state_ != nullptr && state_->scenario().maintenance
                                                    ? json::value("closed")
                                                    : json::value(wire_.value("service_open"));
        out.body["specVersions"] = json::array{json::value(wire_.spec_version)};
        out.body["limits"] =
            json::object{{"maxRecords", wire_.limit("max_records")}, {"maxBytes", wire_.limit("max_bytes")}};
        return out;
    }

    Answer submit(const std::string& insurer, const std::string& kind_id, const Request& request,
                  bool abort) {
        const spec::RecordKind* kind = specification_.kind(kind_id);
        if (kind == nullptr) return error(http::status::not_found, "KJQ0400");
        const auto max_bytes = static_cast<std::size_t>(wire_.limit("max_bytes"));
        std::optional<std::string> body = request.body();
        if (request[http::field::content_encoding] == "gzip") body = gunzip(request.body(), max_bytes);
        if (!body) return error(http::status::bad_request, "KJQ0400");
        if (body->size() > max_bytes) return error(http::status::payload_too_large, "KJQ0413");
        json::error_code failed;
        const json::value parsed = json::parse(*body, failed);
        if (failed || !parsed.is_object()) return error(http::status::bad_request, "KJQ0400");
        const json::object& object = parsed.as_object();
        const auto text = [&](const std::string& role) {
            const json::value* value = object.if_contains(wire_.key(role));
            return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
        };
        const json::value* list = object.if_contains(wire_.key("records"));
        const std::string request_id = text("request_id");
        const std::string mode = text("mode");
        const bool initial = mode == wire_.value("mode_initial");
        const bool good_mode = initial ? !text("base_date").empty() : mode == wire_.value("mode_daily");
        if (text("spec_version") != wire_.spec_version || !RequestId::parse(request_id) || !good_mode ||
            list == nullptr || !list->is_array() || list->as_array().empty())
            return error(http::status::bad_request, "KJQ0400");
        std::vector<json::object> records;
        std::set<std::string> ids;
        for (const json::value& record : list->as_array()) {
            if (!record.is_object()) return error(http::status::bad_request, "KJQ0400");
            const json::value* id = record.as_object().if_contains(wire_.record_id_key);
            if (id == nullptr || !id->is_string() || !ids.insert(std::string(id->as_string())).second)
                return error(http::status::bad_request, "KJQ0400");
            records.push_back(record.as_object());
        }
        if (static_cast<std::int64_t>(records.size()) > wire_.limit("max_records"))
            return error(http::status::payload_too_large, "KJQ0413");
        const auto accepted = state_->accept(insurer, *kind, request_id, mode, *body, records, abort);
        if (accepted.how == PlatformState::Accepted::How::conflict)
            return error(http::status::conflict, "KJQ0409");
        Answer out;
        const bool duplicate = accepted.how == PlatformState::Accepted::How::duplicate;
        out.status = duplicate ? http::status::ok : http::status::accepted;
        out.body = {{wire_.key("reception_number"), accepted.reception.number},
                    {wire_.key("request_id"), request_id},
                    {wire_.key("accepted_at"), format_instant(SystemClock().now())},
                    {wire_.key("record_count"), accepted.reception.total}};
        if (duplicate) out.body[wire_.key("duplicate")] = true;
        return out;
    }

    json::object reception_json(const ReceptionRow& row) const {
        return {{wire_.key("reception_number"), row.number},
                {wire_.key("request_id"), row.request_id},
                {wire_.key("record_kind"), row.kind},
                {wire_.key("processing_status"), row.status},
                {wire_.key("counts"), json::object{{wire_.key("count_total"), row.total},
                                                   {wire_.key("count_succeeded"), row.succeeded},
                                                   {wire_.key("count_failed"), row.failed}}}};
    }

    Answer list(const std::string& insurer, const std::map<std::string, std::string>& query) {
        json::array receptions;
        std::string cursor;
        const auto by_request = query.find(wire_.key("request_id"));
        if (by_request != query.end()) {
            if (const auto found = state_->find(insurer, by_request->second))
                receptions.push_back(reception_json(*found));
        } else if (!state_->scenario().unlisted) {
            std::int64_t order = asked(query, "completed_after", 0);
            for (const auto& [n, row] : state_->completed(insurer, order, asked(query, "limit", 100))) {
                receptions.push_back(reception_json(row));
                order = n;
            }
            cursor = std::to_string(order);
        }
        Answer out;
        out.body = {{wire_.key("receptions"), std::move(receptions)}, {wire_.key("cursor"), cursor}};
        return out;
    }

    Answer progress(const std::string& insurer, const std::string& number) {
        const auto row = state_->reception(insurer, number);
        if (!row) return error(http::status::not_found, "");
        Answer out;
        out.body = reception_json(*row);
        return out;
    }

    Answer results(const std::string& insurer, const std::string& number,
                   const std::map<std::string, std::string>& query) {
        const auto row = state_->reception(insurer, number);
        if (!row) return error(http::status::not_found, "");
        if (row->status == wire_.value("processing_running")) return error(http::status::conflict, "");
        std::vector<ResultRow> all = state_->results(row->id);
        const Scenario& scenario = state_->scenario();
        if (scenario.omit_every > 0 && omitted_.insert(number).second) {
            std::vector<ResultRow> some;
            for (std::size_t i = 0; i < all.size(); ++i)
                if ((i + 1) % static_cast<std::size_t>(scenario.omit_every) != 0) some.push_back(all[i]);
            all = std::move(some);
        }
        if (scenario.shuffle_results)
            std::shuffle(all.begin(), all.end(), std::mt19937(static_cast<unsigned>(row->id)));
        const auto offset = static_cast<std::size_t>(std::max<std::int64_t>(0, asked(query, "offset", 0)));
        const auto limit = static_cast<std::size_t>(
            std::min<std::int64_t>(asked(query, "limit", 1000), scenario.result_page));
        json::array page;
        for (std::size_t i = offset; i < std::min(all.size(), offset + limit); ++i) {
            json::object result{{wire_.key("record_id"), all[i].record_id},
                                {wire_.key("record_status"),
                                 all[i].ok ? wire_.value("record_ok") : wire_.value("record_error")},
                                {wire_.key("stored"), all[i].stored}};
            if (!all[i].ok) {
                result[wire_.key("error_id")] = all[i].error_id;
                result[wire_.key("error_message")] = specification_.record_error(all[i].error_id).meaning;
            }
            page.push_back(std::move(result));
        }
        Answer out;
        out.body = {{wire_.key("total"), all.size()}, {wire_.key("results"), std::move(page)}};
        return out;
    }

    PlatformState* state_;  ///< null: a sink
    const spec::Specification& specification_;
    const WireNames& wire_;
    std::mutex mutex_;
    std::map<Fault::On, std::int64_t> counters_;
    std::map<std::size_t, std::int64_t> struck_;
    std::set<std::string> omitted_;
    Sink sink_;
};

/// One connection, until the client leaves or a fault cuts it.
void converse(tcp::socket socket, asio::ssl::context& tls, Platform& platform) {
    beast::error_code failed;
    Stream stream(beast::tcp_stream(std::move(socket)), tls);
    beast::get_lowest_layer(stream).expires_after(kIdle);
    stream.handshake(asio::ssl::stream_base::server, failed);
    if (failed) return;
    const auto entitled = insurers_of(stream.native_handle());
    beast::flat_buffer buffer;
    for (;;) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(std::uint64_t{64} << 20);
        beast::get_lowest_layer(stream).expires_after(kIdle);
        http::read(stream, buffer, parser, failed);
        if (failed) return;
        const Request request = parser.release();
        Answer answer;
        try {
            answer = platform.answer(request, entitled);
        } catch (const std::exception&) {
            answer.status = http::status::bad_request;
        }
        if (answer.delay_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(answer.delay_ms));
        if (answer.drop) return;
        Response response(answer.status, request.version());
        response.set(http::field::content_type, "application/json");
        if (answer.retry_after) response.set(http::field::retry_after, std::to_string(*answer.retry_after));
        response.keep_alive(request.keep_alive());
        response.body() = answer.written ? std::move(*answer.written) : json::serialize(answer.body);
        response.prepare_payload();
        http::write(stream, response, failed);
        if (failed || !request.keep_alive()) return;
    }
}

asio::ssl::context make_tls(const ServerSettings& settings) {
    asio::ssl::context tls(asio::ssl::context::tls_server);
    SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_3_VERSION);
    tls.use_certificate_chain_file(settings.certificate);
    tls.use_private_key_file(settings.private_key, asio::ssl::context::pem);
    tls.load_verify_file(settings.client_ca);
    tls.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    // Without it no session with a client certificate can be resumed.
    constexpr std::string_view kContext = "kaigo-platform-sim";
    SSL_CTX_set_session_id_context(tls.native_handle(),
                                   reinterpret_cast<const unsigned char*>(kContext.data()), kContext.size());
    return tls;
}

}  // namespace

void serve(const ServerSettings& settings, PlatformState* state, const spec::Specification& specification,
           const std::function<void()>& reload, const std::function<void(std::uint16_t)>& ready) {
    asio::io_context io;
    asio::ssl::context tls = make_tls(settings);
    Platform platform(state, specification, settings.sink_waits_for);
    tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::make_address(settings.host), settings.port));
    asio::signal_set stop(io, SIGTERM, SIGINT);
    stop.async_wait([&](auto, auto) { io.stop(); });
    asio::signal_set hangup(io, SIGHUP);
    std::function<void()> wait_for_hangup = [&] {
        hangup.async_wait([&](const beast::error_code& failed, int) {
            if (failed) return;
            platform.reload(reload);
            wait_for_hangup();
        });
    };
    wait_for_hangup();
    std::function<void()> accept = [&] {
        acceptor.async_accept([&](const beast::error_code& failed, tcp::socket socket) {
            if (!failed) {
                socket.set_option(tcp::no_delay(true));
                std::thread([&, moved = std::move(socket)]() mutable {
                    converse(std::move(moved), tls, platform);
                }).detach();
            }
            accept();
        });
    };
    accept();
    ready(acceptor.local_endpoint().port());
    io.run();
    if (state == nullptr) std::cerr << platform.summary() << std::endl;
    // Connections may still be in their threads, which use what lives here: the process ends with them.
    std::_Exit(0);
}

}  // namespace kaigo::simulator
