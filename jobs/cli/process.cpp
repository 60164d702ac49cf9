#include "jobs/cli/process.h"

#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <iostream>
#include <thread>

namespace kaigo::jobs {
namespace {

std::string os_user() {
    const passwd* entry = getpwuid(geteuid());
    return entry != nullptr ? entry->pw_name : "uid " + std::to_string(geteuid());
}

std::string read_line() {
    std::string line;
    std::getline(std::cin, line);
    return line;
}

}  // namespace

Process::Process(Clock& clock)
    : environment_{clock, random_, os_user(), stop_.get_token()},
      terminal_{std::cout, std::cerr, isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1, read_line} {
    ::signal(SIGPIPE, SIG_IGN);
#if !__has_feature(address_sanitizer)
    // No core file, no debugger of the same user: マイナンバー pass through this memory.
    ::prctl(PR_SET_DUMPABLE, 0);
#endif
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread([signals, stop = stop_]() mutable {
        int signal = 0;
        sigwait(&signals, &signal);
        stop.request_stop();
        sigwait(&signals, &signal);
        _exit(info(ErrorCode::busy).exit_status);
    }).detach();
}

}  // namespace kaigo::jobs
