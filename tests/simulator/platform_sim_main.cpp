#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>
#include <memory>

#include "simulator/server.h"

namespace {

struct Options {
    std::string listen, specification, state, scenario;
    kaigo::simulator::ServerSettings server;
    std::uint64_t seed = 1;
    bool sink = false;
};

void split_address(Options& options) {
    const std::size_t colon = options.listen.rfind(':');
    if (colon == std::string::npos) throw CLI::ValidationError("--listen: HOST:PORT");
    options.server.host = options.listen.substr(0, colon);
    const unsigned long port = std::stoul(options.listen.substr(colon + 1));
    if (port > 65535) throw CLI::ValidationError("--listen: HOST:PORT");
    options.server.port = static_cast<std::uint16_t>(port);
}

int run(const Options& options) {
    kaigo::Faults faults;
    const auto specification = kaigo::spec::Specification::load(options.specification, faults);
    // Synthetic data only: a real マイナンバー is refused here.
    std::unique_ptr<kaigo::simulator::PlatformState> state;
    if (specification && !options.sink)
        state = std::make_unique<kaigo::simulator::PlatformState>(options.state, *specification, options.seed,
                                                                  kaigo::MyNumberCheck::test);
    const auto reload = [&] {
        if (options.scenario.empty() || !state) return;
        kaigo::Faults wrong;
        if (const auto scenario = kaigo::simulator::load_scenario(options.scenario, wrong))
            state->set_scenario(*scenario);
        for (const kaigo::Fault& fault : wrong.list()) {
            std::cerr << fault.text() << std::endl;
            faults.add(fault);
        }
    };
    reload();
    if (!specification || !faults.empty()) {
        for (const kaigo::Fault& fault : faults.list()) std::cerr << fault.text() << '\n';
        return 65;
    }
    kaigo::simulator::serve(options.server, state.get(), *specification, reload, [&](std::uint16_t port) {
        std::cerr << "listening on " << options.server.host << ':' << port << std::endl;
        std::cout << "ready" << std::endl;
    });
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{"kaigo-platform-sim: stand-in for the platform and the 中間サーバー behind it"};
    Options options;
    app.set_version_flag("--version", "kaigo-platform-sim " KAIGO_VERSION);
    app.add_option("--listen", options.listen, "HOST:PORT (port 0: any)")->required();
    app.add_option("--certificate", options.server.certificate, "PEM")->required();
    app.add_option("--private-key", options.server.private_key, "PEM")->required();
    app.add_option("--client-ca", options.server.client_ca, "PEM")->required();
    app.add_option("--interface-spec", options.specification, "folder")->required();
    app.add_option("--state", options.state, "SQLite file")->required();
    app.add_option("--seed", options.seed, "which persons the 中間サーバー does not know");
    app.add_option("--scenario", options.scenario, "YAML file, read again on SIGHUP");
    app.add_flag("--sink", options.sink,
                 "accept, answer and count, but neither validate nor store (for benchmarks)");
    app.add_option("--sink-waits-for", options.server.sink_waits_for,
                   "receptions that the sink takes before it tells one as completed");
    try {
        app.parse(argc, argv);
        split_address(options);
        return run(options);
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);
        return status == 0 ? 0 : 2;
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << '\n';
        return 70;
    }
}
