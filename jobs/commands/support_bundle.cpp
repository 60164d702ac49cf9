// support-bundle: what a vendor needs to help, and nothing about a person.

#include <openssl/crypto.h>
#include <sys/utsname.h>
#include <yaml-cpp/yaml.h>

#include <boost/json.hpp>
#include <ostream>
#include <sstream>

#include "base/files.h"
#include "base/i18n.h"
#include "control/client.h"
#include "jobs/commands/commands.h"
#include "jobs/present/json_document.h"
#include "ledger/store.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

constexpr std::size_t kLargestConfiguration = 1U << 20;
constexpr const char* kNotShown = "(not shown)";

/// The settings, but for what could hold a secret: connection strings, and PINs in URIs.
std::string without_secrets(const std::string& text) {
    try {
        YAML::Node root = YAML::Load(text);
        for (auto source : root["sources"])
            if (source.second["driver"].as<std::string>("") != "sqlite")
                source.second["database"] = kNotShown;
        const auto hide_pin = [](YAML::Node section) {
            if (section["private_key_file"].as<std::string>("").starts_with("pkcs11:"))
                section["private_key_file"] = kNotShown;
        };
        hide_pin(root["platform"]);
        for (auto insurer : root["insurers"]) hide_pin(insurer);
        return YAML::Dump(root);
    } catch (const YAML::Exception& failure) {
        return failure.what();
    }
}

/// A command's document, or what it said instead.
template <class Command>
json::value document_of(const CommandContext& context, Command command) {
    std::ostringstream out;
    std::ostringstream err;
    Terminal inner{out, err};
    int status = info(ErrorCode::internal).exit_status;
    try {
        status = command(CommandContext{context.config, context.environment, inner});
    } catch (const std::exception& failure) {
        // A damaged ledger is just when a bundle is needed.
        err << failure.what();
    }
    boost::system::error_code failed;
    json::value document = json::parse(out.str(), failed);
    if (!failed) return document;
    return json::object{{"exitStatus", status}, {"diagnostics", err.str()}};
}

json::value events_of(const config::Config& config) {
    if (config.control.socket.empty()) return nullptr;
    const auto answer = control::ask(config.control.socket, "GET", "/v1/events", "");
    if (!answer || !*answer || (*answer)->status != 200) return nullptr;
    boost::system::error_code failed;
    json::value document = json::parse((*answer)->body, failed);
    return failed ? json::value(nullptr) : document;
}

}  // namespace

int support_bundle(const CommandContext& context, const std::string& file) {
    const auto text = read_file(context.config.file, kLargestConfiguration);
    utsname host{};
    ::uname(&host);
    const json::object bundle{
        {"madeAt", json_time(to_milliseconds(context.environment.clock.now()))},
        {"versions", json::object{{"kaigo-gateway", KAIGO_VERSION},
                                  {"ledger", ledger::engine_version()},
                                  {"openssl", OpenSSL_version(OPENSSL_VERSION)},
                                  {"kernel", std::string(host.release)}}},
        {"configuration", text ? without_secrets(*text) : text.error().text()},
        {"doctor", document_of(context, [](const CommandContext& inner) { return doctor(inner, true); })},
        {"specification",
         document_of(context, [](const CommandContext& inner) { return check_spec(inner, true); })},
        {"status", document_of(context, [](const CommandContext& inner) { return status(inner, true); })},
        {"jobs", document_of(context, [](const CommandContext& inner) { return list_jobs(inner, 0, true); })},
        {"events", events_of(context.config)}};
    if (const auto written = write_file_durably(file, json::serialize(bundle) + "\n", "support-bundle");
        !written)
        return refuse(context.terminal, written.error());
    context.terminal.out << tr("{}: versions, settings, state of this host and of the jobs; no personal data",
                               file)
                         << '\n';
    return 0;
}

}  // namespace kaigo::jobs
