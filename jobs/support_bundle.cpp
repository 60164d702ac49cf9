// support-bundle: what a vendor needs to help, and nothing about a person.

#include <openssl/crypto.h>
#include <sqlite3.h>
#include <sys/utsname.h>

#include <boost/json.hpp>
#include <ostream>
#include <regex>
#include <sstream>

#include "base/files.h"
#include "base/i18n.h"
#include "control/client.h"
#include "jobs/commands.h"
#include "jobs/json_text.h"

namespace kaigo::jobs {

namespace json = boost::json;

namespace {

constexpr std::size_t kLargestConfiguration = 1U << 20;

/// The file as it is, but for what could be a secret inside a value: connection strings, PINs.
std::string without_secrets(const std::string& text) {
    static const std::regex kConnection(R"((database:\s*)(?!\S+\.(db|sqlite)\b)[^,}\n]+)");
    static const std::regex kPin(R"((pin-(value|source)=)[^;&"'\s]+)");
    static const std::regex kPassword(R"((://[^:/@\s]+:)[^@\s]+@)");
    std::string out = std::regex_replace(text, kConnection, "$1(not shown)");
    out = std::regex_replace(out, kPin, "$1(not shown)");
    return std::regex_replace(out, kPassword, "$1(not shown)@");
}

/// A command's document, or what it said instead.
template <class Command>
json::value document_of(World& world, Command command) {
    std::ostringstream out;
    std::ostringstream err;
    World inner{world.clock, world.random, out, err, false, world.actor, world.stop, {}};
    const int status = command(inner);
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

int support_bundle(const config::Config& config, World& world, const std::string& file) {
    const auto text = read_file(config.file, kLargestConfiguration);
    utsname host{};
    ::uname(&host);
    const json::object bundle{
        {"madeAt", json_time(to_milliseconds(world.clock.now()))},
        {"versions", json::object{{"kaigo-gateway", KAIGO_VERSION},
                                  {"sqlite", sqlite3_libversion()},
                                  {"openssl", OpenSSL_version(OPENSSL_VERSION)},
                                  {"kernel", std::string(host.release)}}},
        {"configuration", text ? without_secrets(*text) : text.error().text()},
        {"doctor", document_of(world, [&](World& inner) { return doctor(config, inner, true); })},
        {"specification", document_of(world, [&](World& inner) { return check_spec(config, inner, true); })},
        {"status", document_of(world, [&](World& inner) { return status(config, inner, true); })},
        {"jobs", document_of(world, [&](World& inner) { return list_jobs(config, inner, 0, true); })},
        {"events", events_of(config)}};
    if (const auto written = write_file_durably(file, json::serialize(bundle) + "\n", "support-bundle");
        !written)
        return refuse(world, written.error());
    world.out << tr("{}: versions, settings, state of this host and of the jobs; no personal data", file)
              << '\n';
    return 0;
}

}  // namespace kaigo::jobs
