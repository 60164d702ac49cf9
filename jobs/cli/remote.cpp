#include "jobs/cli/remote.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <functional>
#include <ostream>

#include "base/i18n.h"
#include "control/client.h"
#include "crypto/crypto.h"
#include "jobs/sync/run.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

constexpr Duration kLook{200};

Failure unreadable() {
    return fail(ErrorCode::internal, tr("the daemon's answer cannot be read"))
        .remedy(
            tr("daemon and command are of different versions? restart: systemctl restart kaigo-gatewayd"));
}

struct Answer {
    int status = 0;
    json::object body;
    std::string text(const char* name) const {
        const json::value* value = body.if_contains(name);
        return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
    }
    int number(const char* name) const {
        const json::value* value = body.if_contains(name);
        return value != nullptr && value->is_int64() ? static_cast<int>(value->get_int64()) : 0;
    }
};

Result<std::optional<Answer>> ask(const std::filesystem::path& socket, const std::string& method,
                                  const std::string& path, const std::string& body) {
    KAIGO_TRY(const auto response, control::ask(socket, method, path, body));
    if (!response) return std::optional<Answer>();
    boost::system::error_code failed;
    json::value parsed = json::parse(response->body, failed);
    if (failed || !parsed.is_object()) return unreadable();
    Answer out{response->status, std::move(parsed.get_object())};
    constexpr int kForbidden = 403;
    if (out.status == kForbidden)
        return fail(ErrorCode::permission_denied, out.text("error")).remedy(out.text("remedy"));
    if (out.status >= 400) {
        // Turn the daemon's exit status back into the registry's error, where it gives one.
        const int exit = out.number("exitStatus");
        for (const ErrorCode code : {ErrorCode::usage, ErrorCode::busy, ErrorCode::bad_data})
            if (info(code).exit_status == exit)
                return fail(code, out.text("error")).remedy(out.text("remedy"));
        return fail(ErrorCode::internal, out.text("error")).remedy(out.text("remedy"));
    }
    return std::optional(std::move(out));
}

/// One job in its lane, until it ends.
/// @param stop  tells all of the jobs that were asked for to stop; called once
Result<RemoteReply> watch(const std::filesystem::path& socket, const std::string& id,
                          const Environment& environment, Terminal& terminal, bool& told_to_stop,
                          const std::function<Status()>& stop) {
    RemoteReply out;
    std::size_t diagnostics = 0;
    for (;;) {
        if (environment.stop.stop_requested() && !told_to_stop) {
            told_to_stop = true;
            KAIGO_CHECK(stop());
        }
        KAIGO_TRY(
            const auto answer,
            ask(socket, "GET",
                fmt::format("/v1/runs/{}?output={}&diagnostics={}", id, out.output.size(), diagnostics), ""));
        if (!answer)
            return fail(ErrorCode::busy, tr("the daemon ended while the job ran"))
                .remedy(tr("nothing is lost: it goes on when the daemon is started again"));
        const std::string said = answer->text("diagnostics");
        diagnostics += said.size();
        terminal.err << said << std::flush;
        out.output += answer->text("output");
        if (answer->text("state") == "ended") {
            out.exit_status = answer->number("exitStatus");
            return out;
        }
        environment.clock.sleep_until(environment.clock.now() + kLook,
                                      told_to_stop ? std::stop_token() : environment.stop);
    }
}

}  // namespace

Result<std::optional<RemoteReply>> through_daemon(const std::filesystem::path& socket,
                                                  const RemoteRequest& request,
                                                  const Environment& environment, Terminal& terminal) {
    const json::object body{{"arguments", json::array(request.arguments.begin(), request.arguments.end())},
                            {"inputBase64", to_base64(request.input)}};
    KAIGO_TRY(const auto answer, ask(socket, "POST", "/v1/commands", json::serialize(body)));
    if (!answer) return std::optional<RemoteReply>();
    RemoteReply out;
    const json::value* runs = answer->body.if_contains("runs");
    if (runs == nullptr) {
        terminal.err << answer->text("diagnostics");
        out.exit_status = answer->number("exitStatus");
        out.output = answer->text("output");
        return std::optional(std::move(out));
    }
    if (!runs->is_array()) return unreadable();
    // The insurers' jobs work side by side, but are reported one after the other.
    std::string documents;
    std::vector<std::string> ids;
    for (const json::value& run : runs->get_array()) {
        if (!run.is_string()) return unreadable();
        ids.emplace_back(run.get_string());
    }
    bool told_to_stop = false;
    const auto stop = [&]() -> Status {
        for (const std::string& id : ids) KAIGO_CHECK(ask(socket, "DELETE", "/v1/runs/" + id, ""));
        return {};
    };
    for (const std::string& id : ids) {
        KAIGO_TRY(const RemoteReply one, watch(socket, id, environment, terminal, told_to_stop, stop));
        out.exit_status = graver_exit_status(out.exit_status, one.exit_status);
        if (!one.output.empty() && request.json) documents += (documents.empty() ? "" : ",") + one.output;
        if (!request.json) out.output += one.output;
    }
    if (request.json && !documents.empty())
        out.output = runs->get_array().size() == 1 ? documents : "{\"runs\":[" + documents + "]}\n";
    return std::optional(std::move(out));
}

}  // namespace kaigo::jobs
