// The control socket: who asks, for what, and the answer. docs/control.md has the requests.

#include <unistd.h>

#include <boost/json.hpp>
#include <charconv>
#include <sstream>

#include "base/i18n.h"
#include "base/store_failure.h"
#include "daemon/daemon.h"
#include "daemon/rights.h"

namespace kaigo::daemon {

namespace json = boost::json;

namespace {

constexpr int kAccepted = 202;
constexpr int kBadRequest = 400;
constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;

http::Response reply(int status, const json::object& body) { return {status, json::serialize(body) + "\n"}; }

http::Response refuse(int status, const Error& error) {
    return reply(
        status,
        {{"error", error.message}, {"remedy", error.remedy}, {"exitStatus", info(error.code).exit_status}});
}

Error not_found() { return {ErrorCode::usage, tr("there is nothing at this address"), "", ""}; }

std::size_t number(const http::Request& request, const char* name) {
    std::size_t out = 0;
    if (const auto found = request.query.find(name); found != request.query.end())
        std::from_chars(found->second.data(), found->second.data() + found->second.size(), out);
    return out;
}

const char* state_name(Job::State state) {
    switch (state) {
        case Job::State::waiting:
            return "waiting";
        case Job::State::running:
            return "running";
        case Job::State::ended:
            return "ended";
    }
    return "";
}

Result<jobs::RemoteCommand> parse(const std::string& body) {
    boost::system::error_code failed;
    const json::value document = json::parse(body, failed);
    const auto malformed = [] {
        return fail(ErrorCode::usage, tr("expected: {{\"arguments\": [\"…\"], \"inputBase64\": \"…\"}}"));
    };
    if (failed || !document.is_object()) return malformed();
    const json::value* list = document.get_object().if_contains("arguments");
    const json::value* input = document.get_object().if_contains("inputBase64");
    if (list == nullptr || !list->is_array() || (input != nullptr && !input->is_string())) return malformed();
    std::vector<std::string> arguments;
    for (const json::value& each : list->get_array()) {
        if (!each.is_string()) return malformed();
        arguments.emplace_back(each.get_string());
    }
    const auto file =
        from_base64(input == nullptr ? std::string_view() : std::string_view(input->get_string()));
    if (!file) return malformed();
    return jobs::RemoteCommand::parse(arguments, *file);
}

}  // namespace

/// A peer without any right is refused before anything is read from it.
std::optional<http::Response> Daemon::refuse_peer(const http::Peer& peer) {
    const auto installed = installation();
    const config::ControlSettings& settings = installed->config().control;
    if (right_of(peer, settings, ::geteuid())) return std::nullopt;
    return forbidden(peer, "");
}

http::Response Daemon::forbidden(const http::Peer& peer, const std::string& request) {
    events_.record("control-refused", {{"user", peer.user}, {"request", request}});
    const auto installed = installation();
    const config::ControlSettings& settings = installed->config().control;
    return refuse(kForbidden, {ErrorCode::permission_denied, tr("you may not ask the daemon for this"), "",
                               tr("ask for membership in the group {} (operators) or {} (viewers)",
                                  settings.operators, settings.viewers)});
}

jobs::Environment Daemon::environment_of(const http::Peer& peer) {
    return {environment_.clock, random_, peer.user, environment_.stop, stores_, &events_};
}

http::Response Daemon::control(const http::Request& request) {
    // Rights change with a reload: they are looked at for each request.
    const auto right = right_of(*request.peer, installation()->config().control, ::geteuid());
    const auto forbidden = [&] {
        return this->forbidden(*request.peer, request.method + " " + request.path);
    };
    if (!right) return forbidden();
    const bool operates = right->covers(jobs::Right::operate);
    constexpr std::string_view kRuns = "/v1/runs/";
    if (request.path.starts_with(kRuns)) {
        if (request.method == "DELETE" && !operates) return forbidden();
        return run(request, operates);
    }
    if (request.method == "GET" && request.path == "/v1/status") {
        auto status = jobs::RemoteCommand::parse({"status", "--format", "json"}, "");
        std::ostringstream out;
        std::ostringstream err;
        const auto installed = installation();
        jobs::Environment environment = environment_of(*request.peer);
        jobs::Terminal terminal{out, err};
        if (status->execute({installed->config(), environment, terminal}) == 0) return {200, out.str()};
        return refuse(kConflict, {ErrorCode::busy, err.str(), "", ""});
    }
    if (request.method == "GET" && request.path == "/v1/events") {
        json::array list;
        for (const std::string& line : events_.recent()) {
            boost::system::error_code failed;
            json::value event = json::parse(line, failed);
            if (!failed) list.push_back(std::move(event));
        }
        return reply(200, {{"events", std::move(list)}});
    }
    if (request.method != "POST" || request.path != "/v1/commands") return refuse(kNotFound, not_found());
    auto command = parse(request.body);
    if (!command) return refuse(kBadRequest, command.error());
    if (!right->covers(command->right())) return forbidden();
    const bool changes = command->right() != jobs::Right::view;
    const auto installed = installation();
    if (const auto checked = command->check(installed->config()); !checked)
        return refuse(kBadRequest, checked.error());
    if (changes)
        events_.record("control-request", {{"user", request.peer->user}, {"command", command->name()}});
    if (command->job() != nullptr) return put_jobs(*command, request.peer->user);
    std::ostringstream out;
    std::ostringstream err;
    jobs::Environment environment = environment_of(*request.peer);
    jobs::Terminal terminal{out, err};
    try {
        const int status = command->execute({installed->config(), environment, terminal});
        return reply(200, {{"exitStatus", status}, {"output", out.str()}, {"diagnostics", err.str()}});
    } catch (const StoreFailure& failure) {
        // A command that only looks has its own connection: its failure says nothing about the ledger's.
        if (changes) end_for(failure);
        throw;
    }
}

http::Response Daemon::put_jobs(const jobs::RemoteCommand& command, const std::string& user) {
    json::array runs;
    for (const config::Insurer& insurer : installation()->config().insurers) {
        jobs::RunOptions options = *command.job();
        if (!options.insurer.empty() && options.insurer != insurer.number.value()) continue;
        options.insurer = insurer.number.value();
        if (const auto job = lanes_.enqueue(options, user)) runs.push_back(json::string(job->id));
    }
    if (runs.empty())
        return refuse(kConflict,
                      {ErrorCode::busy, tr("this job waits or runs already, or the daemon is stopping"), "",
                       tr("try it again later")});
    return reply(kAccepted, {{"runs", std::move(runs)}});
}

http::Response Daemon::run(const http::Request& request, bool may_operate) {
    const auto job = lanes_.find(request.path.substr(request.path.rfind('/') + 1));
    if (!job) return refuse(kNotFound, not_found());
    if (request.method == "DELETE" && may_operate) job->stop.request_stop();
    // The state first: what is printed before the end is never missed.
    const Job::State state = job->state;
    return reply(200, {{"state", state_name(state)},
                       {"job", text_of(job->options.job)},
                       {"insurer", job->options.insurer},
                       {"exitStatus", job->exit_status.load()},
                       {"output", job->output.since(number(request, "output"))},
                       {"diagnostics", job->diagnostics.since(number(request, "diagnostics"))}});
}

}  // namespace kaigo::daemon
