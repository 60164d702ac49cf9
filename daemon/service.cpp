#include "daemon/service.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <thread>

#include "base/i18n.h"
#include "base/store_failure.h"
#include "jobs/present/terminal.h"

namespace kaigo::daemon {
namespace {

/// SIGTERM and SIGINT stop, the second at once; SIGHUP reloads. Made before any other thread.
class Signals {
  public:
    Signals() {
        ::signal(SIGPIPE, SIG_IGN);
        sigemptyset(&set_);
        for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set_, signal);
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() { leave(); }
    /// From then on no signal touches the daemon.
    void leave() {
        if (!thread_.joinable()) return;
        over_ = true;
        pthread_kill(thread_.native_handle(), SIGHUP);
        thread_.join();
    }

    std::stop_token stop() const { return stop_.get_token(); }

    void attend(Daemon& daemon) {
        thread_ = std::thread([this, &daemon] {
            for (int signal = 0; !over_;) {
                sigwait(&set_, &signal);
                if (over_) return;
                if (signal == SIGHUP && !stop_.stop_requested())
                    daemon.reload();
                else if (signal != SIGHUP && !stop_.request_stop())
                    _exit(info(ErrorCode::busy).exit_status);
            }
        });
    }

  private:
    sigset_t set_{};
    std::stop_source stop_;
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

int serve(const std::string& file, Clock& clock, const std::function<void(const Daemon&)>& ready) {
    Signals signals;
    SystemRandom random;
    observe::JsonEvents events([](std::string_view line) { std::cerr << line << std::flush; }, clock,
                               std::getenv("JOURNAL_STREAM") != nullptr);
    jobs::Environment environment{clock, random, "kaigo-gatewayd", signals.stop(), nullptr, &events};
    jobs::Terminal terminal{std::cout, std::cerr};
    auto config = config::load(file);
    if (!config) return jobs::refuse(terminal, config.error());
    set_language(config->language);
    auto installation = jobs::Installation::load(*config);
    if (!installation) return jobs::refuse(terminal, installation.error());
    auto stores = jobs::Stores::open(*config, (*installation)->keys(), clock.now());
    if (!stores) return jobs::refuse(terminal, stores.error());
    Daemon daemon(*installation, *stores, environment, events);
    if (const auto opened = daemon.open(); !opened) return jobs::refuse(terminal, opened.error());
    signals.attend(daemon);
    if (ready) ready(daemon);
    const bool drained = daemon.serve();
    signals.leave();
    if (drained) return 0;
    // What still runs may hang for long; the ledger is made for such an end.
    std::cerr.flush();
    _exit(0);
}

}  // namespace

int service(int argc, const char* const* argv, Clock& clock,
            const std::function<void(const Daemon&)>& ready) {
#if !__has_feature(address_sanitizer)
    // No core file, no debugger of the same user: マイナンバー pass through this memory.
    ::prctl(PR_SET_DUMPABLE, 0);
#endif
    CLI::App app{"kaigo-gatewayd: runs the jobs of kaigo-gateway by their schedule"};
    std::string file = "/etc/kaigo-gateway/kaigo-gateway.yaml";
    app.set_version_flag("--version", "kaigo-gatewayd " KAIGO_VERSION);
    app.add_option("--config", file, "configuration file");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : info(ErrorCode::usage).exit_status;
    }
    try {
        return serve(file, clock, ready);
    } catch (const StoreFailure& failure) {
        // A failed write or fsync: the service manager starts anew, and the ledger is checked then.
        std::cerr << tr("error: {}", failure.what()) << std::endl;
        _exit(info(ErrorCode::cannot_write).exit_status);
    } catch (const std::exception& failure) {
        std::cerr << tr("error: {}", failure.what()) << std::endl;
        _exit(info(ErrorCode::internal).exit_status);
    }
}

}  // namespace kaigo::daemon
