#include "jobs/cli/command_line.h"
#include "jobs/cli/process.h"

int main(int argc, char** argv) {
    kaigo::SystemClock clock;
    kaigo::jobs::Process process(clock);
    return kaigo::jobs::command_line(argc, argv, process.environment(), process.terminal());
}
